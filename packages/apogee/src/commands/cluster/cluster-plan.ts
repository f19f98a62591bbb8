// Which nodes a cluster of some shape has, what they are called and where they listen.
import { brokerNameOf, nodeNameOf } from '../../node-names.ts'
import { ClusterError } from './cluster-error.ts'

export const CLUSTER_MODES = ['single', 'multi-master', 'async-replica', 'sync-replica'] as const
export type ClusterMode = (typeof CLUSTER_MODES)[number]

/** Letters of broker-a … broker-z. */
export const MASTERS_MAX = 26
export const SLAVES_MAX = 8
export const NAME_SERVERS_MAX = 16

/** How many of each; what nobody said depends on the mode. */
export interface ClusterShape {
  readonly mode: ClusterMode
  readonly masters: number
  /** Of each master. */
  readonly slaves: number
  readonly nameservers: number
}

export type BrokerRoleName = 'ASYNC_MASTER' | 'SYNC_MASTER' | 'SLAVE'

/** A node that is to be. */
export type PlannedNode =
  | { readonly kind: 'namesrv'; readonly name: string; readonly port: number }
  | {
      readonly kind: 'broker'
      readonly name: string
      readonly port: number
      readonly brokerName: string
      readonly brokerId: number
      readonly brokerRole: BrokerRoleName
    }

/** Masters and slaves of each mode, as RocketMQ's own examples have them: 2m-noslave, 2m-2s-async, 2m-2s-sync. */
const USUAL: Readonly<Record<ClusterMode, { masters: number; slaves: number }>> = {
  single: { masters: 1, slaves: 0 },
  'multi-master': { masters: 2, slaves: 0 },
  'async-replica': { masters: 2, slaves: 1 },
  'sync-replica': { masters: 2, slaves: 1 },
}

/** Throws CLUSTER_MODE_UNSUPPORTED, CLUSTER_OPTION_INVALID. */
export function clusterShape(
  mode: string,
  counts: { readonly masters?: number; readonly slaves?: number; readonly nameservers?: number },
): ClusterShape {
  if (mode === 'dledger') {
    throw new ClusterError('CLUSTER_MODE_UNSUPPORTED', 'this version has no dledger clusters yet', {
      hint: '--mode sync-replica keeps every acknowledged message on two brokers',
    })
  }
  const known = CLUSTER_MODES.find((one) => one === mode)
  if (known === undefined) throw wrong(`--mode ${mode}: one of ${CLUSTER_MODES.join(', ')}`)
  const { masters = USUAL[known].masters, nameservers = 1, slaves = USUAL[known].slaves } = counts
  if (known === 'single' && masters !== 1) throw wrong('--mode single has one master')
  const hasSlaves = known === 'async-replica' || known === 'sync-replica'
  if (hasSlaves !== slaves > 0) {
    const text = hasSlaves ? `--mode ${known} has slaves` : `--mode ${known} has no slaves`
    throw wrong(`${text}: --slaves ${slaves}`)
  }
  return { mode: known, masters, slaves, nameservers }
}

function wrong(message: string): ClusterError {
  return new ClusterError('CLUSTER_OPTION_INVALID', message)
}

/** Ports that a broker takes, relative to its main one: fast, main, replication. */
const BROKER_PORTS = [-2, 0, 1] as const
const BROKER_STEP = 10
/** Between the first NameServer and the first broker, when the ports are not the usual ones. */
const BROKERS_AFTER = 20
const USUAL_NAMESRV_PORT = 9876
const USUAL_BROKER_PORT = 10_911
/** Where a plan begins that gave way to somebody, and how far each further try is. */
const OTHER_BASE = 20_000
const OTHER_STEP = 500
const OTHER_TRIES = 20

/** Where nodes may listen: NameServers from `namesrv` on, one after the other; brokers from `broker` on, in steps of 10. */
export interface PortBase {
  readonly namesrv: number
  readonly broker: number
}

export function portBase(base: number): PortBase {
  return { namesrv: base, broker: base + BROKERS_AFTER }
}

/** RocketMQ's own ports first; then others, for a machine where something runs already. */
export function usualPortBases(): PortBase[] {
  const others = Array.from({ length: OTHER_TRIES }, (_, i) =>
    portBase(OTHER_BASE + i * OTHER_STEP),
  )
  return [{ namesrv: USUAL_NAMESRV_PORT, broker: USUAL_BROKER_PORT }, ...others]
}

/** The nodes of a shape: NameServers, then each master with its slaves behind it. */
export function planNodes(shape: ClusterShape, base: PortBase): PlannedNode[] {
  const { masters, mode, nameservers, slaves } = shape
  const nodes: PlannedNode[] = Array.from({ length: nameservers }, (_, i) => ({
    kind: 'namesrv',
    name: `namesrv-${i + 1}`,
    port: base.namesrv + i,
  }))
  let { broker: port } = base
  for (let master = 0; master < masters; master++) {
    const brokerName = brokerNameOf(master)
    for (let brokerId = 0; brokerId <= slaves; brokerId++) {
      const name = nodeNameOf(brokerName, brokerId)
      const masterRole = mode === 'sync-replica' ? 'SYNC_MASTER' : 'ASYNC_MASTER'
      const brokerRole = brokerId === 0 ? masterRole : 'SLAVE'
      nodes.push({ kind: 'broker', name, port, brokerName, brokerId, brokerRole })
      port += BROKER_STEP
    }
  }
  return nodes
}

/** Every port that the nodes take. */
export function portsOf(nodes: readonly PlannedNode[]): number[] {
  return nodes.flatMap(({ kind, port }) =>
    kind === 'namesrv' ? [port] : BROKER_PORTS.map((offset) => port + offset),
  )
}
