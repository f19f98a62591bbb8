import type { Prng } from '@apogee/base'
import { HA_SLAVE_MAGIC } from '@apogee/protocol'
import type { HaProtocol } from '../ha-options.ts'

// What a seed stands for: a pair or trio with its options, and a list of operations as data, so that a failing one can be
// printed and made smaller.

export interface SlavePlan {
  protocol: HaProtocol
  sync: boolean
  fromLastFile: boolean
}

export interface HistoryPlan {
  masterSync: boolean
  slaves: SlavePlan[]
  inSyncReplicas: number
  sharedSecret: string
  housekeepingMs: number
  fileSize: number
  frameBytes: number
  apacheFrameBytes: number
  gapMax: number
  divergedTailMax: number
  bytesPerSecondMax: number
  pendingMax: number
  /** What the network carries at once, and takes from a writer before that has to wait. */
  fragmentMax: number
  windowBytes: number
  highWaterMark: number
  latencyMs: readonly [number, number]
  /** Whether the master's machine may lose power: Apache's protocol has no answer to a master that lost its tail. */
  masterPowerCuts: boolean
}

/** 0 is the master, 1 and 2 are slaves. */
export type NodeIndex = number
export type Way = 'up' | 'down'

export type Op =
  | { kind: 'append'; sizes: readonly number[]; waits: boolean }
  | { kind: 'steps'; count: number }
  | { kind: 'wait'; ms: number }
  | { kind: 'cut'; node: NodeIndex }
  /** `up`: what the slave sends does not arrive. */
  | { kind: 'block'; node: NodeIndex; way: Way; on: boolean }
  | { kind: 'delay'; node: NodeIndex; way: Way; ms: number }
  | { kind: 'pause'; node: NodeIndex; on: boolean }
  | { kind: 'kill'; node: NodeIndex; power: boolean }
  | { kind: 'boot'; node: NodeIndex }
  | { kind: 'restart'; node: NodeIndex }
  | { kind: 'slow'; node: NodeIndex; factor: number }
  | { kind: 'full'; node: NodeIndex; on: boolean }
  | { kind: 'retain' }
  | { kind: 'follow'; node: NodeIndex; on: boolean }
  | { kind: 'intrude'; fromInside: boolean; bytes: string }

export interface HistoryShape {
  ops: number
  /** Largest record, bytes. */
  recordMax: number
  /** Retention and full devices are the store's own business as well: how often, against one append. */
  hasIntruders: boolean
}

export const memoryShape: HistoryShape = { ops: 45, recordMax: 700, hasIntruders: true }
export const storeShape: HistoryShape = { ops: 70, recordMax: 1400, hasIntruders: true }

const pick = <T>(prng: Prng, values: readonly T[]): T => values[prng.below(values.length)]!

export function drawPlan(prng: Prng, shape: HistoryShape): HistoryPlan {
  const count = 1 + prng.below(2)
  const sharedSecret = prng.chance(0.5) ? 'a secret' : ''
  const isApache = sharedSecret === '' && prng.chance(0.3)
  const slaves: SlavePlan[] = []
  for (let i = 0; i < count; i++) {
    const protocol: HaProtocol = isApache && prng.chance(0.8) ? 'apache' : 'apogee'
    slaves.push({ protocol, sync: prng.chance(0.5), fromLastFile: prng.chance(0.08) })
  }
  const hasApache = slaves.some(({ protocol }) => protocol === 'apache')
  const fragmentMax = pick(prng, [40, 300, 3000, 65536])
  return {
    masterSync: prng.chance(0.5),
    slaves,
    inSyncReplicas: 1 + (prng.chance(0.2) ? 0 : 1 + prng.below(count)),
    sharedSecret,
    housekeepingMs: pick(prng, [160, 500]),
    fileSize: pick(prng, [2048, 4096]) + (shape.recordMax > 1000 ? 2048 : 0),
    frameBytes: pick(prng, [256, 1024, 4096, 65536]),
    apacheFrameBytes: pick(prng, [100, 512, 32768]),
    gapMax: prng.chance(0.15) ? 1500 : 1 << 28,
    divergedTailMax: prng.chance(0.1) ? 1000 : 1 << 30,
    bytesPerSecondMax: prng.chance(0.1) ? 100_000 : Number.POSITIVE_INFINITY,
    pendingMax: pick(prng, [1500, 6000]),
    fragmentMax,
    // Tiny windows with tiny fragments would be many events and no more news.
    windowBytes: pick(prng, fragmentMax < 300 ? [2000] : [2000, 16_384]),
    highWaterMark: pick(prng, [1500, 16_384]),
    latencyMs: pick(prng, [
      [0.05, 0.3],
      [0.1, 2],
      [1, 8],
    ]),
    masterPowerCuts: !hasApache,
  }
}

/** An operation that undoes an earlier one, some operations later. */
interface Later {
  at: number
  op: Op
}

export function drawOps(prng: Prng, plan: HistoryPlan, shape: HistoryShape): Op[] {
  const ops: Op[] = []
  let later: Later[] = []
  while (ops.length < shape.ops) {
    for (const due of later.filter(({ at }) => at <= ops.length)) ops.push(due.op)
    later = later.filter(({ at }) => at > ops.length)
    const kind = prng.below(20)
    if (kind < 8) ops.push(drawAppend(prng, shape))
    else if (kind < 12) ops.push({ kind: 'steps', count: 1 + prng.below(25) })
    else if (kind < 15) ops.push({ kind: 'wait', ms: drawWait(prng) })
    else {
      const [op, undo] = drawFault(prng, plan, shape)
      ops.push(op)
      if (undo !== null) later.push({ at: ops.length + 1 + prng.below(7), op: undo })
    }
  }
  return ops
}

function drawWait(prng: Prng): number {
  const kind = prng.below(10)
  if (kind < 7) return 1 + prng.below(15)
  return kind < 9 ? 20 + prng.below(80) : 150 + prng.below(400)
}

function drawAppend(prng: Prng, shape: HistoryShape): Op {
  const sizes: number[] = []
  const count = 1 + prng.below(prng.chance(0.3) ? 10 : 3)
  for (let i = 0; i < count; i++) {
    sizes.push(prng.chance(0.2) ? prng.below(shape.recordMax) : prng.below(160))
  }
  return { kind: 'append', sizes, waits: !prng.chance(0.1) }
}

function drawFault(prng: Prng, plan: HistoryPlan, shape: HistoryShape): [op: Op, undo: Op | null] {
  const slave = 1 + prng.below(plan.slaves.length)
  const node = prng.below(plan.slaves.length + 1)
  const way: Way = prng.below(2) === 0 ? 'up' : 'down'
  switch (prng.below(16)) {
    case 0:
    case 1:
      return [{ kind: 'cut', node: slave }, null]
    case 2:
    case 3: {
      const undo: Op = { kind: 'block', node: slave, way, on: false }
      return [{ ...undo, on: true }, undo]
    }
    case 4:
      return [
        { kind: 'delay', node: slave, way, ms: 5 + prng.below(60) },
        { kind: 'delay', node: slave, way, ms: 0 },
      ]
    case 5:
      return [
        { kind: 'pause', node, on: true },
        { kind: 'pause', node, on: false },
      ]
    case 6:
    case 7:
    case 8:
    case 9: {
      const power = prng.below(2) === 0 && (node > 0 || plan.masterPowerCuts)
      return [
        { kind: 'kill', node, power },
        { kind: 'boot', node },
      ]
    }
    case 10:
      return [{ kind: 'restart', node }, null]
    case 11:
      return [
        { kind: 'slow', node, factor: 2 + prng.below(24) },
        { kind: 'slow', node, factor: 1 },
      ]
    case 12:
      return [
        { kind: 'full', node: slave, on: true },
        { kind: 'full', node: slave, on: false },
      ]
    case 13:
      return [{ kind: 'retain' }, null]
    case 14:
      return [
        { kind: 'follow', node: slave, on: false },
        { kind: 'follow', node: slave, on: true },
      ]
    default:
      if (!shape.hasIntruders) return [{ kind: 'cut', node: slave }, null]
      return [drawIntruder(prng, plan), null]
  }
}

/** Somebody who is no slave. From an allowed address only where a secret is asked for: else eight bytes are a slave. */
function drawIntruder(prng: Prng, plan: HistoryPlan): Op {
  const bytes = Buffer.alloc(prng.below(80))
  for (let i = 0; i < bytes.length; i++) bytes[i] = prng.below(256)
  if (prng.chance(0.5)) HA_SLAVE_MAGIC.copy(bytes)
  const fromInside = plan.sharedSecret !== '' && prng.chance(0.5)
  return { kind: 'intrude', fromInside, bytes: bytes.toString('hex') }
}
