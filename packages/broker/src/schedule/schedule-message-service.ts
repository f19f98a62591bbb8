import { ApogeeError, isMalformed } from '@apogee/base'
import type { Clock } from '@apogee/env'
import { type DelayLevels, parseDelayLevels, SystemTopic } from '@apogee/protocol'
import type { Logger } from '@apogee/remoting'
import type { MessageStore } from '@apogee/store'
import type { BrokerConfig } from '../config/broker-config.ts'
import { DataVersion, type DataVersionFields } from '../data-version.ts'
import type { BrokerStats } from '../stats/broker-stats.ts'
import type { TopicConfigManager } from '../topic/topic-config-manager.ts'
import { DelayLevelDelivery } from './delay-level-delivery.ts'
import { DueMessage } from './due-message.ts'

/** Group that deliveries are counted under (Java: MixAll.SCHEDULE_CONSUMER_GROUP). */
const SCHEDULE_GROUP = 'SCHEDULE_CONSUMER'

/**
 * Delayed messages: each level is a queue of SCHEDULE_TOPIC_XXXX, delivered in order. Progress is written by the owner of
 * delayOffset.json. Java: ScheduleMessageService.
 */
export class ScheduleMessageService {
  readonly levels: DelayLevels
  readonly dataVersion: DataVersion
  /** Told of all progress: delayOffset.json must be written. */
  onChange: () => void = () => {}
  private readonly config: BrokerConfig
  private readonly deps: ScheduleDeps
  /** What the file said, until `start`; then of levels that are not configured any more. */
  private readonly loaded = new Map<number, number>()
  private changes = 0
  private readonly deliveries: DelayLevelDelivery[] = []

  constructor(config: BrokerConfig, deps: ScheduleDeps) {
    this.levels = deps.levels
    this.config = config
    this.deps = deps
    this.dataVersion = new DataVersion(deps.clock)
  }

  /** The levels of messageDelayLevel. Throws DELAY_LEVEL_ILLEGAL when it cannot be read. */
  static levelsOf(config: BrokerConfig): DelayLevels {
    const levels = parseDelayLevels(config.values.messageDelayLevel)
    if (isMalformed(levels)) throw new ApogeeError(levels.code, levels.detail)
    return levels
  }

  /** Before `start`. */
  load(
    offsets: Iterable<readonly [level: number, offset: number]>,
    version: DataVersionFields | null,
  ): void {
    for (const [level, offset] of offsets) this.loaded.set(level, offset)
    if (version !== null) this.dataVersion.assign(version)
  }

  start(): void {
    const due = new DueMessage()
    const { store, clock, log } = this.deps
    for (let level = 1; level <= this.levels.maxLevel; level++) {
      const queue = store.consumeQueue(SystemTopic.SCHEDULE, this.levels.queueIdOf(level))
      const options = {
        level,
        delayMs: this.levels.delayMs(level),
        offset: this.loaded.get(level) ?? 0,
        inFlightMax: this.config.values.scheduleInFlightMax,
      }
      const delivery = new DelayLevelDelivery(options, queue, {
        store,
        clock,
        log,
        due,
        moved: this.moved,
        delivered: this.delivered,
      })
      this.loaded.delete(level)
      this.deliveries.push(delivery)
      delivery.start()
    }
  }

  stop(): void {
    for (const delivery of this.deliveries) delivery.stop()
  }

  /** Copies appended and not acknowledged. */
  get inFlight(): number {
    return this.deliveries.reduce((sum, delivery) => sum + delivery.inFlight, 0)
  }

  /** Progress of each level that has any. */
  offsets(): Map<number, number> {
    const offsets = new Map(this.loaded)
    for (const { level, offset } of this.deliveries) if (offset > 0) offsets.set(level, offset)
    return new Map([...offsets].sort(([a], [b]) => a - b))
  }

  /** `scheduleMessageOffset_<level>` = `delivered,max` for each level with messages, for request code 28. */
  runtimeInfo(): Map<string, string> {
    const info = new Map<string, string>()
    for (const { level, offset, queueOffsetMax } of this.deliveries) {
      if (queueOffsetMax > 0) {
        info.set(`scheduleMessageOffset_${level}`, `${offset},${queueOffsetMax}`)
      }
    }
    return info
  }

  private readonly moved = (): void => {
    this.onChange()
    if (++this.changes % this.config.values.delayOffsetUpdateVersionStep === 0) {
      this.dataVersion.next()
    }
  }

  private readonly delivered = (topic: string, bytes: number): void => {
    const { stats, topics } = this.deps
    stats.messageGot(stats.group(SystemTopic.SCHEDULE, SCHEDULE_GROUP), 1, bytes)
    const config = topics.select(topic)
    if (config !== undefined) stats.messagePut(config, 1, bytes)
  }
}

export interface ScheduleDeps {
  store: Pick<MessageStore, 'consumeQueue' | 'draft' | 'append' | 'readRecord'>
  clock: Clock
  log: Logger
  stats: BrokerStats
  topics: TopicConfigManager
  levels: DelayLevels
}
