import { isSystemTopic, PermName, type TopicFilterType } from '@apogee/protocol'
import { TopicCounters } from '../stats/topic-counters.ts'

/** What an operator can set on a topic. */
export interface TopicSettings {
  readQueueNums: number
  writeQueueNums: number
  /** Bits of PermName. */
  perm: number
  topicFilterType: TopicFilterType
  /** 1 = unit, 2 = has unit subscribers. */
  topicSysFlag: number
  /** Messages of a key go to one queue, and queues keep their broker (the order KV of NameServers). */
  order: boolean
  attributes: Map<string, string>
}

const NO_ATTRIBUTES: Map<string, string> = new Map()

export const defaultTopicSettings: TopicSettings = {
  readQueueNums: 16,
  writeQueueNums: 16,
  perm: PermName.READ | PermName.WRITE,
  topicFilterType: 'SINGLE_TAG',
  topicSysFlag: 0,
  order: false,
  attributes: NO_ATTRIBUTES,
}

/** Bits of `topicSysFlag` (Java: TopicSysFlag). */
export const TopicSysFlag = { UNIT: 1, UNIT_SUB: 2 } as const

/**
 * A topic on this broker. Never changes: a new setting makes a new object, so a handler may keep one for a request. What
 * hot paths need of a topic hangs on it: its name as bytes, and its counters, which successive configs share.
 * Java: TopicConfig.
 */
export class TopicConfig implements TopicSettings {
  readonly topicName: string
  /** `topicName` in UTF-8, as records hold it. */
  readonly topicBytes: Uint8Array
  /** RocketMQ's own: not counted among the broker's messages. */
  readonly isSystem: boolean
  readonly readQueueNums: number
  readonly writeQueueNums: number
  readonly perm: number
  readonly topicFilterType: TopicFilterType
  readonly topicSysFlag: number
  readonly order: boolean
  readonly attributes: Map<string, string>
  readonly counters: TopicCounters

  constructor(topicName: string, settings: Partial<TopicSettings> = {}, previous?: TopicConfig) {
    const base = previous ?? defaultTopicSettings
    this.topicName = topicName
    this.topicBytes = previous?.topicBytes ?? new Uint8Array(Buffer.from(topicName, 'utf8'))
    this.isSystem = previous?.isSystem ?? isSystemTopic(topicName)
    this.readQueueNums = settings.readQueueNums ?? base.readQueueNums
    this.writeQueueNums = settings.writeQueueNums ?? base.writeQueueNums
    this.perm = settings.perm ?? base.perm
    this.topicFilterType = settings.topicFilterType ?? base.topicFilterType
    this.topicSysFlag = settings.topicSysFlag ?? base.topicSysFlag
    this.order = settings.order ?? base.order
    this.attributes = settings.attributes ?? base.attributes
    this.counters = previous?.counters ?? new TopicCounters()
  }

  /** The same topic with other settings. */
  with(settings: Partial<TopicSettings>): TopicConfig {
    return new TopicConfig(this.topicName, settings, this)
  }

  sameSettings(other: TopicSettings): boolean {
    return (
      this.readQueueNums === other.readQueueNums &&
      this.writeQueueNums === other.writeQueueNums &&
      this.perm === other.perm &&
      this.topicFilterType === other.topicFilterType &&
      this.topicSysFlag === other.topicSysFlag &&
      this.order === other.order &&
      this.attributes.size === other.attributes.size &&
      [...this.attributes].every(([key, value]) => other.attributes.get(key) === value)
    )
  }
}
