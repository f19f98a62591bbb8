import { ApogeeError } from '@apogee/base'
import type { Disk, Env } from '@apogee/env'
import type { Logger } from '@apogee/remoting'
import { FaultNet, type FaultPlan } from './faults/fault-net.ts'
import { EmbeddedProcess, type Machine } from './process/embedded-process.ts'

/** A NameServer or broker of a cluster, as tests handle it. */
export interface ClusterNode {
  /** `broker-a`, `namesrv-1`. */
  readonly name: string
  /** host:port for clients. It is the same after a restart. */
  readonly address: string
  /** It was started, and neither killed nor stopped since. A paused one runs. */
  readonly isRunning: boolean
  readonly isPaused: boolean
  /**
   * As kill -9 does: connections break, nothing is flushed, timers end. What was written stays, in memory too. Resolves
   * when its ports are free.
   */
  kill(): Promise<void>
  /**
   * As SIGTERM does: leaves the NameServers, answers what is in flight within `graceMs` (default 5,000), closes the store.
   * Rejects with BROKER_STOP_INCOMPLETE when it has ended without everything being written.
   */
  stop(options?: { graceMs?: number }): Promise<void>
  /**
   * Starts it on the same ports with what its store holds; one that runs is stopped first. Resolves when it serves and,
   * as far as NameServers run, is registered. Rejects with the codes of the first start.
   */
  restart(): Promise<void>
  /** As SIGSTOP does: connections stay and are even accepted, but nothing is answered and no time-out of its own fires. */
  pause(): void
  /** As SIGCONT does. Resolves when what waited has happened. */
  resume(): Promise<void>
}

/** A server inside an embedded process. */
export interface Server {
  /** host:port. */
  readonly address: string
  stop(graceMs: number): Promise<void>
}

/** What a node is made of, apart from its server. */
export interface NodeDeps {
  readonly machine: Machine
  readonly disk: Disk
  readonly faults: FaultPlan
  readonly log: Logger
  /** Resolves when clients can find what this node serves. */
  readonly ready: () => Promise<void>
}

const STOP_GRACE_MS = 5000

/** One node and its processes, one after the other. */
export abstract class EmbeddedNode<S extends Server> implements ClusterNode {
  readonly name: string
  protected readonly deps: NodeDeps
  private readonly ports: number[] = []
  private process: EmbeddedProcess | null = null
  private running: S | null = null
  private lastAddress = ''
  private rebooting = false

  constructor(name: string, deps: NodeDeps) {
    this.name = name
    this.deps = deps
  }

  get address(): string {
    return this.lastAddress
  }

  get isRunning(): boolean {
    return this.running !== null
  }

  get isPaused(): boolean {
    return this.process?.isPaused === true
  }

  /** It has ended by itself and starts anew. */
  get isRebooting(): boolean {
    return this.rebooting
  }

  /** The server, while there is one. */
  get server(): S | null {
    return this.running
  }

  /** Rejects with CLUSTER_NODE_KILLED when it is killed meanwhile, and with what the server's start rejects with. */
  async start(): Promise<void> {
    const { disk, faults, machine } = this.deps
    const process = new EmbeddedProcess(machine, disk, this.ports)
    this.process = process
    const { env } = process
    const net = new FaultNet(env.net, this.name, faults, env.clock)
    void process.ended.then(() => net.close())
    try {
      const server = await Promise.race([this.boot({ ...env, net }), this.killedFirst(process)])
      this.running = server
      this.lastAddress = server.address
    } catch (error) {
      await process.kill()
      if (this.process === process) this.process = null
      throw error
    }
  }

  kill(): Promise<void> {
    this.running = null
    const process = this.process
    this.process = null
    return process?.kill() ?? Promise.resolve()
  }

  async stop({ graceMs = STOP_GRACE_MS }: { graceMs?: number } = {}): Promise<void> {
    const { process, running } = this
    if (running === null || process === null) return
    // A stopped process does not hear a signal to end.
    await process.resume()
    this.running = null
    try {
      await Promise.race([running.stop(graceMs), process.ended])
    } finally {
      // What is left of it are timers that have nothing to do any more.
      await process.kill()
      if (this.process === process) this.process = null
    }
  }

  async restart(): Promise<void> {
    await this.stop()
    await this.kill()
    await this.start()
    await this.deps.ready()
  }

  pause(): void {
    this.process?.pause()
  }

  async resume(): Promise<void> {
    await this.process?.resume()
  }

  /** A new process for one whose server has ended by itself and wants to be started again; nothing when it was killed. */
  protected async reboot(): Promise<void> {
    const { process } = this
    if (process === null) return
    this.running = null
    this.rebooting = true
    try {
      await process.kill()
      if (this.process !== process) return
      this.process = null
      await this.start()
    } catch (error) {
      // Killed again meanwhile, or it does not start any more: then it is down.
      this.deps.log.error({ event: 'reboot_failed', err: error })
    } finally {
      this.rebooting = false
    }
  }

  /** Closes the connections that it has accepted. Returns how many. */
  cutConnections(): number {
    return this.process?.cutConnections() ?? 0
  }

  /** Starts the server. */
  protected abstract boot(env: Env): Promise<S>

  private async killedFirst(process: EmbeddedProcess): Promise<never> {
    await process.ended
    throw new ApogeeError('CLUSTER_NODE_KILLED', `${this.name} was killed while it started`)
  }
}
