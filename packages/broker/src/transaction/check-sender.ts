import {
  CheckTransactionStateRequestHeader,
  encodeHeader,
  encodeRecord,
  formatOffsetMsgId,
  type Host,
  MessageConst,
  type MessageExt,
  RequestCode,
  SystemTopic,
} from '@apogee/protocol'
import type { Logger } from '@apogee/remoting'
import type { ProducerManager } from '../client/producer-manager.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { Half } from './core/half.ts'
import { realQueueIdOf } from './half-record.ts'
import type { TransactionCounters } from './transaction-counters.ts'

export interface CheckSenderDeps {
  config: BrokerConfig
  producers: ProducerManager
  counters: TransactionCounters
  log: Logger
  /** This broker's address, as message ids have it. */
  storeHost: Host
}

/**
 * CHECK_TRANSACTION_STATE (39): asks one of the producer group's clients, in turn, what became of a transaction. The
 * answer is an END_TRANSACTION, or none. Java: AbstractTransactionalMessageCheckListener, Broker2Client.
 */
export class CheckSender {
  private readonly deps: CheckSenderDeps

  constructor(deps: CheckSenderDeps) {
    this.deps = deps
  }

  /** `message` is the half message as it was read; `copy` says where its newest copy stands, stored at `storeTimestamp`. */
  send(message: MessageExt, copy: Half, storeTimestamp: number): void {
    const { config, counters, log, producers, storeHost } = this.deps
    const channel = producers.availableChannel(copy.group)
    if (channel === undefined) {
      log.warn({ event: 'transaction_producer_gone', group: copy.group, topic: copy.topic })
      return
    }
    const uniqKey = message.properties.get(MessageConst.UNIQ_KEY)
    const fields = encodeHeader(CheckTransactionStateRequestHeader, {
      topic: SystemTopic.TRANS_HALF,
      tranStateTableOffset: copy.offset,
      commitLogOffset: copy.physicalOffset,
      offsetMsgId: formatOffsetMsgId(storeHost, copy.physicalOffset),
      ...(uniqKey === undefined ? {} : { msgId: uniqKey, transactionId: uniqKey }),
    })
    fields.set('bname', config.values.brokerName)
    const properties = new Map(message.properties)
    properties.set(MessageConst.TRANSACTION_CHECK_TIMES, String(copy.checkTimes))
    const body = encodeRecord({
      ...message,
      version: 1,
      topic: copy.topic,
      queueId: realQueueIdOf(message),
      queueOffset: copy.offset,
      physicalOffset: copy.physicalOffset,
      properties,
      storeTimestamp,
      storeHost,
    })
    channel.connection.oneway(RequestCode.CHECK_TRANSACTION_STATE, fields, body)
    counters.checksSent++
  }
}
