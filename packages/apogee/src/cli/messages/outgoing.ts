// What is to be sent, from an argument, a file or standard input.
import { createReadStream } from 'node:fs'
import type { Readable } from 'node:stream'
import { CliError, CliErrorCode, usageError } from '../cli-error.ts'
import type { CliIo } from '../io.ts'
import { readSpan } from '../time-expression.ts'
import type { SendFlags } from './send-command.ts'

/** A message without its topic. */
export interface Outgoing {
  readonly body: Buffer
  readonly tag?: string
  readonly keys: readonly string[]
  readonly properties: Readonly<Record<string, string>>
  readonly shardingKey?: string
  readonly delayLevel?: number
  readonly delayMs?: number
}

/** Longer than what any broker takes by default (4 MiB), so that the broker's limit is what people hear of. */
const INPUT_MAX_BYTES = 64 * 1024 * 1024

/**
 * Every message in its order, `--count` times each. Throws CLI_USAGE, CLI_FILE, CLI_INPUT_INVALID with the number of
 * the line.
 */
export async function* outgoingMessages(
  io: CliIo,
  body: string | null,
  flags: SendFlags,
  signal: AbortSignal,
): AsyncGenerator<Outgoing> {
  checkSource(io, body, flags)
  const base = sharedParts(flags)
  for await (const message of sourceMessages(io, body, flags, base, signal)) {
    for (let sent = 0; sent < flags.count; sent++) yield message
  }
}

function checkSource(io: CliIo, body: string | null, flags: SendFlags): void {
  if (body !== null && flags.file !== undefined) throw usageError('give a body or --file, not both')
  if (body === null && flags.file === undefined && io.input.isTerminal) {
    throw usageError(
      'there is no body',
      'give one as the second word, by --file, or through a pipe',
    )
  }
}

async function* sourceMessages(
  io: CliIo,
  body: string | null,
  flags: SendFlags,
  base: Omit<Outgoing, 'body'>,
  signal: AbortSignal,
): AsyncGenerator<Outgoing> {
  const chunks = body === null ? inputChunks(io, flags.file, signal) : [Buffer.from(body)]
  if (!flags.lines && !flags.jsonLines) {
    yield { ...base, body: await wholeInput(chunks) }
    return
  }
  let number = 0
  for await (const line of lines(chunks)) {
    number += 1
    if (flags.lines) yield { ...base, body: line }
    else if (line.length > 0) yield readJsonLine(line, number, base)
  }
}

function inputChunks(
  io: CliIo,
  file: string | undefined,
  signal: AbortSignal,
): AsyncIterable<Buffer> {
  const isInput = file === undefined || file === '-'
  const stream = isInput ? io.input.stream : createReadStream(file)
  return bytesOf(stream, isInput ? 'standard input' : file, signal)
}

/** Ends with the signal too: nobody types on. */
async function* bytesOf(
  stream: Readable,
  name: string,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const end = (): void => void stream.destroy()
  signal.addEventListener('abort', end)
  try {
    for await (const chunk of stream)
      yield typeof chunk === 'string' ? Buffer.from(chunk) : (chunk as Buffer)
  } catch (cause) {
    if (signal.aborted) return
    throw new CliError(CliErrorCode.FILE, `${name}: ${(cause as Error).message}`, { cause })
  } finally {
    signal.removeEventListener('abort', end)
  }
}

async function wholeInput(chunks: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = []
  let size = 0
  for await (const chunk of chunks) {
    size += chunk.length
    if (size > INPUT_MAX_BYTES) throw tooLong('the body')
    parts.push(chunk)
  }
  return Buffer.concat(parts)
}

const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d

/** Lines without their line break; what follows the last one is a line too, unless it is empty. */
async function* lines(chunks: AsyncIterable<Buffer> | Iterable<Buffer>): AsyncGenerator<Buffer> {
  let rest: Buffer[] = []
  let restSize = 0
  for await (const chunk of chunks) {
    let place = 0
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, place)) {
      yield withoutReturn(Buffer.concat([...rest, chunk.subarray(place, end)]))
      rest = []
      restSize = 0
      place = end + 1
    }
    rest.push(chunk.subarray(place))
    restSize += chunk.length - place
    if (restSize > INPUT_MAX_BYTES) throw tooLong('a line')
  }
  if (restSize > 0) yield withoutReturn(Buffer.concat(rest))
}

function withoutReturn(line: Buffer): Buffer {
  return line.at(-1) === CARRIAGE_RETURN ? line.subarray(0, -1) : line
}

function tooLong(what: string): CliError {
  return new CliError(CliErrorCode.INPUT_INVALID, `${what} is longer than ${INPUT_MAX_BYTES} bytes`)
}

/** What the flags say of every message. */
function sharedParts(flags: SendFlags): Omit<Outgoing, 'body'> {
  const properties: Record<string, string> = {}
  for (const text of flags.property) {
    const at = text.indexOf('=')
    if (at <= 0) throw usageError(`--property ${text}: must be name=value`)
    properties[text.slice(0, at)] = text.slice(at + 1)
  }
  return {
    keys: flags.key,
    properties,
    ...(flags.tag === undefined ? {} : { tag: flags.tag }),
    ...(flags.shardingKey === undefined ? {} : { shardingKey: flags.shardingKey }),
    ...(flags.delayLevel === undefined ? {} : { delayLevel: flags.delayLevel }),
    ...(flags.delay === undefined ? {} : { delayMs: readSpan('--delay', flags.delay) }),
  }
}

/** A line of JSON; what it does not say is as the flags say. */
export function readJsonLine(line: Buffer, number: number, base: Omit<Outgoing, 'body'>): Outgoing {
  const wrong = (reason: string): CliError =>
    new CliError(CliErrorCode.INPUT_INVALID, `line ${number}: ${reason}`, {
      hint: '`apogee send --help` lists the members of a line',
    })
  let value: unknown
  try {
    value = JSON.parse(line.toString('utf8'))
  } catch (error) {
    throw wrong(`no JSON: ${(error as Error).message}`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw wrong('no JSON object')
  const members = new JsonMembers(value as Record<string, unknown>, wrong)
  const tag = members.text('tag')
  const shardingKey = members.text('shardingKey')
  const delayLevel = members.number('delayLevel')
  const delayMs = members.number('delayMs')
  return {
    ...base,
    body: members.body(),
    keys: members.keys() ?? base.keys,
    properties: { ...base.properties, ...members.properties() },
    ...(tag === undefined ? {} : { tag }),
    ...(shardingKey === undefined ? {} : { shardingKey }),
    ...(delayLevel === undefined ? {} : { delayLevel }),
    ...(delayMs === undefined ? {} : { delayMs }),
  }
}

/** Reads members, and says which one is wrong. Null is as if it were not there. */
class JsonMembers {
  private readonly value: Record<string, unknown>
  private readonly wrong: (reason: string) => CliError

  constructor(value: Record<string, unknown>, wrong: (reason: string) => CliError) {
    this.value = value
    this.wrong = wrong
  }

  text(name: string): string | undefined {
    const value = this.value[name] ?? undefined
    if (value === undefined || typeof value === 'string') return value
    throw this.wrong(`${name} is no text`)
  }

  number(name: string): number | undefined {
    const value = this.value[name] ?? undefined
    if (value === undefined || typeof value === 'number') return value
    throw this.wrong(`${name} is no number`)
  }

  /** A text is the body itself; everything else is sent as JSON. */
  body(): Buffer {
    const base64 = this.text('bodyBase64')
    if (base64 !== undefined) return Buffer.from(base64, 'base64')
    const { body } = this.value
    if (body === undefined) throw this.wrong('neither body nor bodyBase64')
    return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  }

  keys(): string[] | undefined {
    const { keys, key } = this.value
    const value = keys ?? key ?? undefined
    if (value === undefined) return undefined
    if (typeof value === 'string') return value.split(' ').filter((one) => one !== '')
    if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value
    throw this.wrong('keys is neither a text nor a list of texts')
  }

  properties(): Record<string, string> {
    const value = this.value['properties'] ?? {}
    if (typeof value !== 'object' || Array.isArray(value))
      throw this.wrong('properties is no object')
    const properties: Record<string, string> = {}
    for (const [name, one] of Object.entries(value)) {
      if (typeof one === 'object' && one !== null)
        throw this.wrong(`property ${name} is no plain value`)
      properties[name] = String(one)
    }
    return properties
  }
}
