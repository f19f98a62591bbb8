import type { QueueData } from '@apogee/protocol'
import {
  type BrokerRegistration,
  type RouteTableOptions,
  sameDataVersion,
} from '../core/route-types.ts'

// The route table once more, as plainly as can be: flat lists that every rule walks in full. Slow
// and short; the property test holds the real one against it.

interface Row {
  registration: BrokerRegistration
  cluster: string
  seenMs: number
}

interface Name {
  clusters: Set<string>
  acting: boolean
  zone: string | null
}

interface QueueRow {
  topic: string
  queueData: QueueData
}

export class RouteModel {
  private readonly options: RouteTableOptions
  brokers: Row[] = []
  queues: QueueRow[] = []
  /** Clusters a name has been registered for, and what was said about it last. */
  names: Map<string, Name> = new Map()

  constructor(options: RouteTableOptions) {
    this.options = options
  }

  register(registration: BrokerRegistration, nowMs: number): string {
    const { brokerName, brokerAddr, brokerId } = registration
    const rows = this.brokers.filter((row) => row.registration.brokerName === brokerName)
    const owner = rows.find((row) => row.registration.brokerId === brokerId)
    const before = rows.find((row) => row.registration.brokerAddr === brokerAddr)
    if (owner !== undefined && owner !== before) {
      const { stateVersion } = owner.registration.dataVersion
      if (stateVersion > registration.dataVersion.stateVersion) {
        this.leave((row) => row === before)
        return 'ignored'
      }
    }
    if (owner === undefined && registration.topics.length === 1) return 'refused'
    this.brokers = this.brokers.filter((row) => row !== owner && row !== before)
    const name: Name = this.names.get(brokerName) ?? {
      clusters: new Set(),
      acting: false,
      zone: null,
    }
    name.clusters.add(registration.clusterName)
    name.acting = registration.enableActingMaster === true
    name.zone = registration.zoneName
    this.names.set(brokerName, name)
    this.brokers.push({ registration, cluster: registration.clusterName, seenMs: nowMs })
    this.mergeTopics(registration, owner === undefined, before)
    return 'registered'
  }

  private mergeTopics(registration: BrokerRegistration, isFirst: boolean, before?: Row): void {
    const { brokerName, brokerId, enableActingMaster } = registration
    const isLowest = this.idsOf(brokerName)[0] === brokerId
    if (brokerId !== 0 && (enableActingMaster === null || !isLowest)) return
    if (this.options.deleteTopicWithBrokerRegistration) {
      const named = registration.topics.map((topic) => topic.topicName)
      this.queues = this.queues.filter(
        (row) => row.queueData.brokerName !== brokerName || named.includes(row.topic),
      )
    }
    const isSame =
      !isFirst &&
      before !== undefined &&
      sameDataVersion(before.registration.dataVersion, registration.dataVersion)
    for (const { topicName, ...rest } of registration.topics) {
      const isHere = (row: QueueRow): boolean =>
        row.topic === topicName && row.queueData.brokerName === brokerName
      if (isSame && this.queues.some(isHere)) continue
      const perm = brokerId !== 0 && enableActingMaster === true ? rest.perm & ~2 : rest.perm
      this.queues = this.queues.filter((row) => !isHere(row))
      this.queues.push({ topic: topicName, queueData: { ...rest, brokerName, perm } })
    }
  }

  leave(isLeaving: (row: Row) => boolean): void {
    const leaving = this.brokers.filter(isLeaving)
    this.brokers = this.brokers.filter((row) => !isLeaving(row))
    for (const { registration } of leaving) {
      const { brokerName } = registration
      const ids = this.idsOf(brokerName)
      if (ids.length === 0) {
        this.names.delete(brokerName)
        this.queues = this.queues.filter((row) => row.queueData.brokerName !== brokerName)
      } else if (this.names.get(brokerName)?.acting === true && ids[0] !== 0) {
        this.changePerm(brokerName, (perm) => perm & ~2)
      }
    }
  }

  expire(nowMs: number): void {
    this.leave((row) => row.seenMs + (row.registration.heartbeatTimeoutMs ?? 120_000) < nowMs)
  }

  heartbeat(brokerName: string, brokerAddr: string, nowMs: number): boolean {
    const row = this.brokers.find(
      ({ registration: r }) => r.brokerName === brokerName && r.brokerAddr === brokerAddr,
    )
    if (row !== undefined) row.seenMs = nowMs
    return row !== undefined
  }

  changePerm(brokerName: string, change: (perm: number) => number): number {
    let count = 0
    this.queues = this.queues.map((row) => {
      if (row.queueData.brokerName !== brokerName) return row
      count++
      return { ...row, queueData: { ...row.queueData, perm: change(row.queueData.perm) } }
    })
    return count
  }

  deleteTopic(topic: string, clusterName: string | null): void {
    this.queues = this.queues.filter((row) => {
      const clusters = this.names.get(row.queueData.brokerName)?.clusters
      return row.topic !== topic || (clusterName !== null && clusters?.has(clusterName) !== true)
    })
  }

  private idsOf(brokerName: string): number[] {
    return this.brokers
      .filter((row) => row.registration.brokerName === brokerName)
      .map((row) => row.registration.brokerId)
      .sort((a, b) => a - b)
  }

  /** Everything a client can see, in one comparable value. */
  view(): unknown {
    const brokers = this.brokers
      .map(({ registration: r }) => `${r.brokerName} ${r.brokerId}=${r.brokerAddr}`)
      .sort()
    const names = [...this.names].map(
      ([name, { clusters, acting, zone }]) =>
        `${name} in ${[...clusters].sort().join(' ')} acting=${acting} zone=${zone ?? '-'}`,
    )
    const queues = this.queues.map((row) => queueText(row.topic, row.queueData))
    return { brokers, names: names.sort(), queues: queues.sort() }
  }
}

export function queueText(topic: string, queueData: QueueData): string {
  const { brokerName, readQueueNums, writeQueueNums, perm, topicSysFlag } = queueData
  return `${topic} ${brokerName} ${readQueueNums} ${writeQueueNums} ${perm} ${topicSysFlag}`
}
