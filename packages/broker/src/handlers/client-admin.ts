import { isMalformed } from '@apogee/base'
import {
  type Connection as ConnectionBody,
  ConsumeMessageDirectlyResultRequestHeader,
  ConsumerConnection,
  type ExtFields,
  encodeBody,
  GetAllProducerInfoRequestHeader,
  GetConsumerConnectionListRequestHeader,
  GetConsumerRunningInfoRequestHeader,
  GetProducerConnectionListRequestHeader,
  languageName,
  ProducerConnection,
  type ProducerInfo,
  ProducerTableInfo,
  parseOffsetMsgId,
  RequestCode,
  ResponseCode,
} from '@apogee/protocol'
import { type Answer, type Handler, handler, type Request, refuse, success } from '@apogee/remoting'
import type { MessageStore } from '@apogee/store'
import type { ClientChannel } from '../client/client-channel.ts'
import type { ConsumerManager } from '../client/consumer-manager.ts'
import type { ProducerManager } from '../client/producer-manager.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { SubscriptionGroupManager } from '../subscription/subscription-group-manager.ts'
import type { TopicConfigManager } from '../topic/topic-config-manager.ts'
import { ADMIN } from './admin-common.ts'
import { subscriptionBody } from './consume-stats.ts'

export interface ClientAdminDeps {
  config: BrokerConfig
  topics: TopicConfigManager
  groups: SubscriptionGroupManager
  consumers: ConsumerManager
  producers: ProducerManager
  store: MessageStore
}

/** A client that is asked something must answer within this. */
const CALL_TIMEOUT_MS = 10_000

/**
 * GET_CONSUMER_CONNECTION_LIST (203), GET_PRODUCER_CONNECTION_LIST (204), GET_ALL_PRODUCER_INFO (328); and what is passed
 * on to a consumer: GET_CONSUMER_RUNNING_INFO (307), CONSUME_MESSAGE_DIRECTLY (309). Java: AdminBrokerProcessor.
 */
export function clientAdminHandlers(deps: ClientAdminDeps): Handler[] {
  return [
    handler({
      ...ADMIN,
      code: RequestCode.GET_CONSUMER_CONNECTION_LIST,
      header: GetConsumerConnectionListRequestHeader,
      handle: ({ header }) => consumerConnections(deps, header.consumerGroup),
    }),
    handler({
      ...ADMIN,
      code: RequestCode.GET_PRODUCER_CONNECTION_LIST,
      header: GetProducerConnectionListRequestHeader,
      handle: ({ header: { producerGroup } }) => {
        const channels = deps.producers.channels(producerGroup)
        if (channels !== undefined) {
          const connectionSet = [...channels.values()].map(connectionBody)
          return success(encodeBody(ProducerConnection, { connectionSet }))
        }
        const remark = `the producer group[${producerGroup}] not exist`
        return refuse(ResponseCode.SYSTEM_ERROR, remark)
      },
    }),
    handler({
      ...ADMIN,
      code: RequestCode.GET_ALL_PRODUCER_INFO,
      header: GetAllProducerInfoRequestHeader,
      handle: () => {
        const data = new Map<string, ProducerInfo[]>()
        for (const [group, channels] of deps.producers.all()) {
          data.set(group, [...channels.values()].map(producerBody))
        }
        return success(encodeBody(ProducerTableInfo, { data }))
      },
    }),
    handler({
      ...ADMIN,
      code: RequestCode.GET_CONSUMER_RUNNING_INFO,
      header: GetConsumerRunningInfoRequestHeader,
      handle: ({ code, header, fields }) =>
        callConsumer(deps, header.consumerGroup, header.clientId, code, fields, null),
    }),
    handler({
      ...ADMIN,
      code: RequestCode.CONSUME_MESSAGE_DIRECTLY,
      header: ConsumeMessageDirectlyResultRequestHeader,
      handle: (request) => consumeDirectly(deps, request),
    }),
  ]
}

function connectionBody({
  clientId,
  connection,
  language,
  version,
}: ClientChannel): ConnectionBody {
  const clientAddr = connection.remoteAddress
  return { clientId, clientAddr, language: languageName(language), version }
}

function producerBody(channel: ClientChannel): ProducerInfo {
  const { clientId, connection, language, version, lastUpdateTimestamp } = channel
  // Java prints its socket address, which starts with a slash.
  const remoteIP = `/${connection.remoteAddress}`
  return { clientId, remoteIP, language: languageName(language), version, lastUpdateTimestamp }
}

function consumerConnections(deps: ClientAdminDeps, group: string): Answer {
  const info = deps.consumers.get(group)
  if (info === undefined) {
    const remark = `the consumer group[${group}] not online`
    return refuse(ResponseCode.CONSUMER_NOT_ONLINE, remark)
  }
  const subscriptions = [...info.subscriptions].map(
    ([topic, subscription]) => [topic, subscriptionBody(subscription.data)!] as const,
  )
  return success(
    encodeBody(ConsumerConnection, {
      connectionSet: [...info.channels.values()].map(connectionBody),
      subscriptionTable: new Map(subscriptions),
      ...info.mode,
    }),
  )
}

/** Passes a request on to a consumer and its answer back. */
function callConsumer(
  deps: ClientAdminDeps,
  group: string,
  clientId: string,
  code: number,
  fields: ExtFields,
  body: Buffer | null,
): Answer | Promise<Answer> {
  const channel = deps.consumers.findChannel(group, clientId)
  if (channel === undefined) {
    const remark = `The Consumer <${group}> <${clientId}> not online`
    return refuse(ResponseCode.SYSTEM_ERROR, remark)
  }
  return new Promise((resolve) => {
    channel.connection.request(code, fields, body, CALL_TIMEOUT_MS, (error, response) => {
      if (error === null) {
        const { remark, ...rest } = response!
        resolve(remark === null ? rest : { ...rest, remark })
        return
      }
      const isTimeout = error.code === 'REMOTING_TIMEOUT'
      const answerCode = isTimeout ? ResponseCode.CONSUME_MSG_TIMEOUT : ResponseCode.SYSTEM_ERROR
      const remark = `consumer <${group}> <${clientId}> ${error.code}: ${error.message}`
      resolve(refuse(answerCode, remark))
    })
  })
}

async function consumeDirectly(
  deps: ClientAdminDeps,
  request: Request<ConsumeMessageDirectlyResultRequestHeader>,
): Promise<Answer> {
  const { consumerGroup, clientId, msgId, topic } = request.header
  const fields = new Map(request.fields)
  fields.set('brokerName', deps.config.values.brokerName)
  const topicConfig = topic === null ? undefined : deps.topics.select(topic)
  if (topicConfig !== undefined) fields.set('topicSysFlag', String(topicConfig.topicSysFlag))
  const group = deps.groups.find(consumerGroup)
  if (group !== undefined) fields.set('groupSysFlag', String(group.groupSysFlag))
  const id = parseOffsetMsgId(msgId ?? '')
  if (isMalformed(id)) {
    return refuse(ResponseCode.INVALID_PARAMETER, `msgId is no offset message id: ${id.detail}`)
  }
  const record = await deps.store.readRecord(id.physicalOffset)
  if (record === null) {
    const remark = `can not find message by the offset, ${id.physicalOffset}`
    return refuse(ResponseCode.SYSTEM_ERROR, remark)
  }
  return callConsumer(deps, consumerGroup, clientId ?? '', request.code, fields, record)
}
