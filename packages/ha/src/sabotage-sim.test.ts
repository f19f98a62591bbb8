// The checks of the simulated pair, checked: each of these is broken on purpose, and must be found.
import { match, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { writeInt32 } from '@apogee/base'
import {
  type LogReplication,
  REPLICA_GAP,
  REPLICA_OK,
  type ReplicaStatus,
  STORED,
  STORED_NO_SLAVE,
  STORED_SLAVE_TIMEOUT,
} from '@apogee/store'
import { ForwardingReplica, ForwardingReplication } from './testing/forwarding-replication.ts'
import type { Sabotage, WorldOptions } from './testing/ha-world.ts'
import { History, type HistoryOptions } from './testing/history.ts'
import { Breach } from './testing/history-error.ts'
import { type HistoryPlan, memoryShape, storeShape } from './testing/history-plan.ts'
import { MemoryNodeLog, makeMemoryLog } from './testing/memory-node-log.ts'
import type { SimNode } from './testing/sim-node.ts'
import { makeStoreLogs, SentMessages } from './testing/store-node-log.ts'

/** A pair of ours that waits for its slave. */
const PAIR: Partial<HistoryPlan> = { inSyncReplicas: 2, gapMax: 1 << 28, bytesPerSecondMax: 1e9 }

interface How extends Sabotage {
  seeds?: number
  plan?: Partial<HistoryPlan>
  makeLog?: WorldOptions['makeLog']
  shape?: HistoryOptions['shape']
}

/** Runs seeds until one fails, which must be soon, and for this reason. */
async function found(pattern: RegExp, how: How): Promise<void> {
  const { seeds = 100, plan = PAIR, makeLog = makeMemoryLog, shape = memoryShape } = how
  for (let seed = 1; seed <= seeds; seed++) {
    try {
      await new History({ seed, shape, makeLog, plan, sabotage: how }).run()
    } catch (error) {
      ok(error instanceof Breach, error as Error)
      match(error.message, pattern)
      return
    }
  }
  throw new Error(`nobody noticed in ${seeds} seeds`)
}

test('a slave that acknowledges before it has stored is found', async () => {
  class Early extends ForwardingReplication {
    override get stored(): number {
      return this.inner.appended
    }
  }
  await found(/replicated, but too few slaves hold it/, { slave: (log) => new Early(log) })
})

test('a slave under SYNC_FLUSH that acknowledges what is written only is found', async () => {
  class Early extends ForwardingReplication {
    override get stored(): number {
      return this.inner.written
    }
  }
  const slaves = [{ protocol: 'apogee', sync: true, fromLastFile: false }] as const
  const plan = { ...PAIR, slaves: [...slaves] }
  await found(/replicated, but too few slaves hold it/, { plan, slave: (log) => new Early(log) })
})

test('a master that confirms before its slaves do is found', async () => {
  class Early extends ForwardingReplication {
    override setReplicated(): void {
      super.setReplicated(this.written, true)
    }
  }
  await found(/replicated, but too few slaves hold it/, { master: (log) => new Early(log) })
})

test('a master that never says that replicas are there is found', async () => {
  class Shy extends ForwardingReplication {
    override setReplicated(offset: number): void {
      super.setReplicated(offset, false)
    }
  }
  const pattern = /though enough slaves are in step|not STORED though all is well/
  await found(pattern, { master: (log) => new Shy(log) })
})

/** Hands on the slave's bytes, spoilt. */
function spoiling(spoil: (offset: number, bytes: Buffer) => void): Sabotage['slave'] {
  class Spoiler extends ForwardingReplica {
    override append(offset: number, bytes: Buffer, verify: boolean): ReplicaStatus {
      const copy = Buffer.from(bytes)
      spoil(offset, copy)
      return super.append(offset, copy, verify)
    }
  }
  return (log) => new ForwardingReplication(log, new Spoiler(log.replica))
}

const OURS: Partial<HistoryPlan> = {
  ...PAIR,
  slaves: [{ protocol: 'apogee', sync: false, fromLastFile: false }],
}

test('one byte that differs in a slave is found', async () => {
  let count = 0
  const slave = spoiling((_offset, bytes) => {
    // In what fills a record, where no reader looks.
    if (++count % 7 === 0 && bytes.length > 80) bytes[60]! ^= 1
  })!
  await found(/holds other bytes|too few slaves hold|differs/, { plan: OURS, slave })
})

test('a record that another one has taken the place of is found', async () => {
  const slave = spoiling((_offset, bytes) => {
    if (bytes.length >= 40) writeInt32(bytes, 36, 1_000_000)
  })!
  await found(/holds other bytes|too few slaves hold/, { plan: OURS, slave })
})

test('a slave that skips what it was sent never comes to rest', async () => {
  class Skipper extends ForwardingReplica {
    private skipped = 0
    override get received(): number {
      return this.inner.received + this.skipped
    }
    override append(offset: number, bytes: Buffer, verify: boolean): ReplicaStatus {
      if (offset > this.inner.received) return REPLICA_OK
      if (offset > 500) this.skipped += bytes.length
      return this.skipped > 0 ? REPLICA_OK : super.append(offset, bytes, verify)
    }
  }
  const slave = (log: LogReplication) => new ForwardingReplication(log, new Skipper(log.replica))
  await found(/does not come to rest/, { plan: OURS, slave })
})

test('a slave that takes nothing never comes to rest', async () => {
  class Deaf extends ForwardingReplica {
    override append(): ReplicaStatus {
      return REPLICA_GAP
    }
  }
  const slave = (log: LogReplication) => new ForwardingReplication(log, new Deaf(log.replica))
  await found(/does not come to rest/, { plan: OURS, slave })
})

test('a slave that never says that it is full is found', async () => {
  class Greedy extends ForwardingReplica {
    override get full(): boolean {
      return false
    }
  }
  const plan = { ...OURS, pendingMax: 1500, windowBytes: 2000, frameBytes: 256 }
  const slave = (log: LogReplication) => new ForwardingReplication(log, new Greedy(log.replica))
  const started = ({ index, log }: SimNode): void => log.slow(index > 0 ? 100 : 1)
  await found(/takes too much/, { plan, slave, started })
})

test('a slave that is cut by a record too many is found', async () => {
  class Coarse extends ForwardingReplication {
    override async boundaryAtOrBelow(offset: number): Promise<number> {
      const right = await super.boundaryAtOrBelow(offset)
      return await super.boundaryAtOrBelow(Math.max(this.minOffset, right - 1))
    }
  }
  await found(/cut by a record/, { plan: OURS, slave: (log) => new Coarse(log), seeds: 1000 })
})

test('an acknowledgement that is too good, too bad, missing or given twice is found', async () => {
  const tooGood = (outcome: number): number[] => [outcome === STORED_NO_SLAVE ? STORED : outcome]
  await found(/STORED beyond what is replicated|too few/, { outcome: tooGood })
  const tooBad = (outcome: number): number[] => [outcome === STORED ? STORED_NO_SLAVE : outcome]
  await found(/NO_SLAVE though replicas are there/, { outcome: tooBad })
  const tooEarly = (outcome: number): number[] => [
    outcome === STORED ? STORED_SLAVE_TIMEOUT : outcome,
  ]
  await found(/SLAVE_TIMEOUT|nobody waits for/, { outcome: tooEarly })
  await found(/answered twice/, { outcome: (outcome) => [outcome, outcome] })
  await found(/not answered/, { outcome: () => [] })
})

test('a timer, a port and a connection that are left behind are found', async () => {
  await found(/leaves after its stop/, {
    started: ({ tracked }) => void tracked!.clock.after(1e7, () => {}),
  })
  const open = { host: '0.0.0.0', port: 999 }
  await found(/leaves after its stop/, {
    started: ({ tracked }) =>
      void tracked!.net.listen(
        open,
        () => {},
        () => {},
      ),
  })
  await found(/leaves connections after its stop/, {
    started: ({ tracked }) => void tracked!.net.connect({ ...HELD_UP, timeoutMs: 1e7 }),
  })
})

/** Nobody answers there. */
const HELD_UP = { host: '10.0.0.250', port: 1 }

test('a socket that takes without end is found', async () => {
  await found(/too much in a socket/, {
    started: ({ tracked }) => {
      const socket = tracked!.net.connect({ ...HELD_UP, timeoutMs: 1e7 })
      socket.write(Buffer.alloc(200_000))
    },
  })
})

/** Loses the end of its log whenever its process ends. */
class LossyLog extends MemoryNodeLog {
  override crashed(power: boolean): void {
    super.crashed(power)
    this.platter.settle(Math.max(this.platter.start, this.platter.written - 300))
  }
}

function lossy(isLossy: (node: number) => boolean): WorldOptions['makeLog'] {
  return (world, plan, node, prng) => {
    if (!isLossy(node)) return makeMemoryLog(world, plan, node, prng)
    const options = { sync: false, pendingMax: plan.pendingMax }
    return new LossyLog(plan.fileSize, options, prng)
  }
}

test('a master that loses what it acknowledged when it is killed is found', async () => {
  const plan = { ...PAIR, masterPowerCuts: false }
  await found(/the master lost/, { plan, makeLog: lossy((node) => node === 0) })
})

test('a slave that loses what it acknowledged when it is killed is found', async () => {
  const pattern = /STORED, and not on enough slaves|too few slaves hold|read back alone/
  await found(pattern, { plan: OURS, makeLog: lossy((node) => node > 0) })
})

/** Expects one message in every ten where it is not. */
class Misplaced extends SentMessages {
  constructor() {
    super()
    const set = this.byId.set.bind(this.byId)
    this.byId.set = (id, sent) =>
      set(id, id % 10 === 0 ? { ...sent, queueOffset: sent.queueOffset + 1 } : sent)
  }
}

test('a message that its queue does not have at its offset is found', async () => {
  const makeLog = makeStoreLogs(() => new Misplaced())
  await found(/read back alone/, { plan: OURS, makeLog, shape: storeShape })
})

test('a message with another body is found', async () => {
  class Altered extends SentMessages {
    constructor() {
      super()
      const set = this.byId.set.bind(this.byId)
      this.byId.set = (id, sent) => set(id, { ...sent, body: Buffer.from('another') })
    }
  }
  const makeLog = makeStoreLogs(() => new Altered())
  await found(/another body/, { plan: OURS, makeLog, shape: storeShape })
})
