// What the nodes of a cluster are doing: by their processes, by the NameServers' word, and by their own.
import { Admin, type Problem } from '@apogee/admin'
import { nodeEnv } from '@apogee/env/node'
import { HARuntimeInfo, KVTable, RequestCode } from '@apogee/protocol'
import type { BrokerFolder } from './node-folders.ts'
import type { NodeProcess, NodeState } from './node-process.ts'

/** Nodes are on this machine: one that takes longer hangs. */
const TIMEOUT_MS = 2000

/** One node; an item of the JSON form (docs/cli/cluster.schema.json). */
export interface NodeStatus {
  readonly node: string
  /** `NAMESRV`, or the brokerRole. */
  readonly role: string
  readonly state: NodeState
  readonly address: string
  /** End of its log; null when it could not be asked. */
  readonly offset: number | null
  /** Of a slave: bytes of its master's log that it has not got; null when one of the two could not be asked. */
  readonly lag: number | null
  /** Of a slave: whether its master counts it as in sync; null as above. */
  readonly inSync: boolean | null
  /** What clients get here: `write`, `read`. A slave serves reads in its master's place. */
  readonly serves: readonly ('write' | 'read')[]
  readonly pid: number | null
  readonly log: string
}

export interface ClusterStatus {
  readonly nodes: readonly NodeStatus[]
  /** Nodes that run and do not answer. */
  readonly problems: readonly Problem[]
}

/** What a broker says about itself. */
interface Said {
  readonly offset: number | null
  readonly ha: HARuntimeInfo
}

interface Known {
  readonly processes: readonly NodeProcess[]
  /** By node; those that run and have answered. */
  readonly said: ReadonlyMap<string, Said>
  /** Addresses in the routes. */
  readonly registered: ReadonlySet<string>
}

/** Asks all nodes that run. Never rejects because of one that does not answer. */
export async function clusterStatus(processes: readonly NodeProcess[]): Promise<ClusterStatus> {
  const running = processes.filter(({ state }) => state === 'running')
  const nameservers = running.filter(({ node }) => node.kind === 'namesrv')
  const brokers = running.filter(({ node }) => node.kind === 'broker')
  const namesrvAddrs = nameservers.map(({ address }) => address)
  await using admin = Admin.connect({ namesrvAddrs, timeoutMs: TIMEOUT_MS }, nodeEnv())
  const problems: Problem[] = []
  const attempt = async <T>(target: string, answer: Promise<T>): Promise<T | null> => {
    try {
      return await answer
    } catch (error) {
      problems.push(problemOf(target, error))
      return null
    }
  }
  const routes = nameservers.length === 0 ? null : attempt('namesrv', admin.cluster.brokers())
  const said = new Map<string, Said>()
  await Promise.all(
    brokers.map(async ({ address, name }) => {
      const answer = await attempt(name, ask(admin, address))
      if (answer !== null) said.set(name, answer)
    }),
  )
  const registered = new Set((await routes)?.map(({ address }) => address))
  const known: Known = { processes, said, registered }
  return { nodes: processes.map((one) => statusOf(one, known)), problems }
}

async function ask({ transport }: Admin, address: string): Promise<Said> {
  const empty = { header: {}, values: {} }
  const runtime = { code: RequestCode.GET_BROKER_RUNTIME_INFO, ...empty }
  const { table } = await transport.callBody(address, runtime, KVTable)
  const status = { code: RequestCode.GET_BROKER_HA_STATUS, ...empty }
  const ha = await transport.callBody(address, status, HARuntimeInfo)
  const offset = Number(table.get('commitLogMaxOffset') ?? Number.NaN)
  return { offset: Number.isFinite(offset) ? offset : null, ha }
}

function problemOf(target: string, error: unknown): Problem {
  const { code, message, retriable } = error as Error & { code?: string; retriable?: boolean }
  return { target, code: code ?? 'INTERNAL', message, retriable: retriable === true }
}

function statusOf(one: NodeProcess, known: Known): NodeStatus {
  const { address, name, node, pid, state } = one
  const common = { node: name, state, address, pid, log: node.log }
  if (node.kind === 'namesrv') {
    return { ...common, role: 'NAMESRV', offset: null, lag: null, inSync: null, serves: [] }
  }
  const said = known.said.get(name) ?? null
  const replication = node.brokerRole === 'SLAVE' ? replicationOf(node, said, known) : NO_SLAVE
  return {
    ...common,
    role: node.brokerRole,
    offset: said?.offset ?? null,
    ...replication,
    serves: said === null ? [] : serves(one, node, known),
  }
}

const NO_SLAVE = { lag: null, inSync: null }

/** A slave's lag as it knows it itself, and whether its master waits for it. */
function replicationOf(
  node: BrokerFolder,
  said: Said | null,
  known: Known,
): Pick<NodeStatus, 'lag' | 'inSync'> {
  const master = masterOf(node, known)
  const masterSaid = master === undefined ? undefined : known.said.get(master.name)
  if (said?.offset == null || masterSaid?.offset == null) return NO_SLAVE
  const { activated } = said.ha.haClientRuntimeInfo
  const { haConnectionInfo } = masterSaid.ha
  // A connection does not say whose it is: with several slaves it is the one that has got as far as this one.
  const { offset } = said
  const distance = (ack: number): number => Math.abs(ack - offset)
  const [own] = haConnectionInfo.toSorted(
    (a, b) => distance(a.slaveAckOffset) - distance(b.slaveAckOffset),
  )
  return {
    lag: Math.max(0, masterSaid.offset - said.offset),
    inSync: activated && own?.inSync === true,
  }
}

function masterOf({ brokerName }: BrokerFolder, { processes }: Known): NodeProcess | undefined {
  return processes.find(
    ({ node }) =>
      node.kind === 'broker' && node.brokerName === brokerName && node.brokerRole !== 'SLAVE',
  )
}

/** By the routes: clients write to masters, and read there, or at a slave when the master is not in the routes. */
function serves(one: NodeProcess, node: BrokerFolder, known: Known): NodeStatus['serves'] {
  if (!known.registered.has(one.address)) return []
  if (node.brokerRole !== 'SLAVE') return ['write', 'read']
  const master = masterOf(node, known)
  return master !== undefined && known.registered.has(master.address) ? [] : ['read']
}
