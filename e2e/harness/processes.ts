// Child processes of the end-to-end tests: always bounded in time, always ended by process id, also when a test fails.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { createWriteStream, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'

export interface ProcessOptions {
  name: string
  command: string
  args: readonly string[]
  cwd?: string
  env?: Readonly<Record<string, string>>
  /** Both streams are appended here. */
  logFile: string
}

export interface CommandResult {
  code: number
  stdout: string
  stderr: string
}

interface Exit {
  code: number | null
  signal: NodeJS.Signals | null
}

const PIPES_CLOSE_MS = 3000

const live = new Set<RunningProcess>()
const folders = new Set<string>()
let cleanupInstalled = false

/** Ends what is still running when this process ends in any way but SIGKILL. */
function installCleanup(): void {
  if (cleanupInstalled) return
  cleanupInstalled = true
  process.on('exit', () => {
    for (const running of live) running.kill()
    if (process.env['E2E_KEEP'] === undefined) {
      for (const folder of folders) rmSync(folder, { recursive: true, force: true })
    }
  })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
}

/** A started process. Lines of its standard output are kept (up to a limit) and can be waited for. */
export class RunningProcess {
  readonly name: string
  readonly logFile: string
  readonly exited: Promise<Exit>
  readonly #child: ChildProcessWithoutNullStreams
  readonly #lines: string[] = []
  readonly #watchers = new Set<(line: string) => void>()
  #exit: Exit | null = null

  static readonly keptLinesMax = 10_000

  constructor(options: ProcessOptions) {
    installCleanup()
    this.name = options.name
    this.logFile = options.logFile
    mkdirSync(dirname(options.logFile), { recursive: true })
    const log = createWriteStream(options.logFile, { flags: 'a' })
    const env = { ...process.env, ...options.env }
    // A test runner's own settings must not leak into what it starts.
    delete env['NODE_TEST_CONTEXT']
    this.#child = spawn(options.command, options.args, {
      env,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    })
    live.add(this)
    this.#child.stderr.pipe(log, { end: false })
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      log.write(`${line}\n`)
      if (this.#lines.length < RunningProcess.keptLinesMax) this.#lines.push(line)
      for (const watcher of this.#watchers) watcher(line)
    })
    this.#child.stdin.on('error', () => {}) // A dead child is reported through `exited`.
    this.exited = new Promise((resolve) => {
      const done = (exit: Exit): void => {
        if (this.#exit !== null) return
        this.#exit = exit
        live.delete(this)
        log.end()
        resolve(exit)
      }
      this.#child.on('error', (error) => {
        log.write(`${String(error)}\n`)
        done({ code: 127, signal: null })
      })
      this.#child.on('close', (code, signal) => done({ code, signal }))
      // A grandchild can keep the pipes open for ever.
      this.#child.on('exit', (code, signal) => {
        setTimeout(() => done({ code, signal }), PIPES_CLOSE_MS)
      })
    })
  }

  get pid(): number {
    return this.#child.pid ?? -1
  }

  get running(): boolean {
    return this.#exit === null
  }

  write(text: string): void {
    this.#child.stdin.write(text)
  }

  onLine(watcher: (line: string) => void): () => void {
    this.#watchers.add(watcher)
    return () => this.#watchers.delete(watcher)
  }

  /** Resolves with the first line, past or future, that matches. Rejects when time runs out or the process ends. */
  async waitForLine(pattern: RegExp, timeoutMs: number): Promise<string> {
    const past = this.#lines.find((line) => pattern.test(line))
    if (past !== undefined) return past
    return await new Promise((resolve, reject) => {
      const finish = (action: () => void): void => {
        clearTimeout(timer)
        remove()
        action()
      }
      const fail = (why: string): void =>
        finish(() =>
          reject(new Error(`${this.name}: ${why} before ${pattern}; see ${this.logFile}`)),
        )
      const timer = setTimeout(() => fail(`${timeoutMs} ms passed`), timeoutMs)
      const remove = this.onLine((line) => {
        if (pattern.test(line)) finish(() => resolve(line))
      })
      void this.exited.then((exit) => fail(`ended with ${exit.code ?? exit.signal}`))
    })
  }

  /** SIGKILL, by process id. */
  kill(): void {
    this.#child.kill('SIGKILL')
  }

  /** SIGTERM, then SIGKILL when the process has not ended in time. Says how it ended. */
  async stop(timeoutMs = 20_000): Promise<Exit> {
    if (this.#exit !== null) return this.#exit
    this.#child.kill('SIGTERM')
    const timer = setTimeout(() => this.kill(), timeoutMs)
    const exit = await this.exited
    clearTimeout(timer)
    return exit
  }
}

/** Kills what this process started and has not ended, for tests that failed before they could end it. */
export async function endAllProcesses(): Promise<void> {
  const all = [...live]
  for (const running of all) running.kill()
  for (const running of all) await running.exited
}

export interface CommandOptions {
  command: string
  args: readonly string[]
  timeoutMs: number
  cwd?: string
  env?: Readonly<Record<string, string>>
}

/** Runs a command to its end. A time-out kills it and rejects; a non-zero exit does not reject. */
export async function runCommand(options: CommandOptions): Promise<CommandResult> {
  installCleanup()
  return await new Promise((resolve, reject) => {
    const child = spawn(options.command, options.args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    })
    const out: string[] = []
    const err: string[] = []
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      reject(new Error(`${options.command}: not done in ${options.timeoutMs} ms`))
    }, options.timeoutMs)
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk.toString()))
    child.on('error', (error) => {
      clearTimeout(timer)
      reject(new Error(`${options.command} could not be started: ${error.message}`))
    })
    child.on('close', (code) => {
      clearTimeout(timer)
      resolve({ code: code ?? -1, stdout: out.join(''), stderr: err.join('') })
    })
  })
}

/** As runCommand, but a non-zero exit rejects with what the command said. */
export async function mustRun(options: CommandOptions): Promise<string> {
  const result = await runCommand(options)
  if (result.code !== 0) {
    const said = `${result.stdout}\n${result.stderr}`.slice(-4000)
    throw new Error(`${options.command} ${options.args.join(' ')} exited ${result.code}\n${said}`)
  }
  return result.stdout
}

/** A folder that is removed when this process ends (unless E2E_KEEP is set). */
export function temporaryFolder(name: string): string {
  installCleanup()
  const folder = mkdtempSync(join(tmpdir(), `e2e-${name}-`))
  folders.add(folder)
  return folder
}

const handedOut = new Set<number>()

/** `count` adjacent free ports on every given host. A block is never handed out twice by one process. */
export async function freePorts(
  count: number,
  hosts: readonly string[] = ['0.0.0.0'],
): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt++) {
    // Below the range from which the kernel picks ports of outgoing connections.
    const first = 12_000 + Math.floor(Math.random() * 18_000)
    const ports = Array.from({ length: count }, (_, index) => first + index)
    if (ports.some((port) => handedOut.has(port))) continue
    const probes = ports.flatMap((port) => hosts.map((host) => isFree(port, host)))
    if ((await Promise.all(probes)).every(Boolean)) {
      for (const port of ports) handedOut.add(port)
      return first
    }
  }
  throw new Error(`no ${count} adjacent free ports found`)
}

async function isFree(port: number, host: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, host, () => server.close(() => resolve(true)))
  })
}
