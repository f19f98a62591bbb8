import { closeSync, openSync } from 'node:fs'
import { isatty } from 'node:tty'
import type { Logger } from 'pino'
import { ExitCode } from '../commands/options.ts'

/** A part that runs and can be ended, in the order given. */
export interface Stoppable {
  name: string
  /** Drains for up to `graceMs`. */
  stop(graceMs: number): Promise<void>
}

export interface ShutdownDeps {
  log: Logger
  /** What is to be stopped, in that order. */
  parts: () => readonly Stoppable[]
  /** Settled when the start has ended, well or not: what is half made cannot be stopped. */
  started: () => Promise<unknown> | null
}

/** A terminal and npm both pass a signal on: the same one twice within this is meant once. */
const SAME_SIGNAL_MS = 300
/** What a part may take beyond its grace, for writes, before it is left behind. */
const WRITES_MS = 5000
const SIGNAL_CODES = { SIGINT: 130, SIGTERM: 143 } as const

/**
 * Signals and the way out. TERM and INT drain: readiness goes first, then each part stops in order; a second signal
 * forces. A failure drains nothing: clients are not to be kept at what cannot serve them. Exit code 0; 130 or 143 when the
 * signal came before the start was done; 1 when a part did not end within `graceMs` and a bit, or not well, or something
 * had failed.
 */
export class Shutdown {
  private readonly graceMs: number
  private readonly deps: ShutdownDeps
  private readonly reloads: (() => void)[] = []
  private readonly leaves: (() => void)[] = []
  private startedMs = 0
  private isServing = false
  private hasFailed = false

  constructor(graceMs: number, deps: ShutdownDeps) {
    this.graceMs = graceMs
    this.deps = deps
  }

  /** Whether the process is on its way down: /readyz says no. */
  get stopping(): boolean {
    return this.startedMs !== 0
  }

  /** From now on a signal ends the process with 0: its start was a success. */
  serving(): void {
    this.isServing = true
  }

  /** HUP: files are to be read again. */
  onReload(task: () => void): void {
    this.reloads.push(task)
  }

  /** USR2: clients are to go elsewhere, while they are served on. */
  onLeave(task: () => void): void {
    this.leaves.push(task)
  }

  listen(): void {
    const { log } = this.deps
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => this.begin(signal, this.isServing ? 0 : SIGNAL_CODES[signal]))
    }
    // A terminal that is gone is none any more: this must be asked now.
    const hadTerminal = isatty(0)
    process.on('SIGHUP', () => {
      if (hadTerminal && terminalIsGone()) {
        this.begin('SIGHUP', 0)
        return
      }
      log.info({ event: 'reload' })
      for (const task of this.reloads) task()
    })
    process.on('SIGUSR2', () => {
      log.info({ event: 'leaving' }, 'clients are sent elsewhere; end me when they are gone')
      for (const task of this.leaves) task()
    })
    this.followLauncher()
  }

  /** Ends the process after draining, or without when `exitCode` is FAILURE; called again, at once. */
  begin(reason: string, exitCode: number): void {
    const { log } = this.deps
    const isFailure = exitCode === ExitCode.FAILURE
    if (this.stopping) {
      if (!isFailure && performance.now() - this.startedMs < SAME_SIGNAL_MS) return
      log.warn({ event: 'shutdown_forced', reason }, 'ending at once')
      process.exit(exitCode === 0 ? 1 : exitCode)
    }
    this.startedMs = performance.now()
    this.hasFailed = isFailure
    const graceMs = isFailure ? 0 : this.graceMs
    log.info({ event: 'shutdown_started', reason, graceMs })
    const limit = setTimeout(() => {
      log.error({ event: 'shutdown_timeout' }, 'draining took too long')
      process.exit(1)
    }, graceMs + WRITES_MS)
    limit.unref()
    void this.stopAll(graceMs).then((clean) => {
      log.info({ event: 'shutdown_finished', clean })
      process.exit(clean ? exitCode : 1)
    })
  }

  private async stopAll(graceMs: number): Promise<boolean> {
    const { log, parts, started } = this.deps
    // How the start ended is told by whoever waits for it.
    await started()?.catch(() => undefined)
    const endMs = this.startedMs + graceMs
    let clean = !this.hasFailed
    for (const part of parts()) {
      try {
        await part.stop(Math.max(0, endMs - performance.now()))
      } catch (error) {
        clean = false
        log.error({ event: 'stop_failed', part: part.name, err: error })
      }
    }
    return clean
  }

  /** Under the launcher this process ends with it, even when it was killed. */
  private followLauncher(): void {
    if (process.connected === false) this.begin('launcher gone', 0)
    process.on('disconnect', () => this.begin('launcher gone', 0))
    process.channel?.unref()
  }
}

/** A hang-up of the terminal and a wish to reload come as the same signal. */
function terminalIsGone(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'))
    return false
  } catch {
    return true
  }
}
