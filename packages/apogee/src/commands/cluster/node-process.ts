// One node as a process: its pid file, its log, its signals.
import { type ChildProcess, spawn } from 'node:child_process'
import {
  closeSync,
  fstatSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { ClusterError } from './cluster-error.ts'
import type { NodeFolder } from './node-folders.ts'
import { runningProcess } from './process-identity.ts'

/** `killed`: it ended without having been stopped; by a signal, or because something failed: its log tells. */
export type NodeState = 'running' | 'paused' | 'stopped' | 'killed'

interface PidFile {
  readonly pid: number
  /** Of `runningProcess`: the number alone may belong to somebody else by now. */
  readonly identity: string
}

const LOOK_MS = 20
/** A node drains for up to 30 s when it is told to end, and may need some more for its writes. */
const STOP_LIMIT_MS = 40_000
const KILL_LIMIT_MS = 10_000
const manifest = fileURLToPath(new URL('../../../package.json', import.meta.url))
const launcher = join(dirname(manifest), 'bin', 'apogee.js')

/** A node of a cluster's folder, whoever started it. */
export class NodeProcess {
  readonly node: NodeFolder
  private readonly pidPath: string
  private readonly portsPath: string
  /** Where the log of the process that was started here begins. */
  private logFrom = 0

  constructor(node: NodeFolder) {
    this.node = node
    this.pidPath = join(node.folder, 'pid')
    this.portsPath = join(node.folder, 'ports.json')
  }

  get name(): string {
    return this.node.name
  }

  get state(): NodeState {
    const file = this.pidFile()
    if (file === null) return 'stopped'
    const found = runningProcess(file.pid)
    if (found?.identity !== file.identity) return 'killed'
    return found.isPaused ? 'paused' : 'running'
  }

  /** Of the process that runs; null when there is none. */
  get pid(): number | null {
    const file = this.pidFile()
    if (file === null || runningProcess(file.pid)?.identity !== file.identity) return null
    return file.pid
  }

  /** Where it listens: what it was given for port 0, once it serves. */
  get address(): string {
    const { address, kind } = this.node
    const port = this.ports()?.[kind]
    return port === undefined ? address : address.replace(/:\d+$/, `:${port}`)
  }

  /** It has said that it serves, since it was started. */
  get isServing(): boolean {
    return this.ports() !== null
  }

  /**
   * Starts the program with the node's configuration; what it says goes into its log. `attached`: it ends when this process
   * does, however that ends. Throws CLUSTER_NODE_STATE when it runs.
   */
  spawn(attached: boolean): ChildProcess {
    if (this.pid !== null) {
      throw new ClusterError('CLUSTER_NODE_STATE', `${this.name} runs already`)
    }
    const { conf, folder, kind, log } = this.node
    rmSync(this.portsPath, { force: true })
    const args = [
      launcher,
      kind,
      '-c',
      conf,
      '--log-format',
      'json',
      '--ports-file',
      this.portsPath,
    ]
    const output = openSync(log, 'a')
    this.logFrom = fstatSync(output).size
    try {
      const child = spawn(process.execPath, args, {
        cwd: folder,
        // A session of its own: Ctrl-C is for the command, which ends its nodes one after the other.
        detached: true,
        env: environment(),
        stdio: attached ? ['ignore', output, output, 'ipc'] : ['ignore', output, output],
      })
      child.unref()
      child.channel?.unref()
      this.keepPid(child)
      return child
    } finally {
      closeSync(output)
    }
  }

  /** Resolves when it has ended: in order, within 40 s, or by force then. What does not run is left as it is. */
  async stop(): Promise<void> {
    const { pid, state } = this
    if (pid !== null) {
      if (state === 'paused') signal(pid, 'SIGCONT')
      signal(pid, 'SIGTERM')
      if (!(await this.gone(pid, STOP_LIMIT_MS))) {
        signal(pid, 'SIGKILL')
        await this.gone(pid, KILL_LIMIT_MS)
      }
    }
    rmSync(this.pidPath, { force: true })
  }

  /** SIGKILL: resolves when the process is gone. Throws CLUSTER_NODE_STATE when it does not run. */
  async kill(): Promise<void> {
    const pid = this.needPid()
    signal(pid, 'SIGKILL')
    if (await this.gone(pid, KILL_LIMIT_MS)) return
    throw new ClusterError('CLUSTER_NODE_STATE', `${this.name} (process ${pid}) does not end`)
  }

  /** SIGSTOP or SIGCONT. Throws CLUSTER_NODE_STATE when it does not run. */
  pause(isPaused: boolean): void {
    signal(this.needPid(), isPaused ? 'SIGSTOP' : 'SIGCONT')
  }

  /** The last thing that went wrong, by the log of the process started here; else the log's last line. */
  lastWords(): string {
    const text = readFileSync(this.node.log).subarray(this.logFrom).toString().trimEnd()
    const lines = text.split('\n').slice(-LAST_LINES)
    const wrong = lines.findLast((line) => /^\{"level":(?:50|60),|^apogee: /.test(line))
    return messageOf(wrong ?? lines.at(-1) ?? '')
  }

  private needPid(): number {
    const { pid } = this
    if (pid !== null) return pid
    throw new ClusterError('CLUSTER_NODE_STATE', `${this.name} does not run`)
  }

  private keepPid({ pid }: ChildProcess): void {
    const identity = pid === undefined ? undefined : runningProcess(pid)?.identity
    // One that is gone already is found by who waits for it.
    const file = { pid: pid ?? 0, identity: identity ?? '' }
    const temporary = `${this.pidPath}.${process.pid}.tmp`
    writeFileSync(temporary, `${JSON.stringify(file)}\n`)
    renameSync(temporary, this.pidPath)
  }

  private pidFile(): PidFile | null {
    const file = readJson(this.pidPath) as Partial<PidFile> | null
    if (file === null) return null
    return { pid: Number(file.pid), identity: String(file.identity) }
  }

  private ports(): Readonly<Record<string, number>> | null {
    return readJson(this.portsPath) as Record<string, number> | null
  }

  private async gone(pid: number, limitMs: number): Promise<boolean> {
    const endMs = performance.now() + limitMs
    while (this.pid === pid) {
      if (performance.now() > endMs) return false
      await sleep(LOOK_MS)
    }
    return true
  }
}

const LAST_LINES = 200

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as unknown
  } catch {
    // There is none, or what is there says nothing.
    return null
  }
}

interface LoggedLine {
  readonly code?: string
  readonly msg?: string
  readonly err?: { readonly message?: string }
}

function messageOf(line: string): string {
  try {
    const { code, err, msg } = JSON.parse(line) as LoggedLine
    const text = msg ?? err?.message ?? line
    return typeof code === 'string' ? `${text} [${code}]` : text
  } catch {
    return line
  }
}

/** Variables that would override every node's configuration are not theirs. */
function environment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => name !== 'NAMESRV_ADDR' && !name.startsWith('ROCKETMQ_'),
    ),
  )
}

/** To a process that has just been looked at; that it ended meanwhile is no error. */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
