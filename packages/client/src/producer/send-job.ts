import type { ApogeeError } from '@apogee/base'
import { type Frame, ResponseCode } from '@apogee/protocol'
import { RemotingError, type RequestSink } from '@apogee/remoting'
import { ErrorCode, RocketMQError } from '../api/errors.ts'
import type { MessageQueue, SendResult, SendStatus } from '../api/message.ts'
import {
  attemptTimeoutMs,
  isRetriedCode,
  pauseBeforeAttempt,
  sendStatusOf,
} from '../core/send-retry.ts'
import { errorOfResponse } from '../remote/errors.ts'
import { SendAnswer } from './send-answer.ts'
import type { MessageFields } from './send-frame.ts'
import type { Sender } from './sender.ts'
import type { QueueTarget, TopicTarget } from './topic-target.ts'

/** The frame's answer is read and used within one call. */
const ANSWER = new SendAnswer()

/** What a stored frame came to. */
export interface Stored {
  readonly status: SendStatus
  /** One, or of a batch one for each message, with commas between. */
  readonly offsetMessageId: string
  readonly queue: MessageQueue
  /** Of the first message. */
  readonly queueOffset: number
  readonly transactionId: string | null
  readonly regionId: string
  readonly recallHandle: string | null
  /** Address of the broker. */
  readonly address: string
}

export interface SendWork {
  readonly topic: TopicTarget
  /** SEND_MESSAGE_V2, SEND_BATCH_MESSAGE or SEND_REPLY_MESSAGE_V2. */
  readonly code: number
  readonly batch: boolean
  readonly content: MessageFields
  /** Chooses the queue of every attempt; null: the next in turn. */
  readonly choose: (() => MessageQueue | null) | null
  readonly timeoutMs: number
}

/**
 * One frame on its way: attempts, one after the other, until it is stored, or no attempt is left, or the deadline has
 * passed. It is the sink of its own requests, so that an attempt costs no closure.
 */
export class SendJob implements RequestSink {
  readonly work: SendWork
  private readonly sender: Sender
  private readonly done: (error: RocketMQError | null, stored: Stored | null) => void
  private readonly deadlineMs: number
  private attempts: RocketMQError[] | null = null
  private failedBroker: string | null = null
  private target: QueueTarget | null = null
  private address = ''
  private attemptMs = 0
  /** Stored, but not as safely as asked for; kept while another broker is tried. */
  private weaklyStored: Stored | null = null
  private isSettled = false

  constructor(
    sender: Sender,
    work: SendWork,
    done: (error: RocketMQError | null, stored: Stored | null) => void,
  ) {
    this.sender = sender
    this.work = work
    this.done = done
    this.deadlineMs = sender.nowMs + work.timeoutMs
  }

  start(): void {
    if (this.work.topic.isReady) this.attempt()
    else this.loadRoute()
  }

  /** Whoever waits does so no longer; what has been sent may be stored all the same. */
  abort(error: RocketMQError): void {
    this.settle(error, null)
  }

  answered(frame: Frame): void {
    const { brokerName } = this.target!
    const status = sendStatusOf(frame.code)
    if (status === null) {
      const remark = frame.remark()
      const text = typeof remark === 'string' ? remark : null
      const error = errorOfResponse(this.work.code, { code: frame.code, remark: text }, brokerName)
      this.ended('refused')
      this.attemptFailed(error, isRetriedCode(frame.code))
      return
    }
    ANSWER.read(frame)
    const stored = this.storedFrom(status)
    this.ended('stored')
    this.work.topic.stored()
    const { settings } = this.sender
    if (status !== 'SEND_OK' && settings.retryAnotherBrokerWhenNotStoreOk)
      this.storeElsewhere(stored)
    else this.settle(null, stored)
  }

  failed(error: ApogeeError): void {
    this.ended(error.code === RemotingError.TIMEOUT ? 'hung' : 'lost')
    this.attemptFailed(this.sender.failureOf(this.work.code, error, this.address), true)
  }

  private storedFrom(status: SendStatus): Stored {
    const { queue } = this.target!
    const isAsked = queue.queueId === ANSWER.queueId
    return {
      status,
      offsetMessageId: ANSWER.msgId,
      queue: isAsked ? queue : { ...queue, queueId: ANSWER.queueId },
      queueOffset: ANSWER.queueOffset,
      transactionId: ANSWER.transactionId,
      regionId: ANSWER.regionId,
      recallHandle: ANSWER.recallHandle,
      address: this.address,
    }
  }

  /** An attempt has come to an end: the broker's latency is known. */
  private ended(outcome: 'stored' | 'refused' | 'lost' | 'hung'): void {
    this.sender.attemptEnded(this.target!.brokerName, this.attemptMs, outcome)
  }

  private loadRoute(): void {
    const timer = this.sender.client.env.clock.after(this.remainingMs, () => {
      this.settle(this.lateError('no route in time'), null)
    })
    this.work.topic.load().then(
      () => {
        timer.cancel()
        this.attempt()
      },
      (error: RocketMQError) => {
        timer.cancel()
        this.settle(error, null)
      },
    )
  }

  private get remainingMs(): number {
    return this.deadlineMs - this.sender.nowMs
  }

  private attempt(): void {
    if (this.isSettled) return
    let queue: MessageQueue | null
    try {
      const { topic, choose } = this.work
      queue = choose === null ? topic.next(this.failedBroker) : choose()
    } catch (error) {
      this.settle(error as RocketMQError, null)
      return
    }
    if (queue === null) this.attemptFailed(this.noQueue(), true)
    else this.sendTo(queue)
  }

  private sendTo(queue: MessageQueue): void {
    const { work, sender } = this
    const target = work.topic.target(queue, work.batch)
    this.target = target
    this.attemptMs = sender.nowMs
    const connection = sender.connectionTo(work.topic, queue)
    if (connection instanceof RocketMQError) {
      this.attemptFailed(connection, true)
      return
    }
    this.address = connection.name
    sender.attemptBegan(target.brokerName, this.attemptMs)
    const opaque = connection.beginRequest(work.code, this.timeoutMs(target.brokerName), this)
    if (opaque !== null) sender.write(connection, work.code, opaque, target, work.content, false)
  }

  /** Of an attempt at this broker. Time is kept only for a broker that may well answer. */
  private timeoutMs(brokerName: string): number {
    const { sender, attempts, remainingMs } = this
    const { choose, topic } = this.work
    const hasOther = choose === null && topic.hasSoundBroker(brokerName)
    return attemptTimeoutMs(attempts?.length ?? 0, sender.settings.retries, hasOther, remainingMs)
  }

  private noQueue(): RocketMQError {
    const { topic } = this.work
    const text = `no queue of ${topic.name} can be written to now`
    return new RocketMQError(ErrorCode.NO_QUEUE, text, { retriable: true })
  }

  /** An attempt has failed. */
  private attemptFailed(error: RocketMQError, isRetried: boolean): void {
    if (this.isSettled) return
    this.attempts ??= []
    this.attempts.push(error)
    this.failedBroker = this.target?.brokerName ?? null
    if (!isRetried || this.sender.client.isClosing) {
      this.giveUp(error, !isRetried)
      return
    }
    if (isRouteOld(error.responseCode)) this.work.topic.refresh()
    this.again(error)
  }

  private storeElsewhere(stored: Stored): void {
    this.weaklyStored = stored
    this.attempts ??= []
    const text = `${this.target!.brokerName} stored it with ${stored.status}`
    this.attempts.push(new RocketMQError(ErrorCode.BROKER_REFUSED, text, { retriable: true }))
    this.failedBroker = this.target!.brokerName
    this.again(this.attempts.at(-1)!)
  }

  private again(error: RocketMQError): void {
    const { retries } = this.sender.settings
    const isElsewhere = this.hasOtherBroker()
    const failures = this.attempts!.length
    const pauseMs = pauseBeforeAttempt(failures, retries, isElsewhere, this.remainingMs)
    if (pauseMs === null) this.giveUp(error, false)
    else if (pauseMs === 0) this.attempt()
    else this.sender.client.env.clock.after(pauseMs, () => this.attempt())
  }

  private hasOtherBroker(): boolean {
    const { choose, topic } = this.work
    if (choose !== null || this.failedBroker === null) return false
    return topic.publishQueues.some(({ brokerName }) => brokerName !== this.failedBroker)
  }

  private giveUp(error: RocketMQError, isFinal: boolean): void {
    if (this.weaklyStored !== null) this.settle(null, this.weaklyStored)
    else if (isFinal && this.attempts!.length === 1) this.settle(error, null)
    else if (error.code === ErrorCode.TIMEOUT || this.remainingMs <= 0) {
      this.settle(this.lateError(error.message), null)
    } else this.settle(this.failure(error), null)
  }

  private failure(error: RocketMQError): RocketMQError {
    const attempts = this.attempts!
    const { choose, topic } = this.work
    const details = withCode({ cause: error, attempts, retriable: error.retriable }, error)
    const place = this.chosenPlace()
    const isUnreachable = error.code === ErrorCode.BROKER_UNREACHABLE
    if (choose !== null && place !== null && isUnreachable) {
      const { brokerName } = this.target!
      const text = `${place} of ${topic.name} cannot be written to now, and the message does not go to another queue: ${error.message}`
      return new RocketMQError(ErrorCode.QUEUE_UNAVAILABLE, text, {
        ...details,
        broker: brokerName,
      })
    }
    const where = place === null ? topic.name : `${place} of ${topic.name}`
    const text = `${attempts.length} attempts to send to ${where} failed: ${error.message}`
    return new RocketMQError(ErrorCode.SEND_FAILED, text, details)
  }

  /** The queue that was chosen, in words; null when queues are taken in turn. */
  private chosenPlace(): string | null {
    const { choose } = this.work
    if (choose === null || this.target === null) return null
    return `queue ${this.target.queueId} of broker ${this.target.brokerName}`
  }

  private lateError(reason: string): RocketMQError {
    const { topic, timeoutMs } = this.work
    const attempts = this.attempts ?? []
    const place = this.chosenPlace()
    const where = place === null ? topic.name : `${place} of ${topic.name}`
    const text = `not sent to ${where} within ${timeoutMs} ms: ${reason}`
    const broker = this.target === null ? {} : { broker: this.target.brokerName }
    const details = { cause: attempts.at(-1), attempts, retriable: true, ...broker }
    return new RocketMQError(ErrorCode.SEND_TIMEOUT, text, details)
  }

  private settle(error: RocketMQError | null, stored: Stored | null): void {
    if (this.isSettled) return
    this.isSettled = true
    // Whoever tries again at once, in a loop, must not keep the event loop from the answers that would end it.
    if (error?.retriable === true) this.sender.soon(() => this.done(error, null))
    else this.done(error, stored)
  }
}

/** No answer, or one of a broker that does not take messages of this topic (any more). */
function isRouteOld(responseCode: number | null): boolean {
  switch (responseCode) {
    case null:
    case ResponseCode.TOPIC_NOT_EXIST:
    case ResponseCode.NO_PERMISSION:
    case ResponseCode.SERVICE_NOT_AVAILABLE:
    case ResponseCode.GO_AWAY:
      return true
    default:
      return false
  }
}

function withCode(
  details: { cause: RocketMQError; attempts: RocketMQError[]; retriable: boolean },
  error: RocketMQError,
): ConstructorParameters<typeof RocketMQError>[2] {
  const { responseCode, broker } = error
  return {
    ...details,
    ...(responseCode === null ? {} : { responseCode }),
    ...(broker === null ? {} : { broker }),
  }
}

/** Of a stored frame, what one message of it came to. */
export function sendResultOf(stored: Stored, messageId: string): SendResult {
  return {
    status: stored.status,
    messageId,
    offsetMessageId: stored.offsetMessageId,
    queue: stored.queue,
    queueOffset: stored.queueOffset,
    transactionId: stored.transactionId,
    regionId: stored.regionId,
    recallHandle: stored.recallHandle,
  }
}
