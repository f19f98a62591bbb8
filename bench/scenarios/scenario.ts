// What every scenario gets and gives.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { mustRun } from '../../e2e/harness/processes.ts'
import {
  type Candidate,
  type CandidateName,
  type CandidateOptions,
  LOAD_CORES,
} from '../candidates/candidate.ts'
import { startCandidate } from '../candidates/start-candidate.ts'
import type { LoadOptionName } from '../load/options.ts'
import type { Row, Samples } from '../report/result.ts'

export interface BenchOptions {
  candidates: readonly CandidateName[]
  rounds: number
  seconds: number
  warmupSeconds: number
  /** Server on one core, load on another. */
  pin: boolean
  /** Where Apogee leaves CPU profiles; null = none. A profiled run is slower: its figures are not written. */
  profileFolder: string | null
  /** Stores go below it. */
  folder: string
  /** Length of the memory scenario. */
  minutes: number
  /** Sizes of the restart scenario, GB. */
  sizesGb: readonly number[]
  /** Drop the page cache before reads (root only). */
  cold: boolean
}

export interface Outcome {
  rows: (Row | null)[]
  notes: string[]
}

export interface Scenario {
  name: string
  summary: string
  run(options: BenchOptions, samples: Samples): Promise<Outcome>
}

type LoadProgram = 'send-load' | 'latency-load' | 'catch-up-load'
export type LoadArguments = Partial<Record<LoadOptionName, string | number>>

const LOAD_TIMEOUT_MS = 30 * 60_000
/** Apache's broker needs this long under load before the JVM has compiled what matters. */
export const APACHE_WARM_SECONDS = 25

/** Runs a load program against a candidate and parses its report. */
export async function runLoad<Report>(
  program: LoadProgram,
  candidate: Pick<Candidate, 'port' | 'pid'>,
  load: LoadArguments,
  options: Pick<BenchOptions, 'pin'>,
): Promise<Report> {
  const script = join(import.meta.dirname, '..', 'load', `${program}.ts`)
  const all = { port: candidate.port, 'server-pid': candidate.pid, ...load }
  const args = Object.entries(all).flatMap(([name, value]) => [`--${name}`, String(value)])
  const node = [process.execPath, script, ...args]
  const command = options.pin ? ['taskset', '-c', LOAD_CORES, ...node] : node
  const [first = '', ...rest] = command
  const text = await mustRun({ command: first, args: rest, timeoutMs: LOAD_TIMEOUT_MS })
  return JSON.parse(text.trim().split('\n').at(-1) ?? '') as Report
}

/** Starts the wanted candidates of a list, each in its own new folder. */
export async function startAll(
  names: readonly CandidateName[],
  options: BenchOptions,
  flush: CandidateOptions['flush'],
): Promise<Candidate[]> {
  const started: Candidate[] = []
  for (const name of names.filter((one) => options.candidates.includes(one))) {
    const folder = join(options.folder, `${name}-${flush}-${Date.now()}`)
    started.push(await startCandidate(name, { ...options, flush, folder }))
  }
  return started
}

export async function warmUp(
  candidate: Candidate,
  options: BenchOptions,
  load: LoadArguments,
): Promise<void> {
  const seconds = candidate.name === 'apache' ? APACHE_WARM_SECONDS : options.warmupSeconds
  await runLoad('send-load', candidate, { ...load, warmup: 0, seconds }, options)
}

/**
 * Measures the candidates one after another, round after round (A B A B). Those that wait are suspended; dirty pages of
 * the one before are written out first, so that nobody pays for another's writes.
 */
export async function interleave<T extends { suspend(): void; resume(): void }>(
  candidates: readonly T[],
  rounds: number,
  measure: (candidate: T, round: number) => Promise<void>,
): Promise<void> {
  for (const candidate of candidates) candidate.suspend()
  for (let round = 0; round < rounds; round++) {
    for (const candidate of candidates) {
      spawnSync('sync')
      candidate.resume()
      await measure(candidate, round)
      candidate.suspend()
    }
  }
  for (const candidate of candidates) candidate.resume()
}

export async function stopAll(candidates: readonly Candidate[]): Promise<void> {
  for (const candidate of candidates) await candidate.stop()
}
