import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ApogeeError } from '@apogee/base'
import type { Disk } from '@apogee/env'
import { MemoryDisk, type Quiet, VirtualClock } from '@apogee/env/memory'
import { NodeClock, NodeDisk, NodeNet, NodeRandom } from '@apogee/env/node'
import type { ClusterStore } from './options.ts'
import { Activity } from './process/activity.ts'
import type { Machine } from './process/embedded-process.ts'

/** How long a step of an advance waits for what is under way, real ms: what takes longer waits for the outside. */
const SETTLE_MAX_MS = 250
/** A machine under load gets this many turns of its loop, however long they take. */
const SETTLE_TURNS = 500

/** Time as a cluster's nodes have it. */
export interface ClusterClock {
  /** Wall time of the nodes, ms since 1970. */
  now(): number
  /**
   * Lets so much time pass at once, with everything that falls due meanwhile in its order. Resolves when that is done:
   * a message whose delay is over can be pulled. Rejects with CLUSTER_TIME_REAL without `time: 'virtual'`.
   *
   * Virtual time is real time plus an offset, which this moves forward; it never stands still. Between two timers the
   * cluster finishes what it is doing, disk and its own connections included. Clients outside are silent for the whole
   * advance.
   */
  advance(durationMs: number): Promise<void>
}

/** The machine that a cluster believes to run on: clock, network and disks, all of this process. */
export class ClusterMachine implements Machine {
  readonly activity: Activity = new Activity()
  readonly random: NodeRandom = new NodeRandom()
  readonly net: NodeNet = new NodeNet()
  readonly clock: NodeClock | VirtualClock
  /** Where the nodes' folders are. */
  readonly root: string
  private readonly real = new NodeClock()
  private readonly files: NodeDisk | null
  private readonly isTemporary: boolean

  constructor(store: ClusterStore, time: 'real' | 'virtual') {
    this.clock = time === 'virtual' ? new VirtualClock(this.real) : this.real
    this.isTemporary = store === 'temporary'
    this.files = store === 'memory' ? null : new NodeDisk()
    if (typeof store === 'object') this.root = store.folder
    else this.root = this.isTemporary ? mkdtempSync(join(tmpdir(), 'apogee-cluster-')) : '/cluster'
  }

  /** A disk for one node. */
  disk(): Disk {
    return this.files ?? new MemoryDisk({ clock: this.clock })
  }

  clusterClock(): ClusterClock {
    const { clock } = this
    return {
      now: () => clock.wallMs(),
      advance: async (durationMs) => {
        if (!(clock instanceof VirtualClock)) {
          throw new ApogeeError('CLUSTER_TIME_REAL', "advance() needs time: 'virtual'")
        }
        await clock.advance(durationMs, this.quiet)
      },
    }
  }

  /** Nothing is left of it. */
  async close(): Promise<void> {
    if (this.clock instanceof VirtualClock) this.clock.stop()
    await this.files?.close()
    if (this.isTemporary) rmSync(this.root, { recursive: true, force: true })
  }

  private readonly quiet: Quiet = {
    isQuiet: () => this.activity.isQuiet,
    settle: async () => {
      const endMs = performance.now() + SETTLE_MAX_MS
      for (let turns = 1; turns < SETTLE_TURNS || performance.now() < endMs; turns++) {
        await new Promise<void>((resolve) => this.real.soon(resolve))
        if (this.activity.isQuiet) return
      }
      this.activity.forgetWires()
    },
  }
}
