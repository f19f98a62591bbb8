import { Prng } from '@apogee/base'
import type { Env } from '../ports.ts'
import { SimClock } from './clock.ts'
import { type CrashChoice, powerCut, processKill } from './crash.ts'
import { SimDisk, type SimDiskOptions } from './disk.ts'
import { HostClock } from './host-clock.ts'
import { SimNetwork, type SimNetworkOptions } from './network.ts'

export interface SimWorldOptions {
  network?: Omit<SimNetworkOptions, 'clock' | 'prng'>
  disk?: Omit<SimDiskOptions, 'clock' | 'prng'>
}

/** One seed, one clock, one network, and hosts on it: a cluster in one thread. */
export class SimWorld {
  readonly clock: SimClock = new SimClock()
  readonly prng: Prng
  readonly network: SimNetwork
  private readonly options: SimWorldOptions
  private readonly hosts = new Map<string, SimHost>()

  constructor(seed: number, options: SimWorldOptions = {}) {
    this.options = options
    this.prng = new Prng(seed)
    const prng = this.prng.fork()
    this.network = new SimNetwork({ ...options.network, clock: this.clock, prng })
  }

  /** The host with this address, made at the first call. */
  host(address: string): SimHost {
    let host = this.hosts.get(address)
    if (host === undefined) {
      host = new SimHost(this, address, this.options.disk ?? {})
      this.hosts.set(address, host)
    }
    return host
  }
}

/** A machine with a disk, on which one process at a time runs. */
export class SimHost {
  readonly address: string
  private readonly world: SimWorld
  private readonly prng: Prng
  private current: SimDisk
  private clock: HostClock | null = null
  private wallSkewMs = 0

  constructor(world: SimWorld, address: string, disk: Omit<SimDiskOptions, 'clock' | 'prng'>) {
    this.world = world
    this.address = address
    this.prng = world.prng.fork()
    this.current = new SimDisk({ ...disk, clock: world.clock, prng: this.prng.fork() })
  }

  /** The disk as the process that runs has it, or the next one will. Each boot and crash makes it anew, without faults. */
  get disk(): SimDisk {
    return this.current
  }

  get isRunning(): boolean {
    return this.clock !== null
  }

  /** Starts a process: what it gets to see of the world. One that still runs is killed first. */
  boot(): Env {
    if (this.clock !== null) this.kill()
    const clock = new HostClock(this.world.clock, { wallSkewMs: this.wallSkewMs })
    this.clock = clock
    // The disk's completions come to the process, so they stop and pause with it.
    this.current = this.current.crash(processKill(this.prng.fork()), clock)
    const net = this.world.network.host(this.address, clock)
    return { clock, random: this.prng.fork(), disk: this.current, net }
  }

  /** kill -9. */
  kill(): void {
    this.stop(processKill(this.prng.fork()), 'reset')
  }

  /** The machine loses power: the disk keeps what a power cut may leave. */
  cutPower(fixed: Partial<CrashChoice> = {}): void {
    this.stop(powerCut(this.prng.fork(), fixed), 'silent')
  }

  /** SIGSTOP: what falls due waits for `resume`; the kernel goes on taking bytes and connections. */
  pause(): void {
    this.clock?.pause()
  }

  resume(): void {
    this.clock?.resume()
  }

  /** Sets the wall clock of this host off by so much more, now and after a restart. */
  jumpWall(byMs: number): void {
    this.wallSkewMs += byMs
    this.clock?.jumpWall(byMs)
  }

  /** Puts `disk` in the place of the one this host has: to start from a prepared or a foreign store. */
  replaceDisk(disk: SimDisk): void {
    this.current.powerOff()
    this.current = disk
  }

  private stop(choice: CrashChoice, how: 'reset' | 'silent'): void {
    this.clock?.stop()
    this.clock = null
    this.world.network.stopHost(this.address, how)
    const before = this.current
    this.current = before.crash(choice, this.world.clock)
    before.powerOff()
  }
}

export interface SimEnv extends Env {
  clock: SimClock
  disk: SimDisk
  network: SimNetwork
}

/** A world for one process, where nothing crashes unless the test does it: what most unit tests want. */
export function simEnv(seed: number, options: SimWorldOptions = {}): SimEnv {
  const prng = new Prng(seed)
  const clock = new SimClock()
  const network = new SimNetwork({ ...options.network, clock, prng: prng.fork() })
  const disk = new SimDisk({ ...options.disk, clock, prng: prng.fork() })
  return { clock, random: prng.fork(), disk, net: network.host('10.0.0.1'), network }
}
