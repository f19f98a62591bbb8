import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Ports } from '../process/ports-file.ts'

const bins = fileURLToPath(new URL('../../bin', import.meta.url))
/** A loaded machine starts slowly; what takes longer hangs. */
const START_LIMIT_MS = 20_000

export type LogLine = Record<string, unknown>

/** A folder that is gone when the test is over. */
export function testFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'apogee-test-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** One run of the program. Its JSON log lines are kept; everything else it says is in `text`. */
export class ApogeeProcess {
  readonly child: ChildProcess
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>
  readonly log: LogLine[] = []
  text = ''
  ports: Ports = {}
  private readonly watchers = new Set<() => void>()
  private isOver = false
  private rest = ''

  constructor(args: readonly string[], options: { node?: string; bin?: string } = {}) {
    const bin = join(bins, options.bin ?? 'apogee.js')
    this.child = spawn(options.node ?? process.execPath, [bin, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => this.read(text))
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.text += text
    })
    this.ended = new Promise((resolve) => {
      this.child.on('close', (code, signal) => {
        this.isOver = true
        resolve(code ?? signal ?? 1)
        for (const watcher of this.watchers) watcher()
      })
    })
  }

  /** A server with free ports, once it has said that it serves. It is killed when the test is over. */
  static async serve(
    t: TestContext,
    args: readonly string[],
    options: { node?: string } = {},
  ): Promise<ApogeeProcess> {
    const portsFile = join(testFolder(t), 'ports.json')
    const common = ['--http-port', '0', '--log-format', 'json', '--ports-file', portsFile]
    const run = new ApogeeProcess([...args, ...common], options)
    t.after(async () => {
      run.child.kill('SIGKILL')
      await run.ended
    })
    await run.event('boot_success')
    run.ports = JSON.parse(readFileSync(portsFile, 'utf8')) as Ports
    return run
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal)
  }

  /** The `count`-th log line of this event, when it has come. */
  event(name: string, count = 1): Promise<LogLine> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        const found = this.log.filter((line) => line['event'] === name)[count - 1]
        if (found === undefined && !this.isOver) return
        clearTimeout(limit)
        this.watchers.delete(settle)
        if (found !== undefined) resolve(found)
        else reject(new Error(`ended without ${name}: ${this.everything()}`))
      }
      const limit = setTimeout(() => {
        this.watchers.delete(settle)
        reject(new Error(`no ${name} within ${START_LIMIT_MS} ms: ${this.everything()}`))
      }, START_LIMIT_MS)
      this.watchers.add(settle)
      settle()
    })
  }

  events(name: string): LogLine[] {
    return this.log.filter((line) => line['event'] === name)
  }

  everything(): string {
    return `${this.log.map((line) => JSON.stringify(line)).join('\n')}\n${this.text}`
  }

  private read(text: string): void {
    const lines = (this.rest + text).split('\n')
    this.rest = lines.pop() ?? ''
    for (const line of lines) {
      if (line.startsWith('{"level"')) this.log.push(JSON.parse(line) as LogLine)
      else this.text += `${line}\n`
    }
    for (const watcher of this.watchers) watcher()
  }
}

/** Runs to its end; `bin` is the launcher or one of those named after RocketMQ's. */
export async function runToEnd(
  args: readonly string[],
  bin = 'apogee.js',
): Promise<{ code: number | NodeJS.Signals; text: string; log: LogLine[] }> {
  const run = new ApogeeProcess(args, { bin })
  const code = await run.ended
  return { code, text: run.text, log: run.log }
}
