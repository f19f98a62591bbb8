// One NameServer and broker for a file of tests, and the program run against it as a user runs it.
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { startApogeeProcess } from '../harness/apogee.ts'
import { rootFolder } from '../harness/builds.ts'
import { temporaryFolder } from '../harness/processes.ts'

/** APOGEE_BIN tests another copy, for example an installed one. */
export const bin: string =
  process.env['APOGEE_BIN'] ?? join(rootFolder, 'packages/apogee/bin/apogee.js')
const RUN_LIMIT_MS = 60_000

export interface CliRun {
  readonly code: number | NodeJS.Signals
  readonly stdout: string
  readonly stderr: string
}

export interface CliTarget {
  readonly namesrvAddr: string
  /** What the program gets: no colours of the tester, contexts of its own. */
  readonly environment: Readonly<Record<string, string>>
  run(words: readonly string[], options?: RunOptions): Promise<CliRun>
  /** Started, with its output not read; for signals. */
  start(words: readonly string[], options?: RunOptions): Started
  stop(): Promise<void>
}

export interface RunOptions {
  readonly input?: string
  readonly environment?: Readonly<Record<string, string>>
  readonly bin?: string
}

export interface Started {
  readonly child: ChildProcess
  readonly ended: Promise<CliRun>
  /** Resolves when standard output has so many lines. */
  lines(count: number): Promise<void>
}

export async function startCliTarget(): Promise<CliTarget> {
  const folder = temporaryFolder('cli')
  const ports = ['--port', '0', '--namesrv-port', '0', '--http-port', '0']
  const { ports: bound, running } = await startApogeeProcess(
    'start',
    [...ports, '--store', join(folder, 'store'), '--set', 'enablePropertyFilter=true'],
    folder,
  )
  const namesrvAddr = `127.0.0.1:${bound.namesrv}`
  const environment = { NAMESRV_ADDR: namesrvAddr, XDG_CONFIG_HOME: join(folder, 'config') }
  const start = (words: readonly string[], options: RunOptions = {}): Started =>
    launch(words, { ...options, environment: { ...environment, ...options.environment } })
  return {
    namesrvAddr,
    environment,
    start,
    run: (words, options) => start(words, options).ended,
    stop: async () => {
      await running.stop()
    },
  }
}

/** Variables of the tester that would change what the program prints. */
const FOREIGN = [
  'NO_COLOR',
  'FORCE_COLOR',
  'NODE_TEST_CONTEXT',
  'APOGEE_CONTEXT',
  'APOGEE_YES',
  'NODE_OPTIONS',
]

function launch(words: readonly string[], options: RunOptions): Started {
  const env: NodeJS.ProcessEnv = { ...process.env, ...options.environment }
  for (const name of FOREIGN) if (options.environment?.[name] === undefined) delete env[name]
  const child = spawn(process.execPath, [options.bin ?? bin, ...words], { env, stdio: 'pipe' })
  const limit = setTimeout(() => child.kill('SIGKILL'), RUN_LIMIT_MS)
  let stdout = ''
  let stderr = ''
  const watchers = new Set<() => void>()
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    for (const watcher of watchers) watcher()
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  child.stdin.on('error', () => {}) // One that does not read its input is told by its exit code.
  child.stdin.end(options.input ?? '')
  const ended = new Promise<CliRun>((resolve) => {
    child.on('close', (code, signal) => {
      clearTimeout(limit)
      for (const watcher of watchers) watcher()
      resolve({ code: code ?? signal ?? 1, stdout, stderr })
    })
  })
  const lines = (count: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const isOver = child.exitCode !== null || child.signalCode !== null
        if (stdout.split('\n').length > count) resolve()
        else if (isOver) reject(new Error(`ended with ${child.exitCode}: ${stdout}${stderr}`))
      }
      watchers.add(look)
      look()
    })
  return { child, ended, lines }
}
