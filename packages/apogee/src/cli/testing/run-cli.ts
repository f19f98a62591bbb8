import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { styleText } from 'node:util'
import type { CliIo, Output } from '../io.ts'
import { usesColor } from '../io.ts'
import { runProgram } from '../program.ts'
import { Session } from '../session.ts'

export interface CliOptions {
  readonly environment?: Readonly<Record<string, string>>
  /** What is on standard input; without it, an input that has ended. */
  readonly input?: string
  readonly isTerminal?: boolean
  readonly columns?: number
  /** Told of every text that is written; may send signals through `cli`. */
  readonly onOutput?: (text: string, cli: RunningCli) => void
}

export interface CliResult {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

type Signal = 'SIGINT' | 'SIGTERM'

/** One run of the command line in this process: the streams are texts, signals come from the test. */
export class RunningCli {
  out = ''
  err = ''
  readonly forced: number[] = []
  readonly result: Promise<CliResult>
  private readonly listeners = new Set<(signal: Signal) => void>()
  private readonly readerGone = new AbortController()
  private readonly folder = mkdtempSync(join(tmpdir(), 'apogee-cli-'))

  constructor(words: readonly string[], options: CliOptions = {}) {
    const environment = { XDG_CONFIG_HOME: this.folder, ...options.environment }
    const session = new Session(this.io(environment, options), (code) => this.forced.push(code))
    this.result = runProgram(words, session)
      .then((code) => ({ code, out: this.out, err: this.err }))
      .finally(() => rmSync(this.folder, { recursive: true, force: true }))
  }

  signal(signal: Signal): void {
    for (const listener of this.listeners) listener(signal)
  }

  /** As `| head` does. */
  closeOutput(): void {
    this.readerGone.abort()
  }

  private io(environment: Readonly<Record<string, string>>, options: CliOptions): CliIo {
    const { columns = 80, input = '', isTerminal = false, onOutput } = options
    const output = (keep: (text: string) => void, closed: AbortSignal): Output => ({
      isTerminal,
      columns: () => columns,
      closed,
      style: (format, text) =>
        usesColor(environment, isTerminal)
          ? styleText(format as 'bold', text, { validateStream: false })
          : text,
      write: async (text) => {
        if (closed.aborted) return
        keep(String(text))
        onOutput?.(String(text), this)
      },
    })
    return {
      environment,
      input: { isTerminal, stream: Readable.from(input === '' ? [] : [Buffer.from(input)]) },
      now: () => Date.now(),
      out: output((text) => {
        this.out += text
      }, this.readerGone.signal),
      err: output((text) => {
        this.err += text
      }, new AbortController().signal),
      onSignal: (listener) => {
        this.listeners.add(listener)
        return () => this.listeners.delete(listener)
      },
    }
  }
}

/** Runs words to their end. */
export function runCli(words: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return new RunningCli(words, options).result
}
