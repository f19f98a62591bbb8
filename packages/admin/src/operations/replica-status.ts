import type { BrokerStatus } from './cluster-operations.ts'

/** What clients get at a broker. */
export type Served = 'write' | 'read'

/** One broker in the eyes of replication. Null is what nobody said: Apache's brokers say less than ours. */
export interface ReplicaStatus {
  readonly clusterName: string
  readonly brokerName: string
  readonly brokerId: number
  readonly address: string
  /** Its brokerRole; of one that does not say it, MASTER or SLAVE by its id. */
  readonly role: string
  /** Whether it answered. */
  readonly isUp: boolean
  /** End of its log. */
  readonly offset: number | null
  /** How far its messages are acknowledged and visible. */
  readonly confirmedOffset: number | null
  /** Of a slave: bytes of its master's log that it has not got. */
  readonly lagBytes: number | null
  /** Of a slave: whether its master counts it. */
  readonly inSync: boolean | null
  /** Of a slave: what it is doing about it (`following`, `connecting`, `refused`, …). */
  readonly state: string | null
  /** Of a slave: why it does not follow. */
  readonly problem: string | null
  /** Of a slave: where it copies from. */
  readonly masterHaAddress: string | null
  /** Of a master: slaves that are connected. */
  readonly slaves: number | null
  /** Of a master: itself and the slaves in sync. */
  readonly inSyncReplicas: number | null
  /** Masters serve both; a slave serves reads while no master of its name answers. */
  readonly serves: readonly Served[]
}

/** Puts together what the brokers of one or more names say about themselves and about each other. */
export function replicaStatuses(brokers: readonly BrokerStatus[]): ReplicaStatus[] {
  return brokers.map((broker) => {
    const master = brokers.find(
      ({ brokerId, brokerName, clusterName }) =>
        brokerId === 0 && brokerName === broker.brokerName && clusterName === broker.clusterName,
    )
    const isUp = broker.runtime !== null
    return {
      clusterName: broker.clusterName,
      brokerName: broker.brokerName,
      brokerId: broker.brokerId,
      address: broker.address,
      role: textOf(broker, 'brokerRole') ?? (broker.brokerId === 0 ? 'MASTER' : 'SLAVE'),
      isUp,
      offset: numberOf(broker, 'commitLogMaxOffset'),
      confirmedOffset: numberOf(broker, 'confirmedOffset'),
      ...(broker.brokerId === 0 ? asMaster(broker) : asSlave(broker, master ?? null)),
      serves: isUp ? served(broker, master ?? null) : [],
    }
  })
}

type Part =
  | 'lagBytes'
  | 'inSync'
  | 'state'
  | 'problem'
  | 'masterHaAddress'
  | 'slaves'
  | 'inSyncReplicas'

function asMaster(broker: BrokerStatus): Pick<ReplicaStatus, Part> {
  return {
    lagBytes: null,
    inSync: null,
    state: null,
    problem: null,
    masterHaAddress: null,
    slaves: numberOf(broker, 'slaveCount'),
    inSyncReplicas: numberOf(broker, 'inSyncReplicas'),
  }
}

function asSlave(broker: BrokerStatus, master: BrokerStatus | null): Pick<ReplicaStatus, Part> {
  const seen = peerOf(master, broker.brokerId)
  return {
    lagBytes: lagOf(broker, master),
    inSync: seen === null ? null : seen.get('inSync') === 'true',
    state: textOf(broker, 'replicationState'),
    problem: textOf(broker, 'replicationProblem'),
    masterHaAddress: textOf(broker, 'masterHaAddress'),
    slaves: null,
    inSyncReplicas: null,
  }
}

/** By the ends of both logs; what the slave last heard of its master when that does not answer. */
function lagOf(broker: BrokerStatus, master: BrokerStatus | null): number | null {
  const own = numberOf(broker, 'commitLogMaxOffset')
  const end = master === null ? null : numberOf(master, 'commitLogMaxOffset')
  if (own !== null && end !== null) return Math.max(0, end - own)
  return numberOf(broker, 'slaveLagBytes')
}

/** `slave_1` of a master: `address=… protocol=… ackOffset=… gap=… inSync=true`. Null when it has no such slave. */
function peerOf(master: BrokerStatus | null, brokerId: number): Map<string, string> | null {
  if (master === null || master.runtime === null) return null
  const text = master.runtime.get(`slave_${brokerId}`)
  if (text !== undefined) {
    return new Map(text.split(' ').map((part) => part.split('=', 2) as [string, string]))
  }
  // A master that tells of its slaves, and not of this one, does not count it.
  return master.runtime.has('slaveCount') ? new Map([['inSync', 'false']]) : null
}

function served(broker: BrokerStatus, master: BrokerStatus | null): Served[] {
  if (broker.brokerId === 0) return ['write', 'read']
  return master === null || master.runtime === null ? ['read'] : []
}

function textOf({ runtime }: BrokerStatus, key: string): string | null {
  const text = runtime?.get(key)?.trim()
  return text === undefined || text === '' ? null : text
}

function numberOf(broker: BrokerStatus, key: string): number | null {
  const text = textOf(broker, key)
  const value = Number(text ?? Number.NaN)
  return Number.isFinite(value) ? value : null
}
