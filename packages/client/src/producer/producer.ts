import { MessageConst, MessageSysFlag, RequestCode } from '@apogee/protocol'
import { ErrorCode, PartialSendError, RocketMQError } from '../api/errors.ts'
import type { Body, Message, MessageQueue, ReceivedMessage, SendResult } from '../api/message.ts'
import type { SendOptions } from '../api/options.ts'
import type { Channels } from '../observe/channels.ts'
import type { Client } from '../remote/contract.ts'
import { invalidArgument } from '../remote/errors.ts'
import type { SendTrace } from '../trace/send-trace.ts'
import { chooserOf } from './choose-queue.ts'
import type { OnewaySender } from './oneway-sender.ts'
import {
  checkBatchable,
  compressed,
  type MoreProperties,
  type PreparedMessage,
  prepareMessage,
} from './prepare-message.ts'
import type { ProducerSettings } from './producer-settings.ts'
import { recallMessage } from './recall.ts'
import { receivedMessage } from './received-message.ts'
import { noReply, replyAddressOf, requestProperties } from './request-reply.ts'
import { type BatchFrame, batchFrames, batchResults } from './send-batch.ts'
import { type SendJob, type SendWork, type Stored, sendResultOf } from './send-job.ts'
import type { Sender } from './sender.ts'
import type { TopicTarget } from './topic-target.ts'

const NO_OPTIONS: SendOptions = {}
const NO_PROPERTIES: MoreProperties = []

/** What a producer is made of. */
export interface ProducerParts {
  readonly client: Client
  readonly settings: ProducerSettings
  readonly sender: Sender
  readonly oneway: OnewaySender
  readonly trace: SendTrace | null
  readonly channels: Channels
  /** Leaves the heartbeats. */
  leave(): Promise<void>
}

/** Content of a reply to a request. */
export type ReplyContent = Pick<Message, 'tag' | 'keys' | 'properties' | 'flag'> & { body: Body }

/** Sends messages (Java: DefaultMQProducer). Made by `mq.producer()`. */
export class Producer {
  /** As users name it. */
  readonly group: string
  protected readonly parts: ProducerParts
  private readonly end: PromiseWithResolvers<void> = Promise.withResolvers()
  private closing: Promise<void> | null = null

  constructor(group: string, parts: ProducerParts) {
    this.group = group
    this.parts = parts
  }

  /**
   * Sends a message and resolves once it is stored as safely as the broker is configured to (see
   * `SendResult.status`). Attempts that fail are made again, at another broker when there is one, until `timeoutMs`
   * has passed. A lost answer may hide a stored message, so a message can be stored twice. Rejects with
   * RMQ_SEND_FAILED, RMQ_SEND_TIMEOUT, RMQ_QUEUE_UNAVAILABLE, RMQ_BROKER_REFUSED, RMQ_NO_PERMISSION, RMQ_TOPIC_NOT_FOUND,
   * RMQ_NAMESERVER_UNREACHABLE, RMQ_MESSAGE_TOO_LARGE, RMQ_INVALID_ARGUMENT, RMQ_TOO_MANY_IN_FLIGHT, RMQ_ABORTED,
   * RMQ_CLOSED.
   */
  send(message: Message, options?: SendOptions): Promise<SendResult>
  /**
   * Sends messages in as few frames as `maxBatchSize` allows (SEND_BATCH_MESSAGE; never compressed), and resolves to
   * one result for each, in order. When some are not stored it rejects with a PartialSendError, which says which.
   */
  send(messages: readonly Message[], options?: SendOptions): Promise<SendResult[]>
  send(
    given: Message | readonly Message[],
    options: SendOptions = NO_OPTIONS,
  ): Promise<SendResult | SendResult[]> {
    const { send } = this.parts.channels
    if (!send.hasSubscribers) return this.sendUntraced(given, options)
    const messages = isList(given) ? given : [given]
    const topic = messages[0]?.topic ?? ''
    const context = { topic, group: this.group, messageCount: messages.length }
    return send.tracePromise(() => this.sendUntraced(given, options), context)
  }

  /**
   * Sends a message that no broker answers: it may be lost, and nobody is told. Returns false when more than 1 MiB
   * waits for the broker's socket: wait for `flushed()` then. Throws RMQ_INVALID_ARGUMENT, RMQ_MESSAGE_TOO_LARGE,
   * RMQ_CLOSED.
   */
  sendOneway(
    message: Message,
    options: Omit<SendOptions, 'signal' | 'timeoutMs'> = NO_OPTIONS,
  ): boolean {
    const { sender, oneway } = this.parts
    const topic = sender.topic(message.topic)
    const prepared = this.prepare(message, sharding(options), 0)
    return oneway.send(topic, chooserOf(options, topic), prepared)
  }

  /** Resolves once sockets have taken all one-way messages so far, those of lost connections excepted. Never rejects. */
  flushed(): Promise<void> {
    return this.parts.oneway.flushed()
  }

  /**
   * Sends a message and resolves to what its consumer replies (`producer.reply` there, or Java's). Rejects as `send`,
   * and with RMQ_REQUEST_TIMEOUT when no reply has come within `timeoutMs`, which holds for both ways together.
   */
  async request(
    message: Message,
    options: SendOptions & { timeoutMs: number },
  ): Promise<ReceivedMessage> {
    const { client, settings } = this.parts
    const { timeoutMs, signal } = options
    if (signal?.aborted === true) throw aborted(signal)
    const correlationId = client.uniqKeys.next(client.env.clock.wallMs())
    const { promise, resolve, reject } = Promise.withResolvers<ReceivedMessage>()
    const forget = client.members.expectReply(correlationId, (reply) => {
      try {
        resolve(receivedMessage(reply, '', client.namespace))
      } catch (error) {
        reject(error)
      }
    })
    const timer = client.env.clock.after(timeoutMs, () => reject(noReply(timeoutMs)))
    const onAbort = (): void => reject(aborted(signal!))
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      const more = requestProperties(correlationId, client.clientId, timeoutMs)
      const sendMs = Math.min(timeoutMs, settings.timeoutMs)
      // A reply may overtake the answer to the send, so only its failure matters.
      this.sendOne(message, { ...options, timeoutMs: sendMs }, more, 0).catch(reject)
      return await promise
    } finally {
      timer.cancel()
      forget()
      signal?.removeEventListener('abort', onAbort)
    }
  }

  /**
   * Answers a message that `request` has sent. Rejects as `send`; RMQ_INVALID_ARGUMENT when nobody waits for a reply
   * to it.
   */
  async reply(
    request: ReceivedMessage<unknown>,
    content: ReplyContent | Body,
    options: Pick<SendOptions, 'signal' | 'timeoutMs'> = NO_OPTIONS,
  ): Promise<SendResult> {
    const { topic, properties } = replyAddressOf(request)
    const target = this.parts.sender.topicOfNoNamespace(topic)
    const given = isContent(content) ? content : { body: content }
    const prepared = await this.shorter(this.prepare({ ...given, topic }, properties, 0))
    const { brokerName } = request.queue
    // The requester surely has a connection to the broker that took its request.
    const choose = (): MessageQueue | null => {
      const queues = target.publishQueues
      return queues.find((queue) => queue.brokerName === brokerName) ?? queues[0] ?? null
    }
    return this.sendPrepared(target, prepared, options, RequestCode.SEND_REPLY_MESSAGE_V2, choose)
  }

  /**
   * Takes back a timed message that has not been delivered yet, by `SendResult.recallHandle`. Resolves to its message
   * id. Rejects with RMQ_INVALID_ARGUMENT, RMQ_BROKER_REFUSED (too late, or the broker cannot),
   * RMQ_BROKER_UNREACHABLE, RMQ_TIMEOUT.
   */
  recall(recallHandle: string, options: { timeoutMs?: number } = {}): Promise<string> {
    const { client, settings, trace } = this.parts
    return recallMessage(
      client,
      settings,
      trace,
      recallHandle,
      options.timeoutMs ?? settings.timeoutMs,
    )
  }

  /** Resolves once it is closed, by whomever. */
  get closed(): Promise<void> {
    return this.end.promise
  }

  /** Takes no more messages, waits for those in flight, each within its time-out, and leaves. Idempotent. */
  close(): Promise<void> {
    this.closing ??= this.closeNow().finally(() => this.end.resolve())
    return this.closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  protected async closeNow(): Promise<void> {
    const { oneway, sender, trace } = this.parts
    sender.stop()
    await oneway.flushed()
    await sender.drain()
    await trace?.flush()
    await this.parts.leave()
  }

  protected sendOne(
    message: Message,
    options: SendOptions,
    more: MoreProperties,
    sysFlag: number,
  ): Promise<SendResult> {
    try {
      const topic = this.parts.sender.topic(message.topic)
      const prepared = this.prepare(message, more, sysFlag)
      const shorter = compressed(prepared, this.parts.settings)
      const choose = chooserOf(options, topic)
      const code = RequestCode.SEND_MESSAGE_V2
      return shorter instanceof Promise
        ? shorter.then((it) => this.sendPrepared(topic, it, options, code, choose))
        : this.sendPrepared(topic, shorter, options, code, choose)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  private sendUntraced(
    given: Message | readonly Message[],
    options: SendOptions,
  ): Promise<SendResult | SendResult[]> {
    if (!isList(given)) return this.sendOne(given, options, sharding(options), 0)
    if (given.length === 1) {
      return this.sendOne(given[0]!, options, sharding(options), 0).then((result) => [result])
    }
    return this.sendBatch(given, options)
  }

  private prepare(message: Message, more: MoreProperties, sysFlag: number): PreparedMessage {
    const { client, settings } = this.parts
    const messageId = client.uniqKeys.next(client.env.clock.wallMs())
    return prepareMessage(message, messageId, settings, more, sysFlag)
  }

  private async shorter(prepared: PreparedMessage): Promise<PreparedMessage> {
    return compressed(prepared, this.parts.settings)
  }

  private sendPrepared(
    topic: TopicTarget,
    content: PreparedMessage,
    options: Pick<SendOptions, 'signal' | 'timeoutMs'>,
    code: number,
    choose: SendWork['choose'],
  ): Promise<SendResult> {
    const { settings, trace, client } = this.parts
    const timeoutMs = options.timeoutMs ?? settings.timeoutMs
    const startedMs = trace === null ? 0 : client.env.clock.wallMs()
    return new Promise((resolve, reject) => {
      this.start(
        options.signal,
        { topic, code, batch: false, content, choose, timeoutMs },
        (error, stored) => {
          if (trace !== null) {
            const isHalf = (content.sysFlag & MessageSysFlag.TRANSACTION_MASK) !== 0
            trace.sent(content, stored, startedMs, isHalf)
          }
          if (stored === null) reject(error)
          else resolve(sendResultOf(stored, content.messageId))
        },
      )
    })
  }

  private start(
    signal: AbortSignal | undefined,
    work: SendWork,
    done: (error: RocketMQError | null, stored: Stored | null) => void,
  ): void {
    const { sender } = this.parts
    if (signal === undefined) {
      sender.send(work, done)
      return
    }
    if (signal.aborted) throw aborted(signal)
    let job: SendJob | null = null
    const onAbort = (): void => job?.abort(aborted(signal))
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      job = sender.send(work, (error, stored) => {
        signal.removeEventListener('abort', onAbort)
        done(error, stored)
      })
    } catch (error) {
      signal.removeEventListener('abort', onAbort)
      throw error
    }
  }

  private async sendBatch(
    messages: readonly Message[],
    options: SendOptions,
  ): Promise<SendResult[]> {
    const { settings } = this.parts
    if (messages.length === 0) throw invalidArgument('no messages')
    for (const message of messages) checkBatchable(message)
    const more = sharding(options)
    const prepared = messages.map((message) => this.prepare(message, more, 0))
    const results: (SendResult | RocketMQError)[] = []
    const frames = batchFrames(prepared, settings.maxBatchSize)
    await Promise.all(frames.map((frame) => this.sendFrame(frame, prepared, options, results)))
    if (results.some((result) => result instanceof RocketMQError))
      throw new PartialSendError(results)
    return results as SendResult[]
  }

  /** Sends one frame of a batch; never rejects, what came of it goes into `results`. */
  private sendFrame(
    frame: BatchFrame,
    prepared: readonly PreparedMessage[],
    options: SendOptions,
    results: (SendResult | RocketMQError)[],
  ): Promise<void> {
    const { sender, settings, trace, client } = this.parts
    const { indexes, content, topicName } = frame
    const startedMs = client.env.clock.wallMs()
    return new Promise((resolve) => {
      const done = (error: RocketMQError | null, stored: Stored | null): void => {
        const ids = indexes.map((index) => prepared[index]!.messageId)
        const each = stored === null ? ids.map(() => error!) : batchResults(stored, ids)
        indexes.forEach((index, i) => {
          results[index] = each[i]!
          trace?.sent(prepared[index]!, stored, startedMs, false)
        })
        resolve()
      }
      try {
        const topic = sender.topic(topicName)
        const choose = chooserOf(options, topic)
        const timeoutMs = options.timeoutMs ?? settings.timeoutMs
        const code = RequestCode.SEND_BATCH_MESSAGE
        this.start(options.signal, { topic, code, batch: true, content, choose, timeoutMs }, done)
      } catch (error) {
        done(error as RocketMQError, null)
      }
    })
  }
}

function sharding(options: SendOptions): MoreProperties {
  const { shardingKey } = options
  if (shardingKey === undefined) return NO_PROPERTIES
  if (shardingKey === '') throw invalidArgument('shardingKey: empty')
  return [[MessageConst.SHARDING_KEY, shardingKey]]
}

function isList(given: Message | readonly Message[]): given is readonly Message[] {
  return Array.isArray(given)
}

function isContent(content: ReplyContent | Body): content is ReplyContent {
  return typeof content === 'object' && !(content instanceof Uint8Array)
}

function aborted(signal: AbortSignal): RocketMQError {
  const details = { cause: signal.reason as unknown }
  return new RocketMQError(ErrorCode.ABORTED, 'aborted by the signal of the caller', details)
}
