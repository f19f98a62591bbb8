import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { didYouMean } from '../../cli/did-you-mean.ts'
import { ExitCode } from '../../cli/exit-codes.ts'
import type { CliIo } from '../../cli/io.ts'
import type { OutputFlags } from '../../cli/output/output-options.ts'
import { writeOutput } from '../../cli/output/write-output.ts'
import { announce } from '../../process/banner.ts'
import { createLogger } from '../../process/logging.ts'
import { programVersion } from '../../program-version.ts'
import type { ClusterFlags, ClusterStartFlags } from './cluster-command.ts'
import { ClusterError } from './cluster-error.ts'
import { clusterShape, planNodes, portsOf, usualPortBases } from './cluster-plan.ts'
import { clusterStatus } from './cluster-status.ts'
import { modeOf, type NodeFolder, readNodes, writeNodes } from './node-folders.ts'
import { NodeProcess, type NodeState } from './node-process.ts'
import { freeBase } from './port-search.ts'
import { stopNodes } from './stages.ts'
import { slavesInSync, startNodes } from './start-nodes.ts'
import { statusTable } from './status-table.ts'

/** A verb that is misspelled is taken for the name of a node. */
const VERBS = ['status', 'start', 'stop', 'kill', 'pause', 'resume', 'list', 'replicas']
/** How often the command in the foreground looks how its nodes are. */
const WATCH_MS = 500

/** Makes what is not there, starts what does not run, and stays until it is told to end, or comes back with --detach. */
export async function startCluster(
  io: CliIo,
  flags: ClusterStartFlags,
  signal: AbortSignal,
): Promise<number> {
  const dir = resolve(flags.dir)
  const there = readNodes(dir)
  if (there.length === 0) await makeCluster(dir, flags)
  else checkFits(dir, there, flags)
  const nodes = readNodes(dir)
  const processes = nodes.map((node) => new NodeProcess(node))
  const attached = flags.detach !== true
  const started = await startNodes(processes, { attached, signal })
  try {
    const behind = await slavesInSync(processes, signal)
    const log = await createLogger({ level: 'info', format: 'auto' })
    const brokers = processes.filter(({ node }) => node.kind === 'broker')
    const addresses = [
      { what: 'namesrv', address: namesrvAddr(processes) },
      ...brokers.map((one) => ({ what: one.name, address: `${one.address}${roleOf(one.node)}` })),
      { what: 'folder', address: dir },
    ]
    const name = `cluster ${modeOf(nodes)}`
    const facts = { name, version: programVersion(), addresses, store: null }
    announce({ ...facts, readyMs: performance.now() }, log, io.out.isTerminal)
    for (const node of behind) {
      log.warn({ event: 'slave_not_in_sync', node }, `${node} is not in sync yet`)
    }
    if (!attached) return ExitCode.OK
    await watch(processes, signal, (node, state) =>
      log.info({ event: 'node_state', node, state }, `${node}: ${state}`),
    )
    log.info({ event: 'cluster_stopping' })
  } finally {
    if (attached) await stopNodes(processes)
    // Who is interrupted before it is there wants none of it.
    else if (signal.aborted) await stopNodes(started)
  }
  return ExitCode.OK
}

/** Throws CLUSTER_OPTION_INVALID, CLUSTER_MODE_UNSUPPORTED, CLUSTER_PORT_IN_USE. */
async function makeCluster(dir: string, flags: ClusterStartFlags): Promise<void> {
  const { basePort, mode, set } = flags
  if (mode === undefined) {
    throw new ClusterError('CLUSTER_OPTION_INVALID', `there is no cluster in ${dir} yet`, {
      hint: '--mode makes one: single, multi-master, async-replica, sync-replica',
    })
  }
  const shape = clusterShape(mode, flags)
  const base = await freeBase(basePort, usualPortBases(), (one) => portsOf(planNodes(shape, one)))
  writeNodes(dir, planNodes(shape, base), set)
}

/** What is there is never rewritten: who asks for another shape is told so. */
function checkFits(dir: string, nodes: readonly NodeFolder[], flags: ClusterStartFlags): void {
  const { basePort, mode, set } = flags
  const brokers = nodes.filter((node) => node.kind === 'broker')
  const masters = brokers.filter(({ brokerRole }) => brokerRole !== 'SLAVE').length
  const nameservers = nodes.length - brokers.length
  const slaves = (brokers.length - masters) / Math.max(1, masters)
  const wrong: string[] = []
  const check = (name: string, asked: string | number | undefined, is: string | number): void => {
    if (asked !== undefined && asked !== is) wrong.push(`--${name} ${asked}, but it is ${is}`)
  }
  if (mode === 'dledger') clusterShape(mode, {})
  check('mode', mode, modeOf(nodes))
  check('masters', flags.masters, masters)
  check('slaves', flags.slaves, slaves)
  check('nameservers', flags.nameservers, nameservers)
  if (basePort !== undefined || set.length > 0) {
    wrong.push('--base-port and --set are for new clusters: edit the files in its folders')
  }
  if (wrong.length === 0) return
  throw new ClusterError('CLUSTER_OPTION_INVALID', `${dir} has a cluster: ${wrong.join('; ')}`, {
    hint: '--dir names another folder',
  })
}

function namesrvAddr(processes: readonly NodeProcess[]): string {
  return processes
    .filter(({ node }) => node.kind === 'namesrv')
    .map(({ address }) => address)
    .join(';')
}

function roleOf(node: NodeFolder): string {
  return node.kind === 'broker' ? ` ${node.brokerRole}` : ''
}

/** Tells what becomes of nodes; resolves when the signal says so, or all have been stopped from elsewhere. */
async function watch(
  processes: readonly NodeProcess[],
  signal: AbortSignal,
  tell: (node: string, state: NodeState) => void,
): Promise<void> {
  const before = new Map(processes.map(({ name, state }) => [name, state]))
  while (!signal.aborted) {
    await sleep(WATCH_MS, undefined, { signal }).catch(() => undefined)
    if (signal.aborted) return
    for (const { name, state } of processes) {
      if (before.get(name) !== state) tell(name, state)
      before.set(name, state)
    }
    if ([...before.values()].every((state) => state === 'stopped')) return
  }
}

/** Starts one node of a cluster that is there; it stays until it is stopped, as with --detach. */
export async function startNode(
  io: CliIo,
  name: string,
  flags: ClusterStartFlags,
  signal: AbortSignal,
): Promise<number> {
  const { mode, masters, nameservers, slaves, basePort, set } = flags
  const shaped = [mode, masters, nameservers, slaves, basePort].some((one) => one !== undefined)
  if (shaped || set.length > 0) {
    throw new ClusterError('CLUSTER_OPTION_INVALID', `${name} starts as it is configured`)
  }
  const { node, processes } = find(flags, name)
  if (node.state === 'paused' || node.state === 'running') {
    throw new ClusterError('CLUSTER_NODE_STATE', `${name} is ${node.state}`)
  }
  await startNodes([node], { attached: false, signal })
  // Who sends right away wants to hear that slaves have it.
  const behind = await slavesInSync(
    processes.filter((one) => isKin(one.node, node.node)),
    signal,
  )
  await io.out.write(`${name} serves at ${node.address}\n`)
  for (const slave of behind) await io.out.write(`${slave} is not in sync yet\n`)
  return ExitCode.OK
}

/** A master and its slaves. */
function isKin(one: NodeFolder, other: NodeFolder): boolean {
  return one.kind === 'broker' && other.kind === 'broker' && one.brokerName === other.brokerName
}

export async function showStatus(io: CliIo, flags: ClusterFlags & OutputFlags): Promise<number> {
  const processes = allNodes(flags)
  return await writeOutput(io, statusTable(await clusterStatus(processes)), flags)
}

export async function stopCluster(
  io: CliIo,
  name: string | null,
  flags: ClusterFlags,
): Promise<number> {
  const processes = name === null ? allNodes(flags) : [find(flags, name).node]
  const running = processes.filter(({ pid }) => pid !== null)
  await stopNodes(processes)
  const what = running.map((one) => one.name).join(', ')
  await io.out.write(what === '' ? 'nothing runs\n' : `stopped: ${what}\n`)
  return ExitCode.OK
}

export async function killNode(io: CliIo, name: string, flags: ClusterFlags): Promise<number> {
  await find(flags, name).node.kill()
  await io.out.write(`${name} is killed\n`)
  return ExitCode.OK
}

export async function pauseNode(
  io: CliIo,
  name: string,
  isPaused: boolean,
  flags: ClusterFlags,
): Promise<number> {
  find(flags, name).node.pause(isPaused)
  await io.out.write(`${name} ${isPaused ? 'hangs' : 'goes on'}\n`)
  return ExitCode.OK
}

/** Throws CLUSTER_FOLDER. */
function allNodes({ dir }: ClusterFlags): NodeProcess[] {
  const nodes = readNodes(resolve(dir))
  if (nodes.length === 0) {
    throw new ClusterError('CLUSTER_FOLDER', `there is no cluster in ${resolve(dir)}`, {
      hint: '--dir names its folder, `apogee cluster start --mode …` makes one',
    })
  }
  return nodes.map((node) => new NodeProcess(node))
}

/** Throws CLUSTER_FOLDER, CLUSTER_NODE_NOT_FOUND. */
function find(
  flags: ClusterFlags,
  name: string,
): { node: NodeProcess; processes: readonly NodeProcess[] } {
  const processes = allNodes(flags)
  const node = processes.find((one) => one.name === name)
  if (node !== undefined) return { node, processes }
  const names = processes.map((one) => one.name)
  const meant = didYouMean(name, [...names, ...VERBS])
  throw new ClusterError('CLUSTER_NODE_NOT_FOUND', `there is no node ${name}`, {
    hint: meant === null ? `nodes are ${names.join(', ')}` : `did you mean ${meant}?`,
  })
}
