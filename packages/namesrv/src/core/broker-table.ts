import { assert } from '@apogee/base'
import type { BrokerData, DataVersion } from '@apogee/protocol'
import { MASTER_ID } from './route-types.ts'

/** One live broker process: an address under one id of a broker name. */
export interface BrokerMember {
  readonly brokerName: string
  readonly brokerId: number
  readonly brokerAddr: string
  readonly haServerAddr: string | null
  readonly heartbeatTimeoutMs: number
  readonly dataVersion: DataVersion
  readonly filterServers: readonly string[]
  readonly connectionId: number
  lastSeenMs: number
}

/** All processes of one broker name. */
export interface BrokerGroup {
  readonly cluster: string
  readonly brokerName: string
  zoneName: string | null
  enableActingMaster: boolean
  /** By broker id. Never empty while the group is in the table; an address is here at most once. */
  readonly members: Map<number, BrokerMember>
}

/**
 * Who is there. An address and its liveness are one record, so neither outlives the other.
 * Invariants: a name is in a cluster exactly as long as its group exists; every member is in the
 * set of its connection.
 */
export class BrokerTable {
  private readonly groups = new Map<string, BrokerGroup>()
  private readonly clusters = new Map<string, Set<string>>()
  private readonly byConnection = new Map<number, Set<BrokerMember>>()
  private count = 0

  /** Broker addresses in the table. */
  get size(): number {
    return this.count
  }

  group(brokerName: string): BrokerGroup | null {
    return this.groups.get(brokerName) ?? null
  }

  allGroups(): IterableIterator<BrokerGroup> {
    return this.groups.values()
  }

  allClusters(): ReadonlyMap<string, ReadonlySet<string>> {
    return this.clusters
  }

  /** The member of this name with this address. */
  member(brokerName: string, brokerAddr: string): BrokerMember | null {
    const group = this.groups.get(brokerName)
    return group === undefined ? null : memberAt(group, brokerAddr)
  }

  ofConnection(connectionId: number): readonly BrokerMember[] {
    const members = this.byConnection.get(connectionId)
    return members === undefined ? [] : [...members]
  }

  /** The group of this name, made if need be; the name joins `clusterName` in any case. */
  join(clusterName: string, brokerName: string): BrokerGroup {
    let group = this.groups.get(brokerName)
    if (group === undefined) {
      group = {
        cluster: clusterName,
        brokerName,
        zoneName: null,
        enableActingMaster: false,
        members: new Map(),
      }
      this.groups.set(brokerName, group)
    }
    let names = this.clusters.get(clusterName)
    if (names === undefined) {
      names = new Set()
      this.clusters.set(clusterName, names)
    }
    names.add(brokerName)
    return group
  }

  /** Puts a member under its id, instead of the one that was there. The group must exist. */
  put(member: BrokerMember): void {
    const group = this.groups.get(member.brokerName)
    assert(group !== undefined, 'member without a group', member.brokerName)
    const previous = group.members.get(member.brokerId)
    if (previous !== undefined) this.unbind(previous)
    assert(
      memberAt(group, member.brokerAddr) === null || previous?.brokerAddr === member.brokerAddr,
      'an address under two ids',
      member.brokerAddr,
    )
    group.members.set(member.brokerId, member)
    const bound = this.byConnection.get(member.connectionId)
    if (bound === undefined) this.byConnection.set(member.connectionId, new Set([member]))
    else bound.add(member)
    this.count++
  }

  /**
   * Removes a member but keeps its group, even empty: the caller puts another one, or calls
   * `dropIfEmpty`.
   */
  take(member: BrokerMember): void {
    const group = this.groups.get(member.brokerName)
    assert(group?.members.get(member.brokerId) === member, 'not a member', member.brokerAddr)
    group.members.delete(member.brokerId)
    this.unbind(member)
  }

  /** Removes a group without members, and its name from the clusters. True when it did. */
  dropIfEmpty(brokerName: string): boolean {
    const group = this.groups.get(brokerName)
    if (group === undefined || group.members.size > 0) return false
    this.groups.delete(brokerName)
    for (const [clusterName, names] of this.clusters) {
      if (names.delete(brokerName) && names.size === 0) this.clusters.delete(clusterName)
    }
    return true
  }

  private unbind(member: BrokerMember): void {
    const bound = this.byConnection.get(member.connectionId)
    assert(bound?.delete(member) === true, 'member not bound to its connection', member.brokerAddr)
    if (bound?.size === 0) this.byConnection.delete(member.connectionId)
    this.count--
  }
}

export function memberAt(group: BrokerGroup, brokerAddr: string): BrokerMember | null {
  for (const member of group.members.values()) {
    if (member.brokerAddr === brokerAddr) return member
  }
  return null
}

/** The lowest broker id of a group; `null` when it has no member. */
export function minBrokerId(group: BrokerGroup): number | null {
  let min: number | null = null
  for (const brokerId of group.members.keys()) {
    if (min === null || brokerId < min) min = brokerId
  }
  return min
}

export function hasMaster(group: BrokerGroup): boolean {
  return group.members.has(MASTER_ID)
}

/** The group as the wire shows it, ids ascending; a copy. */
export function brokerDataOf(group: BrokerGroup): BrokerData {
  const brokerAddrs = new Map<number, string>()
  const members = [...group.members.values()].sort((a, b) => a.brokerId - b.brokerId)
  for (const member of members) brokerAddrs.set(member.brokerId, member.brokerAddr)
  return {
    cluster: group.cluster,
    brokerName: group.brokerName,
    brokerAddrs,
    zoneName: group.zoneName,
    enableActingMaster: group.enableActingMaster,
  }
}
