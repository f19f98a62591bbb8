import { resolveConnection } from '../context/connection.ts'
import { contextFilePath, isOpenToOthers } from '../context/context-file.ts'
import { openAdmin } from '../context/open-admin.ts'
import { ExitCode } from '../exit-codes.ts'
import type { CliIo } from '../io.ts'
import { printableLine } from '../output/printable.ts'
import { throwIfInterrupted } from '../session.ts'
import { readSpan } from '../time-expression.ts'
import { type Check, type CheckStatus, warning } from './check.ts'
import type { DoctorFlags } from './doctor-command.ts'
import { examine } from './examine.ts'

/** The result; docs/cli/doctor.schema.json. */
export interface DoctorJson {
  /** Whether there is no problem. */
  readonly ok: boolean
  readonly nameservers: readonly string[]
  readonly counts: Readonly<Record<CheckStatus, number>>
  readonly checks: readonly Check[]
}

const MARKS: Readonly<
  Record<CheckStatus, readonly [text: string, color: 'green' | 'yellow' | 'red' | 'dim']>
> = {
  ok: ['ok', 'green'],
  warning: ['warning', 'yellow'],
  problem: ['problem', 'red'],
  skipped: ['skipped', 'dim'],
}
const MARK_WIDTH = 8
/** What is well is summed up from so many lines on. */
const OK_LINES_MAX = 40

/** `apogee doctor`. Gives 0, or 1 with a problem. */
export async function doctor(io: CliIo, flags: DoctorFlags, signal: AbortSignal): Promise<number> {
  const { nameservers } = resolveConnection(flags, io.environment)
  const timeoutMs = readSpan('--timeout', flags.timeout)
  const admin = await openAdmin(flags, io.environment)
  const quit = (): void => void admin.close()
  signal.addEventListener('abort', quit)
  let checks: Check[]
  try {
    checks = [
      ...checkContextFile(io),
      ...(await examine({ admin, nameservers, timeoutMs, now: () => io.now() })),
    ]
  } finally {
    signal.removeEventListener('abort', quit)
    await admin.close()
  }
  throwIfInterrupted(signal)
  const result = resultOf(nameservers, checks)
  if (flags.output === 'json') await io.out.write(`${JSON.stringify(result, null, 2)}\n`)
  else await io.out.write(doctorText(result, io, flags.verbose === true))
  return result.ok ? ExitCode.OK : ExitCode.FAILURE
}

function checkContextFile(io: CliIo): Check[] {
  const path = contextFilePath(io.environment)
  if (!isOpenToOthers(path)) return []
  return [
    warning(
      'context-file',
      path,
      'can be read by others, and may hold secret keys',
      `chmod 600 ${path}`,
    ),
  ]
}

function resultOf(nameservers: readonly string[], checks: readonly Check[]): DoctorJson {
  const counts = { ok: 0, warning: 0, problem: 0, skipped: 0 }
  for (const { status } of checks) counts[status] += 1
  return { ok: counts.problem === 0, nameservers, counts, checks }
}

function doctorText({ checks, counts }: DoctorJson, io: CliIo, isVerbose: boolean): string {
  const hidesWell = !isVerbose && counts.ok > OK_LINES_MAX
  const shown = hidesWell ? checks.filter(({ status }) => status !== 'ok') : checks
  const lines = shown.flatMap(({ hint, message, status, target }) => {
    const [mark, color] = MARKS[status]
    const head = `${io.out.style(color, mark.padEnd(MARK_WIDTH))} ${printableLine(target)}: ${printableLine(message)}`
    return hint === undefined
      ? [head]
      : [head, `${' '.repeat(MARK_WIDTH + 1)}${printableLine(hint)}`]
  })
  const plural = (count: number, word: string): string =>
    `${count} ${word}${count === 1 ? '' : 's'}`
  const sum = [
    plural(counts.problem, 'problem'),
    plural(counts.warning, 'warning'),
    `${counts.ok} ok`,
  ]
  if (counts.skipped > 0) sum.push(`${counts.skipped} skipped`)
  return `${lines.join('\n')}\n\n${sum.join(', ')}\n`
}
