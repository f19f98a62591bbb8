import type { UnsupportedCommand } from '@apogee/admin'
import { CliError, CliErrorCode } from '../cli-error.ts'

/** mqadmin has it, this program has not. */
export function notSupported({ name, reason }: UnsupportedCommand): CliError {
  return new CliError(CliErrorCode.NOT_SUPPORTED, `mqadmin's ${name} is not supported: ${reason}`)
}
