import type { Clock, Timer } from '@apogee/env'
import type { TopicConfig } from '../topic/topic-config.ts'
import { RateRing } from './rate-ring.ts'
import { GroupCounters } from './topic-counters.ts'
import { TICK_SECONDS, WindowCounter } from './window-counter.ts'

export interface BrokerStatsOptions {
  /** Pairs of topic and group that are counted; beyond it they share one set of counters. Default 200,000. */
  groupCountersMax?: number
  /** The day that a wall time lies in, for the totals of today and yesterday. Default: UTC. */
  dayOf?: (wallMs: number) => number
}

/**
 * What a broker counts. Hot paths call `messagePut` and `messageGot`, which only add. One timer, every 10 s, moves the
 * windows. Java: BrokerStatsManager, StoreStatsService, BrokerStats.
 */
export class BrokerStats {
  /** The time in steps of 10 s. */
  tick = 0
  readonly startedMs: number
  /** Messages stored and handed out. */
  readonly put: RateRing = new RateRing()
  readonly transferred: RateRing = new RateRing()
  /** Pulls that found something and that did not. */
  readonly found: RateRing = new RateRing()
  readonly miss: RateRing = new RateRing()
  putBytes = 0
  gotBytes = 0
  putFailed = 0
  sentToDlq = 0
  /** The broker's own windows, without system topics. */
  readonly brokerPut: WindowCounter = new WindowCounter()
  readonly brokerGet: WindowCounter = new WindowCounter()
  readonly totals: DayTotals = { yesterday: [0, 0], today: [0, 0] }
  private readonly clock: Clock
  private readonly dayOf: (wallMs: number) => number
  private readonly groupCountersMax: number
  private readonly groups = new Map<string, Map<string, GroupCounters>>()
  private readonly overflow = new GroupCounters()
  private groupCount = 0
  private day: number
  private timer: Timer | null = null

  constructor(options: BrokerStatsOptions, deps: { clock: Clock }) {
    this.clock = deps.clock
    this.dayOf = options.dayOf ?? ((wallMs) => Math.floor(wallMs / 86_400_000))
    this.groupCountersMax = options.groupCountersMax ?? 200_000
    this.startedMs = deps.clock.wallMs()
    this.day = this.dayOf(this.startedMs)
    this.tick = this.currentTick()
  }

  start(): void {
    this.sample()
  }

  stop(): void {
    this.timer?.cancel()
    this.timer = null
  }

  /** `count` messages of a topic were appended; `bytes` is the size of their records. */
  messagePut(topic: TopicConfig, count: number, bytes: number): void {
    const { tick } = this
    this.put.total += count
    this.putBytes += bytes
    topic.counters.putNums.add(count, tick)
    topic.counters.putSize.add(bytes, tick)
    topic.counters.addSizes(count, bytes)
    if (!topic.isSystem) this.brokerPut.add(count, tick)
  }

  /** A pull of a group handed out `count` messages; 0 is a pull that found nothing. */
  messageGot(counters: GroupCounters, count: number, bytes: number): void {
    if (count === 0) {
      this.miss.total++
      return
    }
    const { tick } = this
    this.found.total++
    this.transferred.total += count
    this.gotBytes += bytes
    counters.getNums.add(count, tick)
    counters.getSize.add(bytes, tick)
    this.brokerGet.add(count, tick)
  }

  messageSentBack(topic: string, group: string): void {
    this.group(topic, group).sendBackNums.add(1, this.tick)
  }

  /** The counters of a group on a topic; the same object as long as neither is deleted. */
  group(topic: string, group: string): GroupCounters {
    let groups = this.groups.get(topic)
    const known = groups?.get(group)
    if (known !== undefined) return known
    if (this.groupCount >= this.groupCountersMax) return this.overflow
    if (groups === undefined) {
      groups = new Map()
      this.groups.set(topic, groups)
    }
    const counters = new GroupCounters()
    groups.set(group, counters)
    this.groupCount++
    return counters
  }

  /** The same if it has ever counted. */
  findGroup(topic: string, group: string): GroupCounters | undefined {
    return this.groups.get(topic)?.get(group)
  }

  /** Every pair that is counted: topic → group → counters. */
  allGroups(): ReadonlyMap<string, ReadonlyMap<string, GroupCounters>> {
    return this.groups
  }

  topicDeleted(topic: string): void {
    this.groupCount -= this.groups.get(topic)?.size ?? 0
    this.groups.delete(topic)
  }

  groupDeleted(group: string): void {
    for (const [topic, groups] of this.groups) {
      if (!groups.delete(group)) continue
      this.groupCount--
      if (groups.size === 0) this.groups.delete(topic)
    }
  }

  private sample(): void {
    const nowMs = this.clock.monotonicMs()
    this.tick = this.currentTick()
    for (const ring of [this.put, this.transferred, this.found, this.miss]) ring.sample(nowMs)
    const day = this.dayOf(this.clock.wallMs())
    if (day !== this.day) {
      this.day = day
      this.totals.yesterday = this.totals.today
      this.totals.today = [this.put.total, this.transferred.total]
    }
    this.timer = this.clock.after(TICK_SECONDS * 1000, () => this.sample())
  }

  private currentTick(): number {
    return Math.floor(this.clock.monotonicMs() / (TICK_SECONDS * 1000))
  }
}

/** Totals of messages put and got at the last two midnights. */
export interface DayTotals {
  yesterday: readonly [put: number, got: number]
  today: readonly [put: number, got: number]
}
