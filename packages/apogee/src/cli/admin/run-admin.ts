import { readFile, writeFile } from 'node:fs/promises'
import {
  type AdminCommand,
  type CommandContext,
  type CommandOutput,
  isStream,
  type OptionValues,
  readOptions,
} from '@apogee/admin'
import { usageError } from '../cli-error.ts'
import { openAdmin } from '../context/open-admin.ts'
import { ExitCode } from '../exit-codes.ts'
import type { CliIo } from '../io.ts'
import type { OutputFlags } from '../output/output-options.ts'
import { ProgressLine } from '../output/progress-line.ts'
import { type OutputPlace, writeOutput } from '../output/write-output.ts'
import { readSpan } from '../time-expression.ts'
import { givenOptions, takenFlags } from './admin-options.ts'
import { confirmDamage } from './confirm.ts'
import { HOME_AND_CLEAR, repeat } from './repeat.ts'

/** What is added to the options of every administration command. */
export interface AdminFlags extends OutputFlags {
  readonly namesrvAddr?: string
  readonly context?: string
  readonly timeout?: string
  readonly watch?: string
  readonly yes?: boolean
  readonly [option: string]: unknown
}

const WATCH_MIN_MS = 200

/** Reads the options, asks before something is lost, runs, and shows what came. Gives the exit code. */
export async function runAdminCommand(
  io: CliIo,
  command: AdminCommand,
  flags: AdminFlags,
  words: readonly string[],
  signal: AbortSignal,
): Promise<number> {
  const values = readValues(command, flags, words, io.now())
  // Some commands have a --watch of their own.
  const isWatchOurs = typeof flags.watch === 'string' && !takenFlags(command).has('--watch')
  const watchMs = isWatchOurs ? readSpan('--watch', flags.watch) : null
  if (watchMs !== null && watchMs < WATCH_MIN_MS)
    throw usageError(`--watch: at least ${WATCH_MIN_MS} ms`)
  const damage = command.damage?.(values) ?? null
  if (damage !== null) await confirmDamage(io, damage, flags.yes === true)
  const admin = await openAdmin(flags, io.environment)
  const progress = new ProgressLine(io.err)
  // Requests under way end with their connections.
  const quit = (): void => void admin.close()
  signal.addEventListener('abort', quit)
  try {
    const context: CommandContext = {
      admin,
      transport: admin.transport,
      clock: admin.transport.clock,
      signal,
      files: { read: (path) => readFile(path), write: (path, bytes) => writeFile(path, bytes) },
      progress: (text) => progress.show(text),
    }
    const show = async (output: CommandOutput, place: OutputPlace): Promise<number> => {
      progress.clear()
      return await writeOutput(io, output, flags, place)
    }
    return await runOrRepeat(io, command, context, values, watchMs, show)
  } catch (error) {
    if (signal.aborted) throw signal.reason
    throw error
  } finally {
    signal.removeEventListener('abort', quit)
    progress.clear()
    await admin.close()
  }
}

async function runOrRepeat(
  io: CliIo,
  command: AdminCommand,
  context: CommandContext,
  values: OptionValues,
  watchMs: number | null,
  show: (output: CommandOutput, place: OutputPlace) => Promise<number>,
): Promise<number> {
  if (watchMs !== null) {
    return await repeat(io, context.signal, watchMs, async () => {
      const result = command.run(context, values)
      if (isStream(result)) throw usageError('--watch: this command goes on by itself')
      return await show(await result, 'alone again')
    })
  }
  const result = command.run(context, values)
  if (!isStream(result)) return await show(await result, 'alone')
  return await showStream(io, result, context.signal, isWatching(values), show)
}

/** Streams that tell the same again and again, each time as it is now. */
function isWatching(values: OptionValues): boolean {
  return (values['watchSeconds'] ?? values['intervalSeconds']) !== undefined
}

async function showStream(
  io: CliIo,
  outputs: AsyncIterable<CommandOutput>,
  signal: AbortSignal,
  isAfresh: boolean,
  show: (output: CommandOutput, place: OutputPlace) => Promise<number>,
): Promise<number> {
  let exitCode: number = ExitCode.OK
  let place: OutputPlace = 'first'
  try {
    for await (const output of outputs) {
      if (isAfresh && io.out.isTerminal) await io.out.write(HOME_AND_CLEAR)
      exitCode = Math.max(exitCode, await show(output, isAfresh ? 'alone again' : place))
      place = 'next'
      if (signal.aborted) break
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
  // What is watched has no end of its own; a list that was cut off is a part.
  if (signal.aborted && !isAfresh) throw signal.reason
  return exitCode
}

function readValues(
  command: AdminCommand,
  flags: AdminFlags,
  words: readonly string[],
  nowMs: number,
): OptionValues {
  const raw = givenOptions(command, flags)
  const declared = command.arguments ?? []
  for (const [place, word] of words.entries()) {
    const argument = declared[place]
    if (argument === undefined) throw usageError(`${JSON.stringify(word)} is one word too many`)
    const before = raw[argument.key]
    if (before !== undefined && before !== word) {
      throw usageError(`${argument.name} is said twice: as an option, and as ${word}`)
    }
    raw[argument.key] = word
  }
  return readOptions(command, raw, nowMs)
}
