import { ExitCode } from '../exit-codes.ts'
import type { CliIo } from '../io.ts'
import { describeError } from '../report-error.ts'
import { printableText } from './printable.ts'

export interface ErrorStyle {
  readonly isJson: boolean
  readonly isVerbose: boolean
}

/** Tells of an error on standard error: one line and a hint, or one object. Gives the exit code. */
export async function writeError(io: CliIo, error: unknown, style: ErrorStyle): Promise<number> {
  const { report, exitCode, isUnexpected, stack } = describeError(error)
  if (exitCode === ExitCode.OK) return exitCode
  if (style.isJson) {
    const extra = style.isVerbose || isUnexpected ? { stack } : {}
    await io.err.write(`${JSON.stringify({ error: { ...report, ...extra } })}\n`)
    return exitCode
  }
  const head = io.err.style('red', 'apogee:')
  await io.err.write(
    `${head} ${printableText(report.message)} ${io.err.style('dim', `[${report.code}]`)}\n`,
  )
  if (report.hint !== undefined) await io.err.write(`  hint: ${printableText(report.hint)}\n`)
  if (style.isVerbose || isUnexpected) await io.err.write(`${printableText(stack)}\n`)
  return exitCode
}
