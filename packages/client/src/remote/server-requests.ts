import { isMalformed } from '@apogee/base'
import {
  CheckTransactionStateRequestHeader,
  ConsumeMessageDirectlyResult,
  ConsumeMessageDirectlyResultRequestHeader,
  ConsumerRunningInfo,
  decodeBody,
  decodeRecord,
  encodeBody,
  GetConsumerRunningInfoRequestHeader,
  GetConsumerStatusBody,
  GetConsumerStatusRequestHeader,
  MessageConst,
  type MessageExt,
  type MessageQueue,
  NotifyConsumerIdsChangedRequestHeader,
  parseHost,
  parseProperties,
  ReplyMessageRequestHeader,
  RequestCode,
  ResetOffsetBody,
  ResetOffsetBodyForC,
  ResetOffsetRequestHeader,
  ResponseCode,
} from '@apogee/protocol'
import {
  type Answer,
  type Handler,
  HandlerRegistry,
  handler,
  refuse,
  success,
} from '@apogee/remoting'
import type { ClientLogger } from '../api/options.ts'
import type { ConsumerMember } from './contract.ts'
import { errorOf } from './errors.ts'
import type { MemberTable } from './member-table.ts'

/** What brokers ask of clients (Java: ClientRemotingProcessor). `members` is there once the first of them comes. */
export function serverRequests(members: () => MemberTable, log: ClientLogger): HandlerRegistry {
  return new HandlerRegistry().add(
    checkTransactionState(members, log),
    notifyConsumerIdsChanged(members),
    resetOffsets(members),
    consumerStatus(members),
    runningInfo(members),
    consumeDirectly(members),
    pushReply(members, log),
  )
}

type GetMembers = () => MemberTable

function checkTransactionState(members: GetMembers, log: ClientLogger): Handler {
  return handler({
    code: RequestCode.CHECK_TRANSACTION_STATE,
    lane: 'send',
    permission: 'client',
    header: CheckTransactionStateRequestHeader,
    handle({ header, body, connection }) {
      const message = decodeRecord(body)
      if (isMalformed(message)) return refuse(ResponseCode.SYSTEM_ERROR, message.detail)
      const group = message.properties.get(MessageConst.PRODUCER_GROUP) ?? ''
      const member = members().producers.get(group)
      if (member?.checkTransaction === undefined) {
        log.warn({ event: 'transaction_check_unwanted', group, broker: connection.name })
        return refuse(ResponseCode.SYSTEM_ERROR, `no transaction producer of group ${group} here`)
      }
      member.checkTransaction({
        brokerAddress: connection.name,
        message,
        transactionId: header.transactionId ?? message.properties.get(MessageConst.UNIQ_KEY) ?? '',
        tranStateTableOffset: header.tranStateTableOffset,
        commitLogOffset: header.commitLogOffset,
      })
      return success()
    },
  })
}

function notifyConsumerIdsChanged(members: GetMembers): Handler {
  return handler({
    code: RequestCode.NOTIFY_CONSUMER_IDS_CHANGED,
    lane: 'heartbeat',
    permission: 'client',
    header: NotifyConsumerIdsChangedRequestHeader,
    handle({ header }) {
      members().consumers.get(header.consumerGroup)?.membersChanged()
      return success()
    },
  })
}

function resetOffsets(members: GetMembers): Handler {
  return handler({
    code: RequestCode.RESET_CONSUMER_CLIENT_OFFSET,
    lane: 'admin',
    permission: 'client',
    header: ResetOffsetRequestHeader,
    handle({ header, body }) {
      const offsets = resetOffsetsOf(body)
      if (offsets === null) return refuse(ResponseCode.SYSTEM_ERROR, 'offsets of no known form')
      return withConsumer(members, header.group, (consumer) => {
        consumer.resetOffsets(header.topic, offsets)
        return success()
      })
    },
  })
}

/** Brokers write Java's form, or a list when the tool that asked was written in C++. */
function resetOffsetsOf(body: Buffer): [MessageQueue, number][] | null {
  const java = decodeBody(ResetOffsetBody, body)
  if (!isMalformed(java)) return java.offsetTable.map(({ key, value }) => [key, value])
  const list = decodeBody(ResetOffsetBodyForC, body)
  if (isMalformed(list)) return null
  return list.offsetTable.map(({ topic, brokerName, queueId, offset }) => [
    { topic, brokerName, queueId },
    offset,
  ])
}

function consumerStatus(members: GetMembers): Handler {
  return handler({
    code: RequestCode.GET_CONSUMER_STATUS_FROM_CLIENT,
    lane: 'admin',
    permission: 'client',
    header: GetConsumerStatusRequestHeader,
    handle({ header }) {
      return withConsumer(members, header.group, (consumer) => {
        const offsets = consumer.consumerStatus(header.topic)
        const messageQueueTable = offsets.map(([key, value]) => ({ key, value }))
        return success(
          encodeBody(GetConsumerStatusBody, { messageQueueTable, consumerTable: new Map() }),
        )
      })
    },
  })
}

function runningInfo(members: GetMembers): Handler {
  return handler({
    code: RequestCode.GET_CONSUMER_RUNNING_INFO,
    lane: 'admin',
    permission: 'client',
    header: GetConsumerRunningInfoRequestHeader,
    handle({ header }) {
      return withConsumer(members, header.consumerGroup, (consumer) =>
        success(encodeBody(ConsumerRunningInfo, consumer.runningInfo())),
      )
    },
  })
}

function consumeDirectly(members: GetMembers): Handler {
  return handler({
    code: RequestCode.CONSUME_MESSAGE_DIRECTLY,
    lane: 'admin',
    permission: 'client',
    header: ConsumeMessageDirectlyResultRequestHeader,
    handle({ header, body }) {
      const message = decodeRecord(body)
      if (isMalformed(message)) return refuse(ResponseCode.SYSTEM_ERROR, message.detail)
      return withConsumer(members, header.consumerGroup, async (consumer) => {
        try {
          const result = await consumer.consumeDirectly(message, header.brokerName ?? '')
          return success(encodeBody(ConsumeMessageDirectlyResult, result))
        } catch (error) {
          return refuse(ResponseCode.SYSTEM_ERROR, errorOf(error).message)
        }
      })
    },
  })
}

function withConsumer<A extends Answer | Promise<Answer>>(
  members: GetMembers,
  group: string,
  answer: (consumer: ConsumerMember) => A,
): A | Answer {
  const consumer = members().consumers.get(group)
  if (consumer !== undefined) return answer(consumer)
  return refuse(ResponseCode.SYSTEM_ERROR, `no consumer of group ${group} here`)
}

function pushReply(members: GetMembers, log: ClientLogger): Handler {
  return handler({
    code: RequestCode.PUSH_REPLY_MESSAGE_TO_CLIENT,
    lane: 'send',
    permission: 'client',
    header: ReplyMessageRequestHeader,
    handle({ header, body, connection }) {
      const message = replyOf(header, body)
      const correlationId = message.properties.get(MessageConst.CORRELATION_ID) ?? ''
      // A reply that comes after its request has given up is no error of anyone's.
      if (!members().replyArrived(correlationId, message)) {
        log.debug({ event: 'reply_unexpected', correlationId, broker: connection.name })
      }
      return success()
    },
  })
}

function replyOf(header: ReplyMessageRequestHeader, body: Buffer): MessageExt {
  const nowhere = { address: '0.0.0.0', port: 0 }
  const bornHost = parseHost(header.bornHost)
  const storeHost = parseHost(header.storeHost)
  return {
    version: 1,
    topic: header.topic,
    queueId: header.queueId,
    queueOffset: 0,
    physicalOffset: 0,
    flag: header.flag,
    sysFlag: header.sysFlag,
    body,
    properties: parseProperties(header.properties ?? ''),
    bornTimestamp: header.bornTimestamp,
    bornHost: bornHost ?? nowhere,
    storeTimestamp: header.storeTimestamp,
    storeHost: storeHost ?? nowhere,
    reconsumeTimes: header.reconsumeTimes ?? 0,
    preparedTransactionOffset: 0,
  }
}
