import { Malformed } from '@apogee/base'
import type { Clock } from '@apogee/env'
import { isInherited, isSystemTopic, PermName, SystemTopic, validateTopic } from '@apogee/protocol'
import type { Logger } from '@apogee/remoting'
import type { BrokerConfig } from '../config/broker-config.ts'
import { DataVersion, type DataVersionFields } from '../data-version.ts'
import { alterAttributes } from './attributes.ts'
import { autoCreateTopic, systemTopicConfigs } from './system-topics.ts'
import { TopicConfig, type TopicSettings } from './topic-config.ts'

/** What changed: NameServers must hear of it, and config/topics.json must be written. */
export interface TopicChange {
  readonly changed: readonly TopicConfig[]
  readonly deleted: readonly string[]
}

/** A topic's settings as request code 17 and 18 give them: attributes are changes (`+key`, `-key`). */
export interface TopicUpdate extends TopicSettings {
  readonly topicName: string
}

/**
 * The topics of this broker. Limits: topicsMax, queuesMax. Java: TopicConfigManager.
 */
export class TopicConfigManager {
  readonly dataVersion: DataVersion
  /** Told of each topic that a send has made. */
  onCreatedInSend: ((topic: TopicConfig) => void) | null = null
  private readonly config: BrokerConfig
  private readonly log: Logger
  private readonly topics = new Map<string, TopicConfig>()
  private readonly ownSystemTopics: ReadonlySet<string>
  private readonly listeners: ((change: TopicChange) => void)[] = []
  private writeQueues = 0

  constructor(config: BrokerConfig, deps: { clock: Clock; log: Logger }) {
    this.config = config
    this.log = deps.log
    this.dataVersion = new DataVersion(deps.clock)
    const system = systemTopicConfigs(config.values)
    for (const topic of system) this.put(topic)
    this.ownSystemTopics = new Set([
      ...Object.values(SystemTopic),
      ...system.map((topic) => topic.topicName),
    ])
  }

  get size(): number {
    return this.topics.size
  }

  select(topic: string): TopicConfig | undefined {
    return this.topics.get(topic)
  }

  all(): IterableIterator<TopicConfig> {
    return this.topics.values()
  }

  isOrderTopic(topic: string): boolean {
    return this.topics.get(topic)?.order === true
  }

  /** A topic that belongs to RocketMQ or to this broker; operators cannot change it. */
  isSystemTopic(topic: string): boolean {
    return this.ownSystemTopics.has(topic) || isSystemTopic(topic)
  }

  /** For request code 305. */
  systemTopics(): string[] {
    return [...this.ownSystemTopics]
  }

  /** Called after every change, once per request. */
  onChange(listener: (change: TopicChange) => void): void {
    this.listeners.push(listener)
  }

  /**
   * The topic that a send to an unknown topic makes: settings of `defaultTopic` (TBW102 unless the producer names
   * another), as many queues as both sides allow. `null`: no such default, or it may not be inherited from, or a limit.
   */
  createInSend(
    topic: string,
    defaultTopic: string,
    clientQueueNums: number,
    topicSysFlag: number,
    remoteAddress: string,
  ): TopicConfig | null {
    const existing = this.topics.get(topic)
    if (existing !== undefined) return existing
    const from = this.defaultTopic(defaultTopic)
    if (from === undefined || !isInherited(from.perm)) {
      const reason = from === undefined ? 'no_default_topic' : 'not_inherited'
      this.log.warn({ event: 'topic_not_created', topic, defaultTopic, reason, remoteAddress })
      return null
    }
    const queueNums = Math.max(1, Math.min(clientQueueNums, from.writeQueueNums))
    const created = this.create(
      new TopicConfig(topic, {
        readQueueNums: queueNums,
        writeQueueNums: queueNums,
        perm: from.perm & ~PermName.INHERIT,
        topicFilterType: from.topicFilterType,
        topicSysFlag,
      }),
      remoteAddress,
    )
    if (created !== null) this.onCreatedInSend?.(created)
    return created
  }

  /**
   * A group's retry or dead-letter topic, made when it is missing. `order`, when given, is put right on an existing one.
   * `null`: a limit.
   */
  createInSendBack(
    topic: string,
    queueNums: number,
    perm: number,
    topicSysFlag = 0,
    order: boolean | null = null,
  ): TopicConfig | null {
    const existing = this.topics.get(topic)
    if (existing === undefined) {
      const settings = { readQueueNums: queueNums, writeQueueNums: queueNums, perm }
      const flags = { topicSysFlag, order: order === true }
      return this.create(new TopicConfig(topic, { ...settings, ...flags }), 'send_back')
    }
    const keep = order === null || existing.order === order
    return keep ? existing : this.replace(existing.with({ order }))
  }

  /**
   * Creates or alters topics by an operator's wish: all of them or, on a problem, none. A topic that is already so does
   * not count as changed. Errors: ATTRIBUTES_ILLEGAL, TOPICS_MAX, QUEUES_MAX.
   */
  update(updates: readonly TopicUpdate[]): Malformed | null {
    const changed: TopicConfig[] = []
    for (const update of updates) {
      const existing = this.topics.get(update.topicName)
      const attributes = alterAttributes(existing?.attributes ?? null, update.attributes)
      if (attributes instanceof Malformed) return attributes
      const next = new TopicConfig(update.topicName, { ...update, attributes }, existing)
      if (existing === undefined || !existing.sameSettings(next)) changed.push(next)
    }
    const limit = this.limitOf(changed)
    if (limit !== null) return limit
    for (const topic of changed) this.put(topic)
    if (changed.length > 0) this.tell({ changed, deleted: [] })
    return null
  }

  /** Marks the topics that NameServers name in their order KV. */
  updateOrderTopics(topics: Iterable<string>): void {
    const changed: TopicConfig[] = []
    for (const name of topics) {
      const topic = this.topics.get(name)
      if (topic !== undefined && !topic.order) changed.push(this.put(topic.with({ order: true })))
    }
    if (changed.length > 0) this.tell({ changed, deleted: [] })
  }

  delete(topics: readonly string[]): void {
    const deleted: string[] = []
    for (const name of topics) {
      const topic = this.topics.get(name)
      if (topic === undefined) continue
      this.topics.delete(name)
      this.writeQueues -= topic.writeQueueNums
      deleted.push(name)
    }
    if (deleted.length > 0) this.tell({ changed: [], deleted })
  }

  /** Tells listeners that all topics look different from outside (the broker's permission changed). */
  touch(): void {
    this.tell({ changed: [...this.topics.values()], deleted: [] })
  }

  /**
   * Takes over a master's whole table as it is, its version too; the limits here do not count. Topics that it does not
   * have are removed, but for RocketMQ's own. Returns the names of those.
   */
  replaceAll(
    table: Iterable<TopicSettings & { readonly topicName: string }>,
    version: DataVersionFields,
  ): string[] {
    const missing = new Set(this.topics.keys())
    const changed: TopicConfig[] = []
    for (const topic of table) {
      const existing = this.topics.get(topic.topicName)
      missing.delete(topic.topicName)
      if (existing?.sameSettings(topic) || validateTopic(topic.topicName) !== null) continue
      changed.push(this.put(new TopicConfig(topic.topicName, topic, existing)))
    }
    const deleted = [...missing].filter((name) => !this.isSystemTopic(name))
    for (const name of deleted) {
      this.writeQueues -= this.topics.get(name)!.writeQueueNums
      this.topics.delete(name)
    }
    const isSame = changed.length === 0 && deleted.length === 0 && this.dataVersion.equals(version)
    this.dataVersion.assign(version)
    if (!isSame) for (const listener of this.listeners) listener({ changed, deleted })
    return deleted
  }

  /** Takes over what a file says. Topics that are only here stay (the system topics). */
  load(topics: Iterable<TopicConfig>, version: DataVersionFields | null): void {
    for (const topic of topics) this.put(topic)
    if (version !== null) this.dataVersion.assign(version)
  }

  private defaultTopic(name: string): TopicConfig | undefined {
    if (name !== SystemTopic.AUTO_CREATE_TOPIC_KEY) return this.topics.get(name)
    const found = this.topics.get(name)
    const enabled = this.config.values.autoCreateTopicEnable
    if (found === undefined) {
      return enabled ? this.replace(autoCreateTopic(this.config.values)) : undefined
    }
    if (enabled === isInherited(found.perm)) return found
    // The switch was turned while running: TBW102 follows it.
    const readWrite = PermName.READ | PermName.WRITE
    return this.replace(found.with({ perm: enabled ? readWrite | PermName.INHERIT : readWrite }))
  }

  private create(topic: TopicConfig, reason: string): TopicConfig | null {
    const limit = this.limitOf([topic])
    if (limit !== null) {
      const { code, detail } = limit
      this.log.warn({ event: 'topic_not_created', topic: topic.topicName, reason: code, detail })
      return null
    }
    this.log.info({
      event: 'topic_created',
      topic: topic.topicName,
      queues: topic.writeQueueNums,
      perm: topic.perm,
      by: reason,
    })
    return this.replace(topic)
  }

  private replace(topic: TopicConfig): TopicConfig {
    this.put(topic)
    this.tell({ changed: [topic], deleted: [] })
    return topic
  }

  private put(topic: TopicConfig): TopicConfig {
    this.writeQueues += topic.writeQueueNums
    this.writeQueues -= this.topics.get(topic.topicName)?.writeQueueNums ?? 0
    this.topics.set(topic.topicName, topic)
    return topic
  }

  private limitOf(topics: readonly TopicConfig[]): Malformed | null {
    const { topicsMax, queuesMax } = this.config.values
    let added = 0
    let addedQueues = 0
    for (const topic of topics) {
      const existing = this.topics.get(topic.topicName)
      if (existing === undefined) added++
      addedQueues += topic.writeQueueNums - (existing?.writeQueueNums ?? 0)
    }
    if (added > 0 && this.topics.size + added > topicsMax) {
      return new Malformed('TOPICS_MAX', `more than topicsMax=${topicsMax} topics`)
    }
    if (addedQueues > 0 && this.writeQueues + addedQueues > queuesMax) {
      return new Malformed('QUEUES_MAX', `more than queuesMax=${queuesMax} queues`)
    }
    return null
  }

  private tell(change: TopicChange): void {
    this.dataVersion.next()
    for (const listener of this.listeners) listener(change)
  }
}
