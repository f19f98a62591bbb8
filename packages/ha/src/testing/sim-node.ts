import type { Env } from '@apogee/env'
import type { SimHost } from '@apogee/env/sim'
import type { LogReplication } from '@apogee/store'
import type { HaMaster } from '../ha-master.ts'
import type { HaSlave } from '../ha-slave.ts'
import { demand } from './history-error.ts'
import { type Held, holdsSame, type NodeLog } from './node-log.ts'
import { TrackedEnv } from './tracked-env.ts'

/** A machine of the pair or trio, with its log, and the process that runs on it at the moment. */
export class SimNode {
  /** 0 is the master. */
  readonly index: number
  readonly host: SimHost
  readonly log: NodeLog
  /** SYNC_FLUSH. */
  readonly sync: boolean
  /** Of the process that runs: what its store gets, and what its replication gets. */
  env: Env | null = null
  tracked: TrackedEnv | null = null
  master: HaMaster | null = null
  slave: HaSlave | null = null
  /** Rises whenever the log is opened or lost: what was true of another life says nothing about this one. */
  life = 0
  isPaused = false
  /** How far it was compared with the master's log, in these two lives. */
  private comparedTo = 0
  private comparedLife = -1
  private image: { key: string; held: Held } | null = null

  constructor(index: number, host: SimHost, log: NodeLog, sync: boolean) {
    this.index = index
    this.host = host
    this.log = log
    this.sync = sync
  }

  get name(): string {
    return this.index === 0 ? 'master' : `slave ${this.index}`
  }

  get isUp(): boolean {
    return this.env !== null
  }

  /** The replication runs: neither dead nor between two stores. */
  get isServing(): boolean {
    return this.master !== null || this.slave !== null
  }

  get replication(): LogReplication {
    return this.log.replication
  }

  /** A process starts and opens the log. */
  boot(): void {
    this.env = this.host.boot()
    this.open()
  }

  /** Opens the log in the process that runs. */
  open(): void {
    this.life++
    this.forget()
    this.tracked = new TrackedEnv(this.env!)
    this.log.open(this.env!)
  }

  /** The process is killed, or the machine loses power. */
  crash(power: boolean): void {
    // A sector that is garbled while it is written again takes what was synced in it along: the store's own tests' matter.
    if (power) this.host.cutPower({ damage: 0 })
    else this.host.kill()
    this.life++
    this.forget()
    this.env = this.tracked = null
    this.master = this.slave = null
    this.isPaused = false
    this.log.crashed(power)
  }

  /** Ends the replication; the store stays open. Timers and connections must not outlive it. */
  stopReplication(): void {
    const { tracked } = this
    this.master?.stop()
    this.slave?.stop()
    this.master = this.slave = null
    if (tracked === null) return
    const left = { timers: tracked.clock.timers, listeners: tracked.net.listeners }
    demand(left.timers === 0 && left.listeners === 0, `${this.name} leaves after its stop`, left)
    const open = tracked.net.sockets().length
    demand(open === 0, `${this.name} leaves connections after its stop`, open)
  }

  /** What this node vouches for: what a kill, or under SYNC_FLUSH a power cut, at this moment would leave. */
  held(): Held {
    if (!this.log.isOpen) return this.log.held(this.sync)
    const { written, flushed, minOffset } = this.replication
    const key = `${this.life} ${minOffset} ${this.sync ? flushed : written}`
    if (this.image?.key !== key) this.image = { key, held: this.log.held(this.sync) }
    return this.image.held
  }

  /** Whether a connection of this slave's process ends in the process that `master` is now: it may be an older one's. */
  isConnectedTo(master: SimNode): boolean {
    if (this.tracked === null || master.tracked === null) return false
    const ports = this.tracked.net.sockets().map(({ localPort }) => localPort)
    return master.tracked.net
      .sockets()
      .some((it) => it.remoteAddress === this.host.address && ports.includes(it.remotePort))
  }

  /** Compares what was not yet compared with `master`'s log; the two must agree. */
  compareWith(master: SimNode): void {
    if (this.comparedLife !== master.life) this.comparedTo = 0
    this.comparedLife = master.life
    const both = Math.min(this.replication.written, master.replication.written)
    if (both <= this.comparedTo) return
    const [mine, theirs] = [this.log.held(false), master.log.held(false)]
    const end = Math.min(mine.end, theirs.end)
    if (end <= this.comparedTo) return
    const from = Math.max(this.comparedTo, mine.start, theirs.start)
    if (from < end) {
      const isSame = mine.bytes(from, end).equals(theirs.bytes(from, end))
      demand(isSame, `${this.name} holds other bytes than the master between`, from, end)
    }
    this.comparedTo = end
  }

  /** Whether all of it is the same as `master`'s, to the last byte. */
  isEqualTo(master: SimNode): boolean {
    const [mine, theirs] = [this.log.held(false), master.log.held(false)]
    return mine.end === theirs.end && holdsSame(mine, theirs, mine.end)
  }

  private forget(): void {
    this.comparedLife = -1
    this.image = null
  }
}
