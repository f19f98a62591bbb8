import {
  encodeHeader,
  formatProperties,
  MessageConst,
  MessageSysFlag,
  RequestCode,
  retryTopicOf,
  SendMessageRequestHeaderV2,
  SystemTopic,
} from '@apogee/protocol'
import { ErrorCode, RocketMQError } from '../api/errors.ts'
import type { MessageQueue } from '../api/message.ts'
import { MASTER_ID } from '../core/pull-source.ts'
import {
  DELAY_LEVEL_DEAD,
  maxReconsumeTimes,
  type RetryMessageFields,
  retryMessageFields,
  SEND_BACK_TIMEOUT_MS,
} from '../core/retry-policy.ts'
import { BrokerRequests } from './broker-requests.ts'
import type { SendBackContext } from './channel-contexts.ts'
import type { ConsumerContext } from './consumer-context.ts'
import { withNamespace, withoutNamespace } from './names.ts'
import type { PulledMessage } from './pulled-message.ts'

/** Java's name of the producer that its consumers send with. */
const INNER_PRODUCER_GROUP = 'CLIENT_INNER_PRODUCER'
/** Brokers that an ordinary message to the retry topic is tried at. */
const RETRY_TOPIC_ATTEMPTS = 3
const RETRY_TOPIC_QUEUES = 1
const KEPT_SYS_FLAGS = MessageSysFlag.COMPRESSED | MessageSysFlag.COMPRESSION_MASK
/** What the copy must not inherit. */
const DROPPED_PROPERTIES: ReadonlySet<string> = new Set([
  MessageConst.TRANSACTION_PREPARED,
  MessageConst.DELAY_TIME_LEVEL,
  MessageConst.RECONSUME_TIME,
  MessageConst.MAX_RECONSUME_TIMES,
  MessageConst.TIMER_DELAY_MS,
  MessageConst.TIMER_DELAY_SEC,
  MessageConst.TIMER_DELIVER_MS,
])

/** Gives messages that could not be handled back to a broker, which brings them again later or buries them. */
export class SendBack<T> {
  private readonly context: ConsumerContext<T>
  private readonly requests: BrokerRequests

  constructor(context: ConsumerContext<T>) {
    this.context = context
    this.requests = new BrokerRequests(context.client)
  }

  /**
   * CONSUMER_SEND_MSG_BACK (36) to the master that has the message; when that fails, an ordinary message to the
   * group's retry topic at any broker. Resolves once a broker has confirmed; rejects when none did: the message
   * must not be forgotten then.
   */
  send(message: PulledMessage<T>, delayLevel: number): Promise<void> {
    const { channels, group } = this.context
    if (!channels.ack.hasSubscribers) return this.sendUntraced(message, delayLevel)
    const { queue, queueOffset } = message
    const context: SendBackContext = { group, queue, queueOffset, delayLevel }
    return channels.ack.tracePromise(() => this.sendUntraced(message, delayLevel), context)
  }

  private async sendUntraced(message: PulledMessage<T>, delayLevel: number): Promise<void> {
    const { settings, client, group } = this.context
    const maxTimes = maxReconsumeTimes(settings.maxRetries, settings.isOrdered)
    try {
      await this.sendBack(message, delayLevel, maxTimes)
    } catch (error) {
      const { messageId, queue } = message
      client.log.warn({ event: 'send_back_failed', group, messageId, queue, err: error })
      const fields = retryMessageFields(message.reconsumeTimes, maxTimes, delayLevel)
      await this.sendToRetryTopic(message, fields)
    }
    const isDead = delayLevel === DELAY_LEVEL_DEAD || message.reconsumeTimes >= maxTimes
    if (isDead) this.report(message)
  }

  private report(message: PulledMessage<T>): void {
    const { client } = this.context
    const { messageId, topic, queue, queueOffset, reconsumeTimes } = message
    const group = withoutNamespace(client.namespace, this.context.group)
    const fields = { group, messageId, topic, queue, queueOffset, reconsumeTimes }
    client.log.warn({ event: 'dead_letter', ...fields })
    client.status.emit({ type: 'dead-letter', group, messageId })
  }

  private async sendBack(
    message: PulledMessage<T>,
    delayLevel: number,
    maxTimes: number,
  ): Promise<void> {
    const { client, group } = this.context
    const { brokerName } = message.queue
    const address = client.routes.brokerAddress(brokerName, MASTER_ID)
    if (address === null) throw unreachable(`no route to the master of ${brokerName}`, brokerName)
    const header = {
      offset: message.physicalOffset,
      group,
      delayLevel,
      originMsgId: message.messageId,
      originTopic: withNamespace(client.namespace, message.topic),
      unitMode: client.unitName !== null,
      maxReconsumeTimes: maxTimes,
    }
    await this.requests.sendBack(address, header, SEND_BACK_TIMEOUT_MS)
  }

  private async sendToRetryTopic(
    message: PulledMessage<T>,
    fields: RetryMessageFields,
  ): Promise<void> {
    const { client, group } = this.context
    const topic = retryTopicOf(group)
    const { publishQueues } = await client.routes.get(topic)
    let failure: unknown = null
    for (const { address, queue } of this.retryPlaces(publishQueues)) {
      try {
        await this.sendTo(address, queue, message, fields)
        return
      } catch (error) {
        failure = error
      }
    }
    throw failure ?? unreachable(`no broker takes messages of ${topic}`, null)
  }

  /** A random queue of each of some brokers; those whose connection is broken come last. */
  private retryPlaces(queues: readonly MessageQueue[]): { address: string; queue: MessageQueue }[] {
    const { routes, remote, env } = this.context.client
    const byBroker = [...Map.groupBy(queues, ({ brokerName }) => brokerName)]
    const start = env.random.below(Math.max(1, byBroker.length))
    const turn = [...byBroker.slice(start), ...byBroker.slice(0, start)]
    const places = turn.flatMap(([brokerName, some]) => {
      const address = routes.brokerAddress(brokerName, MASTER_ID)
      const queue = some[env.random.below(some.length)]
      return address === null || queue === undefined ? [] : [{ address, queue }]
    })
    places.sort((a, b) => Number(remote.isDown(a.address)) - Number(remote.isDown(b.address)))
    return places.slice(0, RETRY_TOPIC_ATTEMPTS)
  }

  private async sendTo(
    address: string,
    queue: MessageQueue,
    message: PulledMessage<T>,
    fields: RetryMessageFields,
  ): Promise<void> {
    const { client } = this.context
    const header = encodeHeader(SendMessageRequestHeaderV2, {
      producerGroup: INNER_PRODUCER_GROUP,
      topic: queue.topic,
      defaultTopic: SystemTopic.AUTO_CREATE_TOPIC_KEY,
      defaultTopicQueueNums: RETRY_TOPIC_QUEUES,
      queueId: queue.queueId,
      sysFlag: message.sysFlag & KEPT_SYS_FLAGS,
      bornTimestamp: client.env.clock.wallMs(),
      flag: message.flag,
      properties: formatProperties(this.propertiesOf(message, fields)),
      reconsumeTimes: fields.reconsumeTimes,
      unitMode: client.unitName !== null,
      maxReconsumeTimes: fields.maxReconsumeTimes,
      batch: false,
    })
    const request = {
      code: RequestCode.SEND_MESSAGE_V2,
      fields: header,
      body: message.storedBody,
    }
    await client.remote.call(address, request, SEND_BACK_TIMEOUT_MS)
  }

  private propertiesOf(message: PulledMessage<T>, fields: RetryMessageFields): Map<string, string> {
    const properties = new Map<string, string>()
    for (const [name, value] of Object.entries(message.properties)) {
      if (!DROPPED_PROPERTIES.has(name)) properties.set(name, value)
    }
    if (!properties.has(MessageConst.ORIGIN_MESSAGE_ID)) {
      properties.set(MessageConst.ORIGIN_MESSAGE_ID, message.offsetMessageId)
    }
    properties.set(
      MessageConst.RETRY_TOPIC,
      withNamespace(this.context.client.namespace, message.topic),
    )
    properties.set(MessageConst.DELAY_TIME_LEVEL, String(fields.delayLevel))
    return properties
  }
}

function unreachable(text: string, broker: string | null): RocketMQError {
  const details = broker === null ? { retriable: true } : { broker, retriable: true }
  return new RocketMQError(ErrorCode.BROKER_UNREACHABLE, text, details)
}
