import type { Clock, Disk, Env, Net, Random } from '@apogee/env'
import type { Activity } from './activity.ts'
import { ProcessClock } from './process-clock.ts'
import { ProcessDisk } from './process-disk.ts'
import { ProcessGate } from './process-gate.ts'
import { ProcessNet } from './process-net.ts'

/** What the processes of a cluster share: the machine. */
export interface Machine {
  readonly clock: Clock
  readonly random: Random
  readonly net: Net
  readonly activity: Activity
}

/**
 * What a process is to its machine, inside this one: the ports of @apogee/env that can be cut off. Killed, its timers,
 * sockets, files and locks are gone, nothing is flushed and no code of it runs again; what it had written stays.
 */
export class EmbeddedProcess {
  readonly env: Env
  private readonly gate = new ProcessGate()
  private readonly clock: ProcessClock
  private readonly disk: ProcessDisk
  private readonly net: ProcessNet
  private readonly machine: Machine
  private killed: Promise<void> | null = null
  private tellEnded: () => void = () => {}
  /** Resolves when it is killed. */
  readonly ended: Promise<void> = new Promise((resolve) => {
    this.tellEnded = resolve
  })

  constructor(machine: Machine, disk: Disk, ports: number[]) {
    this.machine = machine
    const { activity, clock, net, random } = machine
    this.clock = new ProcessClock(clock, this.gate, activity)
    this.disk = new ProcessDisk(disk, this.gate, activity)
    this.net = new ProcessNet(net, this.gate, activity, ports)
    this.env = { clock: this.clock, random, disk: this.disk, net: this.net }
  }

  get isPaused(): boolean {
    return this.gate.isHeld
  }

  /** Closes the connections that the process has accepted. Returns how many. */
  cutConnections(): number {
    return this.net.cutAccepted()
  }

  /** SIGSTOP: nothing happens to the process; the kernel goes on taking connections and bytes for it. */
  pause(): void {
    this.gate.hold()
    this.net.hold()
  }

  /** SIGCONT: resolves when everything that waited has happened. */
  async resume(): Promise<void> {
    if (!this.gate.isHeld) return
    await this.gate.release(this.machine.clock)
    this.net.unhold()
  }

  /** SIGKILL: resolves when ports, files and locks are free for the next process. */
  kill(): Promise<void> {
    this.killed ??= this.end()
    return this.killed
  }

  private async end(): Promise<void> {
    this.gate.shut()
    this.tellEnded()
    this.clock.cancelAll()
    const netFree = this.net.takeBack()
    // What runs on in this turn may still call the disk, as the last instructions of a process do.
    await new Promise<void>((resolve) => this.machine.clock.soon(resolve))
    await Promise.all([netFree, this.disk.takeBack()])
  }
}
