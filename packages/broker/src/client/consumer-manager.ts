import type { Clock } from '@apogee/env'
import { RequestCode } from '@apogee/protocol'
import type { Logger } from '@apogee/remoting'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { BrokerStats } from '../stats/broker-stats.ts'
import {
  type ClientChannel,
  type ClientConnection,
  type ClientIdentity,
  ConnectionGroups,
} from './client-channel.ts'
import { type ConsumeMode, ConsumerGroupInfo } from './consumer-group-info.ts'
import type { FilterCompiler } from './filter-compiler.ts'
import { Subscription, type SubscriptionFields } from './subscription.ts'

/** A consumer's heartbeat for one group. */
export interface ConsumerRegistration {
  readonly group: string
  readonly client: ClientIdentity
  readonly mode: ConsumeMode
  /** `null`: the client says that nothing changed (heartbeat V2). */
  readonly subscriptions: readonly SubscriptionFields[] | null
  /** The group wants to hear of changes in its membership. */
  readonly notify: boolean
}

/**
 * Consumers by group, as their heartbeats say, and what each group reads. When a member comes or goes, all members hear of
 * it (NOTIFY_CONSUMER_IDS_CHANGED): once per group and turn, however many changes the turn brought. Limit:
 * registrationsPerConnectionMax. Java: ConsumerManager, DefaultConsumerIdsChangeListener.
 */
export class ConsumerManager {
  private readonly config: BrokerConfig
  private readonly clock: Clock
  private readonly log: Logger
  private readonly compiler: FilterCompiler
  private readonly stats: BrokerStats
  private readonly groups = new Map<string, ConsumerGroupInfo>()
  private readonly groupsOfTopic = new Map<string, Set<string>>()
  private readonly fingerprints = new Map<string, number>()
  private readonly connections: ConnectionGroups
  private readonly toNotify = new Set<string>()

  constructor(
    config: BrokerConfig,
    deps: { clock: Clock; log: Logger; compiler: FilterCompiler; stats: BrokerStats },
  ) {
    this.config = config
    this.clock = deps.clock
    this.log = deps.log
    this.compiler = deps.compiler
    this.stats = deps.stats
    this.connections = new ConnectionGroups((connection, left) => {
      for (const group of left) this.remove(group, connection, true)
    })
  }

  get(group: string): ConsumerGroupInfo | undefined {
    return this.groups.get(group)
  }

  all(): ReadonlyMap<string, ConsumerGroupInfo> {
    return this.groups
  }

  findChannel(group: string, clientId: string): ClientChannel | undefined {
    return this.groups.get(group)?.findChannel(clientId)
  }

  findSubscription(group: string, topic: string): Subscription | undefined {
    return this.groups.get(group)?.subscriptions.get(topic)
  }

  /** How many topics a group reads; 0 when it is not online. */
  subscriptionCount(group: string): number {
    return this.groups.get(group)?.subscriptions.size ?? 0
  }

  /** Groups that read a topic now. */
  queryTopicConsumeByWho(topic: string): string[] {
    return [...(this.groupsOfTopic.get(topic) ?? [])]
  }

  /** A heartbeat. False when the connection is in registrationsPerConnectionMax groups already. */
  register(registration: ConsumerRegistration): boolean {
    const { group, client, mode, subscriptions } = registration
    let info = this.groups.get(group)
    if (!info?.channels.has(client.connection)) {
      const joined = this.connections.count(client.connection)
      if (joined >= this.config.values.registrationsPerConnectionMax) return false
      this.connections.join(client.connection, group)
    }
    if (info === undefined) {
      info = new ConsumerGroupInfo(group, mode)
      this.groups.set(group, info)
    }
    let changed = info.updateChannel(client, mode, this.clock.wallMs())
    if (changed) this.logChange('consumer_joined', group, client)
    if (subscriptions !== null) {
      const update = info.updateSubscriptions(subscriptions, (data) => this.subscribe(group, data))
      for (const topic of update.added) this.indexTopic(topic, group)
      for (const topic of update.removed) this.unindexTopic(topic, group)
      changed ||= update.changed
    }
    if (changed && registration.notify) this.notifyLater(group)
    return true
  }

  /**
   * Remembers the fingerprint of a group's subscriptions; tells whether the client must send them all (heartbeat V2): the
   * group had others, or, `withoutSub`, none are known here.
   */
  updateFingerprint(group: string, fingerprint: number, withoutSub: boolean): boolean {
    const known = this.fingerprints.get(group)
    this.fingerprints.set(group, fingerprint)
    if (withoutSub && this.subscriptionCount(group) === 0) return true
    return fingerprint !== 0 && known !== undefined && known !== fingerprint
  }

  unregister(group: string, connection: ClientConnection, notify: boolean): void {
    this.connections.leave(connection, group)
    this.remove(group, connection, notify)
  }

  /** Drops and closes channels without a heartbeat for channelExpiredTimeout. */
  removeExpired(): void {
    const deadline = this.clock.wallMs() - this.config.values.channelExpiredTimeout
    for (const [group, info] of this.groups) {
      for (const [connection, channel] of info.channels) {
        if (channel.lastUpdateTimestamp >= deadline) continue
        this.logChange('consumer_expired', group, channel)
        this.unregister(group, connection, true)
        connection.close('no heartbeat')
      }
    }
  }

  private remove(group: string, connection: ClientConnection, notify: boolean): void {
    const info = this.groups.get(group)
    const channel = info?.channels.get(connection)
    if (info === undefined || channel === undefined) return
    info.channels.delete(connection)
    this.logChange('consumer_left', group, channel)
    if (info.channels.size > 0) {
      if (notify) this.notifyLater(group)
      return
    }
    this.groups.delete(group)
    this.fingerprints.delete(group)
    for (const topic of info.subscriptions.keys()) this.unindexTopic(topic, group)
  }

  private subscribe(group: string, data: SubscriptionFields): Subscription {
    return new Subscription(data, this.compiler, this.stats.group(data.topic, group))
  }

  private notifyLater(group: string): void {
    if (!this.config.values.notifyConsumerIdsChangedEnable) return
    if (this.toNotify.size === 0) this.clock.soon(() => this.notifyNow())
    this.toNotify.add(group)
  }

  private notifyNow(): void {
    for (const group of this.toNotify) {
      const info = this.groups.get(group)
      if (info === undefined || info.isBroadcasting) continue
      const fields = new Map([['consumerGroup', group]])
      for (const connection of info.channels.keys()) {
        connection.oneway(RequestCode.NOTIFY_CONSUMER_IDS_CHANGED, fields, null)
      }
    }
    this.toNotify.clear()
  }

  private indexTopic(topic: string, group: string): void {
    const groups = this.groupsOfTopic.get(topic)
    if (groups === undefined) this.groupsOfTopic.set(topic, new Set([group]))
    else groups.add(group)
  }

  private unindexTopic(topic: string, group: string): void {
    const groups = this.groupsOfTopic.get(topic)
    if (groups?.delete(group) && groups.size === 0) this.groupsOfTopic.delete(topic)
  }

  private logChange(event: string, group: string, client: ClientIdentity): void {
    const { clientId, connection, version } = client
    const remoteAddress = connection.remoteAddress
    this.log.info({ event, group, clientId, remoteAddress, version })
  }
}
