import { assert } from '@apogee/base'
import type { DataVersion, QueueData } from '@apogee/protocol'
import { type BrokerMember, BrokerTable, hasMaster, memberAt, minBrokerId } from './broker-table.ts'
import { registerBroker } from './register-broker.ts'
import {
  type BrokerRegistration,
  type RegisterOutcome,
  type RouteDecision,
  type RouteEvent,
  type RouteTableOptions,
  sameDataVersion,
} from './route-types.ts'
import { TopicTable } from './topic-table.ts'

/**
 * The routes of all clusters (Java: RouteInfoManager): a synchronous state machine. Inputs carry
 * the time, in ms of one clock that never goes back. What must be done outside is left in
 * `takeDecisions`, which the driver empties after every input.
 *
 * Unlike Apache's, an unregistration is applied at once and not queued: the index of topics by
 * broker makes it cheap.
 */
export class RouteTable {
  readonly brokers: BrokerTable = new BrokerTable()
  readonly topics: TopicTable = new TopicTable()
  readonly options: RouteTableOptions
  private decisions: RouteDecision[] = []

  /** `options` is kept, not copied: the owner changes it to change the table's ways. */
  constructor(options: RouteTableOptions) {
    this.options = options
  }

  /** What to do since the last call, in order. */
  takeDecisions(): readonly RouteDecision[] {
    const taken = this.decisions
    this.decisions = []
    return taken
  }

  /** For the parts of the core that change this table. */
  decide(decision: RouteDecision): void {
    this.decisions.push(decision)
  }

  report(
    event: RouteEvent,
    member: Pick<BrokerMember, 'brokerName' | 'brokerId' | 'brokerAddr'>,
  ): void {
    const { brokerName, brokerId, brokerAddr } = member
    this.decisions.push({ kind: 'report', event, brokerName, brokerId, brokerAddr })
  }

  /** REGISTER_BROKER (103). */
  register(registration: BrokerRegistration, nowMs: number): RegisterOutcome {
    return registerBroker(this, registration, nowMs)
  }

  /** UNREGISTER_BROKER (104). An address that is not under this name changes nothing. */
  unregister(brokerName: string, brokerAddr: string): void {
    const member = this.brokers.member(brokerName, brokerAddr)
    if (member !== null) this.leave([member], 'broker_unregistered')
  }

  /** A connection has closed: the brokers that registered over it are gone, without grace. */
  connectionLost(connectionId: number): void {
    this.leave(this.brokers.ofConnection(connectionId), 'broker_connection_lost')
  }

  /**
   * Removes every broker that has been silent for longer than its own timeout, and closes its
   * connection.
   */
  expire(nowMs: number): void {
    const expired: BrokerMember[] = []
    for (const group of this.brokers.allGroups()) {
      for (const member of group.members.values()) {
        if (member.lastSeenMs + member.heartbeatTimeoutMs < nowMs) expired.push(member)
      }
    }
    for (const { connectionId } of expired) this.decide({ kind: 'close-connection', connectionId })
    this.leave(expired, 'broker_expired')
  }

  /** BROKER_HEARTBEAT (904): the broker lives. False when it is not registered. */
  heartbeat(brokerName: string, brokerAddr: string, nowMs: number): boolean {
    const member = this.brokers.member(brokerName, brokerAddr)
    if (member === null) return false
    assert(nowMs >= member.lastSeenMs, 'time went back', nowMs, member.lastSeenMs)
    member.lastSeenMs = nowMs
    return true
  }

  /** QUERY_DATA_VERSION (322): whether the broker has to register again; a sign of life as well. */
  queryDataVersion(
    brokerName: string,
    brokerAddr: string,
    dataVersion: DataVersion | null,
    nowMs: number,
  ): { changed: boolean; known: DataVersion | null } {
    this.heartbeat(brokerName, brokerAddr, nowMs)
    const known = this.brokers.member(brokerName, brokerAddr)?.dataVersion ?? null
    const same = known !== null && dataVersion !== null && sameDataVersion(known, dataVersion)
    return { changed: !same, known }
  }

  /** WIPE_WRITE_PERM_OF_BROKER (205): the number of topics of that broker name. */
  wipeWritePerm(brokerName: string): number {
    return this.topics.wipeWritePerm(brokerName)
  }

  /** ADD_WRITE_PERM_OF_BROKER (327): the number of topics of that broker name. */
  addWritePerm(brokerName: string): number {
    return this.topics.addWritePerm(brokerName)
  }

  /**
   * REGISTER_TOPIC_IN_NAMESRV (217). Nothing is changed when one of the brokers is unknown or the
   * table is full.
   */
  registerTopic(
    topic: string,
    queueDatas: readonly QueueData[],
  ): 'done' | 'unknown-broker' | 'full' {
    if (queueDatas.length === 0) return 'done'
    for (const queueData of queueDatas) {
      if (this.brokers.group(queueData.brokerName) === null) return 'unknown-broker'
    }
    const isNew = this.topics.queuesOf(topic) === null
    if (isNew && this.topics.size >= this.options.topicsMax) return 'full'
    for (const queueData of queueDatas) this.topics.putQueues(topic, queueData)
    return 'done'
  }

  /** DELETE_TOPIC_IN_NAMESRV (216), from all brokers or from those of one cluster. */
  deleteTopic(topic: string, clusterName: string | null): void {
    if (clusterName === null) {
      this.topics.removeTopic(topic)
      return
    }
    for (const brokerName of this.brokers.allClusters().get(clusterName) ?? []) {
      this.topics.remove(topic, brokerName)
    }
  }

  /** Takes members out with all that follows from it: names, topics, write permission, notices. */
  leave(members: readonly BrokerMember[], event: RouteEvent): void {
    const offline = new Map<string, string>()
    for (const member of members) {
      const { brokerName, brokerAddr } = member
      const group = this.brokers.group(brokerName)
      assert(group !== null && memberAt(group, brokerAddr) === member, 'left twice', brokerAddr)
      if (minBrokerId(group) === member.brokerId) offline.set(brokerName, brokerAddr)
      this.brokers.take(member)
      this.report(event, member)
      if (this.brokers.dropIfEmpty(brokerName)) this.topics.removeBroker(brokerName)
      else if (group.enableActingMaster && !hasMaster(group)) this.topics.wipeWritePerm(brokerName)
    }
    for (const [brokerName, brokerAddr] of offline) this.notifyLoss(brokerName, brokerAddr)
  }

  /** After a loss all that remain are told; only in groups that use acting masters. */
  private notifyLoss(brokerName: string, offlineBrokerAddr: string): void {
    const group = this.brokers.group(brokerName)
    if (group?.enableActingMaster === true)
      this.notifyMinBrokerId(brokerName, offlineBrokerAddr, null)
  }

  /**
   * Decides NOTIFY_MIN_BROKER_ID_CHANGE: after a loss for all members, after a join for all but the
   * new lowest one (but for a lone member, which has just changed its own id).
   */
  notifyMinBrokerId(brokerName: string, offline: string | null, haBrokerAddr: string | null): void {
    const group = this.brokers.group(brokerName)
    if (!this.options.notifyMinBrokerIdChanged || group === null) return
    const lowest = minBrokerId(group)
    const member = lowest === null ? undefined : group.members.get(lowest)
    assert(lowest !== null && member !== undefined, 'group without members', brokerName)
    const to: string[] = []
    for (const other of group.members.values()) {
      if (offline !== null || group.members.size === 1 || other !== member)
        to.push(other.brokerAddr)
    }
    this.decide({
      kind: 'notify-min-broker-id',
      to,
      minBrokerId: lowest,
      minBrokerAddr: member.brokerAddr,
      offlineBrokerAddr: offline,
      haBrokerAddr,
    })
  }
}
