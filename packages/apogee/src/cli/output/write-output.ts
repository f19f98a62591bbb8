import type { CommandOutput, Problem } from '@apogee/admin'
import { ExitCode } from '../exit-codes.ts'
import type { CliIo } from '../io.ts'
import type { OutputFlags } from './output-options.ts'
import { printableLine, printableText } from './printable.ts'
import { renderOutput } from './render.ts'

/**
 * One output; one of a stream, whose tables have one line of headers; or the same again, as it is now.
 */
export type OutputPlace = 'alone' | 'first' | 'next' | 'alone again'

/**
 * Writes an output in the form that was asked for; problems and notes go to standard error. The exit code: 0, or 5 with
 * problems.
 */
export async function writeOutput(
  io: CliIo,
  output: CommandOutput,
  flags: OutputFlags,
  place: OutputPlace = 'alone',
): Promise<number> {
  const form = flags.output ?? 'table'
  const layout = {
    hasHeaders: (flags.headers ?? true) && place !== 'next',
    columns: io.out.isTerminal ? io.out.columns() : null,
    styleHeader: (text: string) => io.out.style('bold', text),
  }
  await io.out.write(await renderOutput(output, { form, layout, isRepeated: place !== 'alone' }))
  const problems = output.problems ?? []
  const isForPeople = form !== 'json' && form !== 'yaml'
  if (isForPeople) {
    for (const note of output.notes ?? []) await io.err.write(`${printableText(note)}\n`)
    for (const problem of problems) await io.err.write(problemLine(io, problem))
  }
  return problems.length === 0 ? ExitCode.OK : ExitCode.PARTIAL
}

function problemLine(io: CliIo, problem: Problem): string {
  const text = `apogee: ${printableLine(problem.target)}: ${printableLine(problem.message)} [${problem.code}]`
  return `${io.err.style('yellow', text)}\n`
}
