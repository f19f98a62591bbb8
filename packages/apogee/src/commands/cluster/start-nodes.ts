// Nodes start one kind after the other, those of a kind at once.
import type { ChildProcess } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { ExitCode } from '../../cli/exit-codes.ts'
import { throwIfInterrupted } from '../../cli/session.ts'
import { ClusterError } from './cluster-error.ts'
import { clusterStatus } from './cluster-status.ts'
import type { NodeProcess } from './node-process.ts'
import { START_STAGES, stopNodes } from './stages.ts'

const LOOK_MS = 10
const SERVING_LIMIT_MS = 60_000
/** Slaves that have much to copy follow without being in sync: nobody waits for them longer. */
const IN_SYNC_LIMIT_MS = 10_000
const IN_SYNC_LOOK_MS = 50

export interface StartOptions {
  /** The nodes end with this process. */
  readonly attached: boolean
  readonly signal: AbortSignal
}

/**
 * Starts nodes that do not run; resolves to these when all serve. Rejects with CLUSTER_NODE_FAILED, or the signal's
 * reason; what was started is stopped again then.
 */
export async function startNodes(
  processes: readonly NodeProcess[],
  options: StartOptions,
): Promise<NodeProcess[]> {
  const idle = processes.filter(({ pid }) => pid === null)
  const started: NodeProcess[] = []
  try {
    for (const isMeant of START_STAGES) {
      const children = idle.filter(isMeant).map((one) => {
        const child = one.spawn(options.attached)
        started.push(one)
        return serving(one, child, options.signal)
      })
      await Promise.all(children)
    }
    return started
  } catch (error) {
    await stopNodes(started)
    throw error
  }
}

async function serving(one: NodeProcess, child: ChildProcess, signal: AbortSignal): Promise<void> {
  const endMs = performance.now() + SERVING_LIMIT_MS
  let failure: Error | null = null
  child.on('error', (error) => {
    failure = error
  })
  while (!one.isServing) {
    throwIfInterrupted(signal)
    if (failure !== null || child.exitCode !== null || child.signalCode !== null) {
      throw failed(one, failure ?? new Error(one.lastWords()), child.exitCode)
    }
    if (performance.now() > endMs) {
      throw failed(one, new Error(`does not serve after ${SERVING_LIMIT_MS / 1000} s`), null)
    }
    await sleep(LOOK_MS)
  }
}

function failed(one: NodeProcess, cause: Error, exitCode: number | null): ClusterError {
  const details = { cause, hint: `its log: ${one.node.log}` }
  const message = `${one.name}: ${cause.message}`
  // A configuration that cannot be used is the same error here as there.
  if (exitCode !== ExitCode.CONFIG) return new ClusterError('CLUSTER_NODE_FAILED', message, details)
  return new ClusterError('CLUSTER_NODE_FAILED', message, { ...details, exitCode: ExitCode.CONFIG })
}

/** Waits until all slaves of masters that run are in sync, for 10 s at most; the names of those that are not. */
export async function slavesInSync(
  processes: readonly NodeProcess[],
  signal: AbortSignal,
): Promise<string[]> {
  const slaves = processes.filter(
    ({ node }) => node.kind === 'broker' && node.brokerRole === 'SLAVE',
  )
  const endMs = performance.now() + IN_SYNC_LIMIT_MS
  let behind = slaves.map(({ name }) => name)
  while (behind.length > 0) {
    throwIfInterrupted(signal)
    const { nodes } = await clusterStatus(processes)
    behind = nodes
      .filter(
        ({ inSync, role, state }) => role === 'SLAVE' && state === 'running' && inSync === false,
      )
      .map(({ node }) => node)
    if (behind.length === 0 || performance.now() > endMs) break
    await sleep(IN_SYNC_LOOK_MS)
  }
  return behind
}
