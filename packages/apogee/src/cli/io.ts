// What a command sees of the process: three streams, the environment and the time. Tests give it others.
import type { Readable, Writable } from 'node:stream'
import { isatty } from 'node:tty'
import { type InspectColor, styleText } from 'node:util'

export interface Output {
  readonly isTerminal: boolean
  /** Width of the terminal; 80 where there is none. */
  columns(): number
  /** Writes, and waits when the reader is slow. Does nothing once the reader is gone. */
  write(text: string | Uint8Array): Promise<void>
  /** Text in a style, where this output shows styles. */
  style(format: InspectColor | readonly InspectColor[], text: string): string
  /** Aborted when the reader has gone away (`| head`). */
  readonly closed: AbortSignal
}

export interface Input {
  readonly isTerminal: boolean
  /** Bytes until the end. */
  readonly stream: Readable
}

export interface CliIo {
  readonly out: Output
  readonly err: Output
  readonly input: Input
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Milliseconds since 1970. */
  now(): number
  /** Listens for SIGINT and SIGTERM until the returned function is called. */
  onSignal(listener: (signal: 'SIGINT' | 'SIGTERM') => void): () => void
}

export const DEFAULT_COLUMNS = 80

/** FORCE_COLOR wins over NO_COLOR, both over what the output is; as Node itself decides. */
export function usesColor(environment: CliIo['environment'], isTerminal: boolean): boolean {
  const forced = environment['FORCE_COLOR']
  if (forced !== undefined) return forced !== '0' && forced !== 'false'
  if ((environment['NO_COLOR'] ?? '') !== '') return false
  return isTerminal && environment['TERM'] !== 'dumb'
}

/** An output on a stream. A reader that goes away closes it quietly; every other failure of the stream is thrown. */
export function streamOutput(
  stream: Writable & { isTTY?: boolean; columns?: number },
  environment: CliIo['environment'],
): Output {
  const isTerminal = stream.isTTY === true
  const hasColor = usesColor(environment, isTerminal)
  const gone = new AbortController()
  let failure: Error | null = null
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') failure = error
    gone.abort()
  })
  return {
    isTerminal,
    columns: () => stream.columns ?? DEFAULT_COLUMNS,
    closed: gone.signal,
    style: (format, text) =>
      hasColor ? styleText(format as InspectColor, text, { validateStream: false }) : text,
    write: async (text) => {
      if (failure !== null) throw failure
      if (gone.signal.aborted || stream.write(text)) return
      await drained(stream, gone.signal)
    },
  }
}

function drained(stream: Writable, gone: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off('drain', done)
      gone.removeEventListener('abort', done)
      resolve()
    }
    stream.once('drain', done)
    gone.addEventListener('abort', done)
    if (gone.aborted) done()
  })
}

/** The streams of this process. */
export function processIo(): CliIo {
  const environment = process.env
  return {
    out: streamOutput(process.stdout, environment),
    err: streamOutput(process.stderr, environment),
    input: {
      isTerminal: isatty(0),
      // Only who reads it may open it: an open input keeps the process alive.
      get stream() {
        return process.stdin
      },
    },
    environment,
    now: () => Date.now(),
    onSignal: (listener) => {
      const interrupt = (): void => listener('SIGINT')
      const terminate = (): void => listener('SIGTERM')
      process.on('SIGINT', interrupt)
      process.on('SIGTERM', terminate)
      return () => {
        process.off('SIGINT', interrupt)
        process.off('SIGTERM', terminate)
      }
    },
  }
}
