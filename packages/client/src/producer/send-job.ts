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
  readonly choose: ((queues: readonly MessageQueue[]) => MessageQueue | null) | null
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
      this.ended(true)
      this.attemptFailed(error, isRetriedCode(frame.code))
      return
    }
    ANSWER.read(frame)
    const stored = this.storedFrom(status)
    this.ended(false)
    this.work.topic.stored()
    const { settings } = this.sender
    if (status !== 'SEND_OK' && settings.retryAnotherBrokerWhenNotStoreOk)
      this.storeElsewhere(stored)
    else this.settle(null, stored)
  }

  failed(error: ApogeeError): void {
    this.ended(true, error.code === RemotingError.TIMEOUT)
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
  private ended(hasFailed: boolean, isHung = false): void {
    this.sender.attemptEnded(this.target!.brokerName, this.attemptMs, hasFailed, isHung)
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
      queue = choose === null ? topic.next(this.failedBroker) : choose(topic.publishQueues)
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
    const connection = sender.connectionTo(target.brokerName)
    if (connection instanceof RocketMQError) {
      this.attemptFailed(connection, true)
      return
    }
    this.address = connection.name
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
    if (error.responseCode === null || error.responseCode === ResponseCode.TOPIC_NOT_EXIST) {
      this.work.topic.refresh()
    }
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
    } else {
      const attempts = this.attempts!
      const { name } = this.work.topic
      const text = `${attempts.length} attempts to send to ${name} failed: ${error.message}`
      const details = { cause: error, attempts, retriable: error.retriable }
      this.settle(new RocketMQError(ErrorCode.SEND_FAILED, text, withCode(details, error)), null)
    }
  }

  private lateError(reason: string): RocketMQError {
    const { topic, timeoutMs } = this.work
    const attempts = this.attempts ?? []
    const text = `not sent to ${topic.name} within ${timeoutMs} ms: ${reason}`
    const details = { cause: attempts.at(-1), attempts, retriable: true }
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
