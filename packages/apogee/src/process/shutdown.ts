import type { Logger } from 'pino'

/** A part that runs and can be ended, in the order given. */
export interface Stoppable {
  name: string
  /** Drains for up to `graceMs`. */
  stop(graceMs: number): Promise<void>
}

export interface Shutdown {
  /** Whether the process is on its way down: /readyz says no. */
  readonly stopping: boolean
  /** Ends the process after draining; the second call ends it at once. */
  begin(reason: string, exitCode: number): void
  /** Signals that are not about ending: HUP. */
  onReload(task: () => void): void
}

/**
 * Signals and the way out. TERM and INT drain: readiness goes first, then each part stops in order; a second signal forces.
 * A part that does not end within `graceMs` and a bit is left behind: exit code 1.
 */
export function installShutdown(
  log: Logger,
  graceMs: number,
  parts: () => readonly Stoppable[],
): Shutdown {
  let stopping = false
  const reloads: (() => void)[] = []
  const begin = (reason: string, exitCode: number): void => {
    if (stopping) {
      log.warn({ event: 'shutdown_forced', reason }, 'ending at once')
      process.exit(exitCode === 0 ? 1 : exitCode)
    }
    stopping = true
    log.info({ event: 'shutdown_started', reason, graceMs })
    const limit = setTimeout(() => {
      log.error({ event: 'shutdown_timeout' }, 'draining took too long')
      process.exit(1)
    }, graceMs + 5000)
    limit.unref()
    void stopAll(log, parts(), graceMs).then((clean) => {
      log.info({ event: 'shutdown_finished', clean })
      process.exit(clean ? exitCode : 1)
    })
  }
  process.on('SIGTERM', () => begin('SIGTERM', 0))
  process.on('SIGINT', () => begin('SIGINT', 0))
  // The launcher went away without a signal.
  process.on('disconnect', () => begin('launcher gone', 0))
  process.channel?.unref()
  process.on('SIGHUP', () => {
    log.info({ event: 'reload' })
    for (const task of reloads) task()
  })
  return {
    get stopping() {
      return stopping
    },
    begin,
    onReload: (task) => reloads.push(task),
  }
}

async function stopAll(
  log: Logger,
  parts: readonly Stoppable[],
  graceMs: number,
): Promise<boolean> {
  let clean = true
  for (const part of parts) {
    try {
      await part.stop(graceMs)
    } catch (error) {
      clean = false
      log.error({ event: 'stop_failed', part: part.name, err: error })
    }
  }
  return clean
}
