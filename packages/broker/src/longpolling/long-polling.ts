import { assert } from '@apogee/base'
import type { Clock, Timer } from '@apogee/env'
import type { ConsumeQueue, MessageFilter, QueueWaiter } from '@apogee/store'
import type { ClientConnection } from '../client/client-channel.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import { ParkedList, ParkedPull, type ParkOutcome, type PullResumer } from './parked-pull.ts'

/** Deadlines are seen to once in this time; a pull waits at most this much longer than asked. */
const TICK_MS = 1000
/** Seconds on the wheel; later deadlines come round again. */
const WHEEL_SECONDS = 64
/** How often consumers are let over messages that their filter does not want. */
const SWEEP_TICKS = 5
const FREE_PULLS_MAX = 4096

/**
 * Pulls that wait for a message, parked at their queue. Dispatch wakes those whose filter wants the message, in the same
 * turn; one timer, which runs only while something is parked, sees to deadlines and, every 5 s, to consumers whose filter
 * keeps them behind. Limits: parkedPullsMax, parkedPullsPerConnectionMax. Java: PullRequestHoldService.
 */
export class LongPolling {
  /** Pulls parked now. */
  size = 0
  private readonly config: BrokerConfig
  private readonly clock: Clock
  private readonly waiters = new Map<ConsumeQueue, ParkedQueue>()
  private readonly connections = new Map<ClientConnection, ParkedList>()
  private readonly wheel: ParkedList[] = []
  private readonly waking: ParkedPull[] = []
  private wakeScheduled = false
  private readonly passedOver: ParkedPull[] = []
  private readonly free: ParkedPull[] = []
  private second = 0
  private timer: Timer | null = null
  private stopped = false

  constructor(config: BrokerConfig, deps: { clock: Clock }) {
    this.config = config
    this.clock = deps.clock
    for (let i = 0; i < WHEEL_SECONDS; i++) this.wheel.push(new ParkedList())
  }

  /**
   * Parks a pull that found nothing at `offset`, unless a limit is reached or the broker stops. `deadlineMs` is monotonic;
   * `token` is the caller's.
   */
  park(
    queue: ConsumeQueue,
    offset: number,
    filter: MessageFilter | null,
    deadlineMs: number,
    connection: ClientConnection,
    resumer: PullResumer,
    token: number,
  ): ParkOutcome {
    const { parkedPullsMax, parkedPullsPerConnectionMax } = this.config.values
    const ofConnection = this.listOf(connection)
    if (this.stopped) return 'stopped'
    if (this.size >= parkedPullsMax) return 'full'
    if (ofConnection.size >= parkedPullsPerConnectionMax) return 'full'
    const pull = this.free.pop() ?? new ParkedPull()
    pull.queue = queue
    pull.offset = offset
    pull.filter = filter
    pull.deadlineMs = deadlineMs
    pull.resumer = resumer
    pull.token = token
    pull.passedOver = false
    pull.waking = false
    ofConnection.add(pull.ofConnection)
    this.waiterOf(queue).list.add(pull.ofQueue)
    if (this.size++ === 0) this.startTimer()
    this.wheelAt(deadlineMs).add(pull.ofSecond)
    // What arrived between the read that found nothing and now has told nobody.
    if (queue.maxOffset > offset) this.wake(pull)
    return 'parked'
  }

  /** Ends all waits; no pull is parked any more. */
  stop(): void {
    this.stopped = true
    for (const list of this.wheel) {
      for (let link = list.first; link !== null; link = link.next) this.wake(link.pull)
    }
  }

  /** A message has come to a queue. Called by the dispatcher. */
  arrived(list: ParkedList, queueOffset: number, tagsCode: number): void {
    for (let link = list.first; link !== null; link = link.next) {
      const { pull } = link
      if (pull.waking || pull.offset > queueOffset) continue
      if (pull.filter === null || pull.filter.matchesTags(tagsCode)) this.wake(pull)
      else if (!pull.passedOver) {
        pull.passedOver = true
        this.passedOver.push(pull)
      }
    }
  }

  /** The pulls of one turn are resumed together, after dispatch: a burst of messages goes out in one answer. */
  private wake(pull: ParkedPull): void {
    if (pull.waking) return
    pull.waking = true
    this.waking.push(pull)
    if (this.wakeScheduled) return
    this.wakeScheduled = true
    this.clock.soon(this.resumeAll)
  }

  private readonly resumeAll = (): void => {
    this.wakeScheduled = false
    // Resumed pulls may park again, and be woken again, in the next round.
    const count = this.waking.length
    for (let i = 0; i < count; i++) {
      const pull = this.waking[i]!
      // Its connection was closed after it was woken.
      if (pull.resumer === null) continue
      const { resumer, token, queue, offset } = pull
      const expired = queue!.maxOffset <= offset
      this.release(pull)
      resumer.resumePull(token, expired)
    }
    const left = this.waking.splice(0, count)
    for (const pull of left) this.recycle(pull)
    if (this.waking.length > 0 && !this.wakeScheduled) {
      this.wakeScheduled = true
      this.clock.soon(this.resumeAll)
    }
  }

  private dropAll(connection: ClientConnection): void {
    const list = this.connections.get(connection)
    this.connections.delete(connection)
    for (let link = list?.first ?? null; link !== null; link = list?.first ?? null) {
      const { pull } = link
      const { resumer, token } = pull
      this.release(pull)
      if (!pull.waking) this.recycle(pull)
      resumer?.dropPull(token)
    }
  }

  /** Takes it out of all lists. One that is among those to wake stays there, without a resumer, and is passed over. */
  private release(pull: ParkedPull): void {
    const { queue } = pull
    assert(queue !== null, 'a parked pull has a queue', pull.token)
    pull.ofQueue.remove()
    pull.ofConnection.remove()
    pull.ofSecond.remove()
    const waiter = this.waiters.get(queue)
    if (waiter !== undefined && waiter.list.size === 0) {
      waiter.detach()
      this.waiters.delete(queue)
    }
    pull.queue = null
    pull.filter = null
    pull.resumer = null
    if (--this.size === 0) this.stopTimer()
  }

  private recycle(pull: ParkedPull): void {
    // One that was passed over is still on that list: it is forgotten there, and by us.
    if (!pull.passedOver && this.free.length < FREE_PULLS_MAX) this.free.push(pull)
  }

  private listOf(connection: ClientConnection): ParkedList {
    let list = this.connections.get(connection)
    if (list === undefined) {
      list = new ParkedList()
      this.connections.set(connection, list)
      connection.onClose(() => this.dropAll(connection))
    }
    return list
  }

  private waiterOf(queue: ConsumeQueue): ParkedQueue {
    let waiter = this.waiters.get(queue)
    if (waiter === undefined) {
      waiter = new ParkedQueue(this, queue)
      this.waiters.set(queue, waiter)
    }
    return waiter
  }

  private wheelAt(deadlineMs: number): ParkedList {
    const second = Math.max(Math.ceil(deadlineMs / TICK_MS), this.second + 1)
    return this.wheel[second % WHEEL_SECONDS]!
  }

  private startTimer(): void {
    this.second = Math.floor(this.clock.monotonicMs() / TICK_MS)
    this.timer = this.clock.after(TICK_MS, this.tick)
  }

  private stopTimer(): void {
    this.timer?.cancel()
    this.timer = null
    this.passedOver.length = 0
  }

  private readonly tick = (): void => {
    const nowMs = this.clock.monotonicMs()
    const second = Math.floor(nowMs / TICK_MS)
    const from = Math.max(this.second + 1, second - WHEEL_SECONDS + 1)
    for (let at = from; at <= second; at++) this.expire(at, nowMs)
    if (Math.floor(second / SWEEP_TICKS) !== Math.floor(this.second / SWEEP_TICKS)) this.sweep()
    this.second = second
    this.timer = this.clock.after(TICK_MS, this.tick)
  }

  private expire(second: number, nowMs: number): void {
    const list = this.wheel[second % WHEEL_SECONDS]!
    for (let link = list.first; link !== null; link = link.next) {
      if (link.pull.deadlineMs <= nowMs) this.wake(link.pull)
    }
  }

  private sweep(): void {
    for (const pull of this.passedOver) {
      pull.passedOver = false
      if (pull.resumer !== null) this.wake(pull)
    }
    this.passedOver.length = 0
  }
}

/** The waiter of one queue; whoever waited there before is told as well. */
class ParkedQueue implements QueueWaiter {
  readonly list: ParkedList = new ParkedList()
  private readonly owner: LongPolling
  private readonly queue: ConsumeQueue
  private readonly before: QueueWaiter | null

  constructor(owner: LongPolling, queue: ConsumeQueue) {
    this.owner = owner
    this.queue = queue
    this.before = queue.waiter
    queue.waiter = this
  }

  arrived(
    queue: ConsumeQueue,
    queueOffset: number,
    tagsCode: number,
    storeTimestamp: number,
  ): void {
    this.owner.arrived(this.list, queueOffset, tagsCode)
    this.before?.arrived(queue, queueOffset, tagsCode, storeTimestamp)
  }

  detach(): void {
    this.queue.waiter = this.before
  }
}
