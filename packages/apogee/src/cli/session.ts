import { CliError, CliErrorCode } from './cli-error.ts'
import { ExitCode } from './exit-codes.ts'
import type { CliIo } from './io.ts'

/** A terminal, npm and the launcher all pass a signal on: the same one again within this is meant once. */
const SAME_SIGNAL_MS = 300
const KEEP_ALIVE_MS = 60_000

/** What a command does; its number is the exit code. `signal` is aborted by SIGINT, SIGTERM, and a reader that has gone. */
export type Task = (signal: AbortSignal) => Promise<number>

/**
 * One run of the command line. Commands that serve (`start`, `broker`) leave `exitCode` null: their process decides. A
 * command that ends by itself runs within `perform`.
 */
export class Session {
  readonly io: CliIo
  exitCode: number | null = null
  private readonly forceExit: (code: number) => void

  constructor(io: CliIo, forceExit: (code: number) => void) {
    this.io = io
    this.forceExit = forceExit
  }

  /** The first signal asks the task to end, the second one ends the process. */
  async perform(task: Task): Promise<void> {
    const stop = new AbortController()
    let firstMs: number | null = null
    const quit = this.io.onSignal((signal) => {
      const code = signal === 'SIGINT' ? ExitCode.INTERRUPTED : ExitCode.TERMINATED
      if (firstMs === null) {
        firstMs = this.io.now()
        stop.abort(interruption(signal, code))
      } else if (this.io.now() - firstMs > SAME_SIGNAL_MS) this.forceExit(code)
    })
    // Timers of the client wake nobody: between two attempts nothing else keeps the process alive.
    const alive = setInterval(() => {}, KEEP_ALIVE_MS)
    const readerGone = (): void => stop.abort(new ReaderGone())
    this.io.out.closed.addEventListener('abort', readerGone)
    try {
      this.exitCode = await task(stop.signal)
    } catch (error) {
      // What failed because nobody reads any more has not failed.
      if (stop.signal.reason instanceof ReaderGone) this.exitCode = ExitCode.OK
      else throw error
    } finally {
      clearInterval(alive)
      quit()
      this.io.out.closed.removeEventListener('abort', readerGone)
    }
  }
}

/** Why a task was asked to end: nobody reads what it writes. */
export class ReaderGone extends Error {
  override readonly name: string = 'ReaderGone'
}

function interruption(signal: 'SIGINT' | 'SIGTERM', exitCode: ExitCode): CliError {
  return new CliError(CliErrorCode.INTERRUPTED, `ended by ${signal}`, { exitCode })
}

/** For tasks that a signal must not end with success: throws why, when the signal has come. */
export function throwIfInterrupted(signal: AbortSignal): void {
  if (signal.aborted) throw signal.reason
}
