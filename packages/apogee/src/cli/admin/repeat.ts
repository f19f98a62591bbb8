import { ExitCode } from '../exit-codes.ts'
import type { CliIo } from '../io.ts'
import { writeError } from '../output/write-error.ts'
import { describeError } from '../report-error.ts'
import { sleep } from '../sleep.ts'

/** Top left of an empty screen. */
export const HOME_AND_CLEAR = '\u001b[H\u001b[2J'

/**
 * Runs again every `intervalMs` until the signal. A server that cannot be reached now may be there later: the error is
 * shown, and watching goes on. Ends with 0.
 */
export async function repeat(
  io: CliIo,
  signal: AbortSignal,
  intervalMs: number,
  run: () => Promise<number>,
): Promise<number> {
  for (let round = 0; !signal.aborted; round++) {
    if (io.out.isTerminal) await io.out.write(HOME_AND_CLEAR)
    try {
      await run()
    } catch (error) {
      if (signal.aborted) break
      // What is wrong in the first round will stay wrong, unless a server was away.
      const isAway = describeError(error).exitCode === ExitCode.UNREACHABLE
      if (!isAway && round === 0) throw error
      await writeError(io, error, { isJson: false, isVerbose: false })
    }
    await sleep(intervalMs, signal)
  }
  return ExitCode.OK
}
