// What is measured. A scenario sees only this, so that the same load drives the floor, Apogee and Apache's broker.
import { spawnSync } from 'node:child_process'
import type { RunningProcess } from '../../e2e/harness/processes.ts'

export const candidateNames = ['floor', 'apogee', 'apache'] as const
export type CandidateName = (typeof candidateNames)[number]
export type FlushMode = 'async' | 'sync'

export interface CandidateOptions {
  flush: FlushMode
  /** Holds store, configuration and logs; a second start in the same folder finds the same store. */
  folder: string
  /** Run on the first core only. */
  pin: boolean
  /** Have Node write a CPU profile into this folder when Apogee ends; null = no profile. */
  profileFolder: string | null
}

export const SERVER_CORES = '0'
export const LOAD_CORES = '1'

export class Candidate {
  readonly name: CandidateName
  readonly port: number
  /** From the start of its process to its ready line. */
  readonly readyMs: number
  readonly #running: RunningProcess

  constructor(name: CandidateName, port: number, running: RunningProcess, readyMs: number) {
    this.name = name
    this.port = port
    this.readyMs = readyMs
    this.#running = running
  }

  get pid(): number {
    return this.#running.pid
  }

  pinToServerCores(): void {
    const args = ['-a', '-p', '-c', SERVER_CORES, String(this.pid)]
    if (spawnSync('taskset', args).status !== 0)
      throw new Error('taskset failed: run without --pin')
  }

  /** Stops the clock of the whole process, so that it takes nothing from the one that is being measured. */
  suspend(): void {
    process.kill(this.pid, 'SIGSTOP')
  }

  resume(): void {
    process.kill(this.pid, 'SIGCONT')
  }

  /** SIGKILL, and waits for its end. */
  async kill(): Promise<void> {
    this.#running.kill()
    await this.#running.exited
  }

  async stop(): Promise<void> {
    if (this.#running.running) this.resume()
    await this.#running.stop()
  }
}
