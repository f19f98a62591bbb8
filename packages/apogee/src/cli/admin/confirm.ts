import { CliError, CliErrorCode } from '../cli-error.ts'
import { ExitCode } from '../exit-codes.ts'
import type { CliIo } from '../io.ts'

/**
 * Asks before something is lost: the question names the damage. Where nobody can be asked, `--yes` (or APOGEE_YES=1) is
 * needed. Throws CLI_NOT_CONFIRMED.
 */
export async function confirmDamage(io: CliIo, damage: string, isYes: boolean): Promise<void> {
  if (isYes || io.environment['APOGEE_YES'] === '1') return
  if (!io.input.isTerminal || !io.err.isTerminal) {
    const hint = '--yes (or APOGEE_YES=1) says so where nobody can be asked'
    throw new CliError(CliErrorCode.NOT_CONFIRMED, `not done without a yes: ${damage}`, { hint })
  }
  const { confirm, isCancel } = await import('@clack/prompts')
  const answer = await confirm({
    message: `${damage}\n  Go on?`,
    initialValue: false,
    output: process.stderr,
  })
  if (isCancel(answer)) {
    const details = { exitCode: ExitCode.INTERRUPTED }
    throw new CliError(CliErrorCode.NOT_CONFIRMED, 'nothing was done', details)
  }
  if (answer !== true) {
    throw new CliError(CliErrorCode.NOT_CONFIRMED, 'nothing was done', {
      exitCode: ExitCode.FAILURE,
    })
  }
}
