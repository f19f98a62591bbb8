import { Malformed } from '@apogee/base'
import type { Clock } from '@apogee/env'
import { isSystemGroup, validateGroup } from '@apogee/protocol'
import type { Logger } from '@apogee/remoting'
import type { BrokerConfig } from '../config/broker-config.ts'
import { DataVersion, type DataVersionFields } from '../data-version.ts'
import { type SubscriptionGroupConfig, subscriptionGroup } from './subscription-group-config.ts'

/** Groups that the tools and services of RocketMQ use. */
const SYSTEM_GROUPS: readonly string[] = [
  'TOOLS_CONSUMER',
  'FILTERSRV_CONSUMER',
  'SELF_TEST_C_GROUP',
  'CID_ONS-HTTP-PROXY',
  'CID_ONSAPI_PULL',
  'CID_ONSAPI_PERMISSION',
  'CID_ONSAPI_OWNER',
  'CID_RMQ_SYS_TRANS',
]

/** Bit of a forbidden value: the group must not read the topic (Java: PermName.INDEX_PERM_READ). */
export const FORBIDDEN_READ_INDEX = 2
const FORBIDDEN_INDEX_MAX = 30

/**
 * The consumer groups of this broker, and which topics each is forbidden. Limit: groupsMax. Java:
 * SubscriptionGroupManager.
 */
export class SubscriptionGroupManager {
  readonly dataVersion: DataVersion
  private readonly config: BrokerConfig
  private readonly log: Logger
  private readonly groups = new Map<string, SubscriptionGroupConfig>()
  private readonly forbidden = new Map<string, Map<string, number>>()
  private forbiddenCount = 0
  private readonly listeners: (() => void)[] = []

  constructor(config: BrokerConfig, deps: { clock: Clock; log: Logger }) {
    this.config = config
    this.log = deps.log
    this.dataVersion = new DataVersion(deps.clock)
    for (const name of SYSTEM_GROUPS) this.groups.set(name, subscriptionGroup(name))
  }

  get size(): number {
    return this.groups.size
  }

  /** The group as it is; creates nothing. */
  select(group: string): SubscriptionGroupConfig | undefined {
    return this.groups.get(group)
  }

  /** The group, created if it may be: autoCreateSubscriptionGroup, or a system group; a legal name; groupsMax. */
  find(group: string): SubscriptionGroupConfig | undefined {
    const existing = this.groups.get(group)
    if (existing !== undefined) return existing
    const { autoCreateSubscriptionGroup, enableCreateSysGroup } = this.config.values
    if (!autoCreateSubscriptionGroup && !(enableCreateSysGroup && isSystemGroup(group))) {
      return undefined
    }
    if (validateGroup(group) !== null || this.isFull(1)) return undefined
    const created = subscriptionGroup(group)
    this.groups.set(group, created)
    this.log.info({ event: 'group_created', group })
    this.tell()
    return created
  }

  all(): IterableIterator<SubscriptionGroupConfig> {
    return this.groups.values()
  }

  /** Called after every change: config/subscriptionGroup.json must be written. */
  onChange(listener: () => void): void {
    this.listeners.push(listener)
  }

  /** Creates or replaces groups: all or, beyond groupsMax, none. Error: GROUPS_MAX, ATTRIBUTES_ILLEGAL. */
  update(configs: readonly SubscriptionGroupConfig[]): Malformed | null {
    const added = configs.filter((config) => !this.groups.has(config.groupName)).length
    if (added > 0 && this.isFull(added)) {
      return new Malformed(
        'GROUPS_MAX',
        `more than groupsMax=${this.config.values.groupsMax} groups`,
      )
    }
    for (const { groupName, attributes } of configs) {
      const [name] = attributes.keys()
      if (name === undefined) continue
      // Apache knows no attribute of a group either (SubscriptionGroupAttributes is empty).
      return new Malformed('ATTRIBUTES_ILLEGAL', `${groupName}: unsupported attribute ${name}`)
    }
    for (const config of configs) {
      const attributes = this.groups.get(config.groupName)?.attributes ?? config.attributes
      this.groups.set(config.groupName, { ...config, attributes })
    }
    if (configs.length > 0) this.tell()
    return null
  }

  delete(group: string): boolean {
    this.forbiddenCount -= this.forbidden.get(group)?.size ?? 0
    this.forbidden.delete(group)
    if (!this.groups.delete(group)) return false
    this.tell()
    return true
  }

  /** The forbidden bits of a group on a topic; 0 = none. */
  forbiddenOf(group: string, topic: string): number {
    return this.forbidden.size === 0 ? 0 : (this.forbidden.get(group)?.get(topic) ?? 0)
  }

  isForbidden(group: string, topic: string, index: number): boolean {
    return ((this.forbiddenOf(group, topic) >> index) & 1) === 1
  }

  /** Sets or clears one forbidden bit (0 to 30). False when there are groupsMax pairs of group and topic with one. */
  setForbidden(group: string, topic: string, index: number, forbid: boolean): boolean {
    if (index < 0 || index > FORBIDDEN_INDEX_MAX) return true
    const before = this.forbiddenOf(group, topic)
    const after = forbid ? before | (1 << index) : before & ~(1 << index)
    if (after === before) return true
    if (before === 0 && this.forbiddenCount >= this.config.values.groupsMax) return false
    if (before === 0) this.forbiddenCount++
    else if (after === 0) this.forbiddenCount--
    let topics = this.forbidden.get(group)
    if (after === 0) {
      topics?.delete(topic)
      if (topics?.size === 0) this.forbidden.delete(group)
    } else {
      topics ??= new Map()
      topics.set(topic, after)
      this.forbidden.set(group, topics)
    }
    this.tell()
    return true
  }

  allForbidden(): ReadonlyMap<string, ReadonlyMap<string, number>> {
    return this.forbidden
  }

  /** Takes over a master's whole table as it is, its version too; groups that it does not have are removed. */
  replaceAll(
    groups: Iterable<SubscriptionGroupConfig>,
    forbidden: ReadonlyMap<string, ReadonlyMap<string, number>>,
    version: DataVersionFields,
  ): void {
    const isSame = this.dataVersion.equals(version)
    this.groups.clear()
    this.forbidden.clear()
    this.forbiddenCount = 0
    this.load(groups, forbidden, version)
    if (!isSame) for (const listener of this.listeners) listener()
  }

  /** Takes over what a file says; groups that are only here stay. */
  load(
    groups: Iterable<SubscriptionGroupConfig>,
    forbidden: ReadonlyMap<string, ReadonlyMap<string, number>>,
    version: DataVersionFields | null,
  ): void {
    for (const group of groups) this.groups.set(group.groupName, group)
    for (const [group, topics] of forbidden) {
      this.forbiddenCount += topics.size - (this.forbidden.get(group)?.size ?? 0)
      this.forbidden.set(group, new Map(topics))
    }
    if (version !== null) this.dataVersion.assign(version)
  }

  private isFull(added: number): boolean {
    return this.groups.size + added > this.config.values.groupsMax
  }

  private tell(): void {
    this.dataVersion.next()
    for (const listener of this.listeners) listener()
  }
}
