import type { Prng } from '@apogee/base'
import { NOT_STORED_DISK_FULL, STORE_FAILED, STORED } from '../commit-log/ack-queue.ts'
import { APPEND_OK } from '../commit-log/commit-log-options.ts'
import type { ConfigFile } from '../config-file/config-file.ts'
import type { MessageStoreOptions } from '../options.ts'
import { type TestMessage, TestStore, type World } from './store-fixture.ts'

// A workload as data, so that a failing one can be made smaller; and the ledger of what the store promised, with the moment
// of each promise counted in recorded disk steps.

export interface MessageSpec {
  topic: number
  queueId: number
  bodySize: number
  keyed: boolean
  waitStore: boolean
  /** A half message of a transaction: in the log, in no queue. */
  prepared: boolean
}

export type Op =
  | { kind: 'send'; messages: readonly MessageSpec[] }
  /** Handles so many events: the next op comes in the middle of what is under way. */
  | { kind: 'steps'; count: number }
  | { kind: 'settle' }
  | { kind: 'wait'; ms: number }
  | { kind: 'retain' }
  | { kind: 'config' }
  | { kind: 'restart' }
  | { kind: 'full'; on: boolean }

export type FlushDiskType = MessageStoreOptions['flushDiskType']

const TOPICS = ['Orders', 'Payments', 'A-topic-with-a-rather-long-name-to-move-things']

export function drawOps(prng: Prng, count: number): Op[] {
  const ops: Op[] = []
  let fullFor = 0
  for (let i = 0; i < count; i++) {
    const op =
      fullFor > 0 && --fullFor === 0 ? ({ kind: 'full', on: false } as const) : drawOp(prng)
    // A full device gets space again soon: little happens meanwhile.
    if (op.kind === 'full') fullFor = op.on ? 4 : 0
    ops.push(op)
    const pause = prng.below(4)
    if (pause === 0) ops.push({ kind: 'settle' })
    else if (pause < 3) ops.push({ kind: 'steps', count: 1 + prng.below(6) })
  }
  return ops
}

function drawOp(prng: Prng): Op {
  const kind = prng.below(40)
  if (kind < 26) return drawSend(prng)
  if (kind < 32) return { kind: 'wait', ms: 5 + prng.below(80) }
  if (kind < 34) return { kind: 'wait', ms: 10_500 }
  if (kind < 36) return { kind: 'config' }
  if (kind < 37) return { kind: 'retain' }
  if (kind < 38) return { kind: 'restart' }
  return { kind: 'full', on: kind === 38 }
}

function drawSend(prng: Prng): Op {
  const messages: MessageSpec[] = []
  const count = 1 + prng.below(prng.chance(0.3) ? 8 : 2)
  for (let i = 0; i < count; i++) {
    messages.push({
      topic: prng.below(TOPICS.length),
      queueId: prng.below(2),
      bodySize: prng.chance(0.15) ? prng.below(2500) : prng.below(300),
      keyed: prng.chance(0.5),
      waitStore: !prng.chance(0.1),
      prepared: prng.chance(0.05),
    })
  }
  return { kind: 'send', messages }
}

/** One message that was given to the store, and what became of it. Moments are counts of recorded disk steps. */
export interface Attempt {
  id: string
  topic: string
  queueId: number
  body: string
  key: string | null
  waitStore: boolean
  prepared: boolean
  queueOffset: number
  physicalOffset: number
  end: number
  appendedAt: number
  outcome: number | null
  answeredAt: number
  /** When a consumer could first see it. */
  seenAt: number
}

export interface Moment {
  at: number
  offset: number
}

export class Ledger {
  readonly attempts: Attempt[] = []
  readonly byId: Map<string, Attempt> = new Map()
  /** How far the store said the log is on disk. */
  readonly flushed: Moment[] = []
  /** How far retention was about to remove. */
  readonly removed: Moment[] = []
  readonly configs: { text: string; startedAt: number; doneAt: number }[] = []

  static offsetAt(moments: readonly Moment[], at: number): number {
    let offset = 0
    for (const moment of moments) if (moment.at <= at) offset = Math.max(offset, moment.offset)
    return offset
  }
}

export const crashOptions = (flushDiskType: FlushDiskType): Partial<MessageStoreOptions> => ({
  flushDiskType,
  commitLogFileSize: 4096,
  consumeQueueFileSize: 20 * 12,
  indexSlots: 8,
  indexEntries: 20,
  maxMessageSize: 3000,
  tailBytes: 2048,
  tailChunkSize: 512,
  readBlockSize: 512,
  batchBytesMax: 1500,
  flushIntervalMs: 15,
  flushLeastBytes: 256,
  checkpointIntervalMs: 40,
  diskFullResumeBytes: 64 * 1024,
  retention: {
    deleteWhen: [],
    reservedMs: 300,
    usedRatioMax: 2,
    forcedRatio: 2,
    fullRatio: 2,
    forcibly: false,
    filesPerPassMax: 3,
  },
})

const CAPACITY = 1 << 26

/** Runs `ops` on a store of its own; what happened is in `ledger`, the disk steps in the world's disk. */
export class Workload {
  readonly world: World
  readonly ledger: Ledger = new Ledger()
  /** What must not be: acknowledgements after the store had failed, a failure told twice. */
  readonly breaches: string[] = []
  private readonly options: Partial<MessageStoreOptions>
  private it: TestStore
  private readonly pending = new Map<number, Attempt>()
  private config: ConfigFile | null = null
  private count = 0

  constructor(world: World, options: Partial<MessageStoreOptions>) {
    this.world = world
    this.options = options
    world.disk.setCapacity(CAPACITY)
    this.it = new TestStore(world, options)
  }

  async run(ops: readonly Op[]): Promise<void> {
    this.open()
    for (const op of ops) {
      await this.runOp(op)
      this.observe()
      if (this.it.store.failure !== null) throw this.it.store.failure
    }
    this.world.disk.setCapacity(CAPACITY)
    await this.settle()
    await this.it.runFor(60)
    this.observe()
  }

  private open(): void {
    this.it = new TestStore(this.world, this.options)
    this.it.store.open()
    this.config = this.it.store.configFile('topics', () => {})
    this.it.onAck = (token, outcome) => {
      const attempt = this.pending.get(token)!
      this.pending.delete(token)
      attempt.outcome = outcome
      attempt.answeredAt = this.now
      const isPromise = outcome === STORED || outcome === NOT_STORED_DISK_FULL
      if (isPromise && this.it.store.failure !== null) this.breaches.push(`${attempt.id} after`)
      if (this.it.failures.length > 1) this.breaches.push('a failure told twice')
      this.observe()
    }
  }

  get store(): TestStore {
    return this.it
  }

  /** The moment it is: everything up to here has happened when a crash comes after the newest disk step. */
  private get now(): number {
    return this.world.disk.steps.length
  }

  private observe(): void {
    const { store } = this.it
    const at = this.now
    this.ledger.flushed.push({ at, offset: store.watermarks.flushed })
    const { dispatched } = store.watermarks
    for (let i = this.ledger.attempts.length - 1; i >= 0; i--) {
      const attempt = this.ledger.attempts[i]!
      if (attempt.seenAt !== -1) break
      if (attempt.end <= dispatched && attempt.outcome !== NOT_STORED_DISK_FULL) attempt.seenAt = at
    }
  }

  private async runOp(op: Op): Promise<void> {
    switch (op.kind) {
      case 'send':
        for (const spec of op.messages) this.send(spec)
        return
      case 'steps':
        for (let i = 0; i < op.count; i++) {
          this.world.clock.step()
          this.observe()
        }
        return
      case 'settle':
        return this.settle()
      case 'wait':
        return this.it.runFor(op.ms)
      case 'retain':
        await this.it.runFor(400)
        return this.retain()
      case 'config':
        return this.saveConfig()
      case 'restart':
        this.world.disk.setCapacity(CAPACITY)
        await this.settle()
        await this.it.close()
        return this.open()
      case 'full':
        this.world.disk.setCapacity(op.on ? this.world.disk.used : CAPACITY)
        if (!op.on) await this.it.runFor(450)
    }
  }

  private async settle(): Promise<void> {
    for (let i = 0; this.pending.size > 0 && i < 200; i++) await this.it.runFor(5)
    if (this.pending.size > 0) throw new Error('acknowledgements are missing')
  }

  private send(spec: MessageSpec): void {
    const id = `m${this.count++}`
    const body = `${id}|`.padEnd(spec.bodySize, id)
    const topic = TOPICS[spec.topic]!
    const key = spec.keyed ? `key-${id}` : null
    const message: TestMessage = {
      topic,
      body,
      queueId: spec.queueId,
      waitStore: spec.waitStore,
      sysFlag: spec.prepared ? 4 : 0,
      tags: `tag${spec.topic}`,
      ...(key === null ? {} : { keys: key }),
    }
    const sent = this.it.send(message)
    if (sent.status !== APPEND_OK) return
    const attempt: Attempt = {
      id,
      topic,
      body,
      key,
      queueId: spec.queueId,
      waitStore: spec.waitStore,
      prepared: spec.prepared,
      queueOffset: sent.queueOffset,
      physicalOffset: sent.physicalOffset,
      end: sent.physicalOffset + sent.size,
      appendedAt: this.now,
      outcome: null,
      answeredAt: Number.POSITIVE_INFINITY,
      seenAt: -1,
    }
    this.ledger.attempts.push(attempt)
    this.ledger.byId.set(id, attempt)
    this.pending.set(sent.token, attempt)
  }

  private retain(): void {
    const removal = { at: this.now, offset: 0 }
    this.it.store.deleteExpiredNow()
    removal.offset = this.it.store.minPhysicalOffset
    this.ledger.removed.push(removal)
  }

  private saveConfig(): void {
    const version = this.ledger.configs.length
    const text = JSON.stringify({ version, filler: 'c'.repeat((version * 701) % 3000) })
    const entry = { text, startedAt: this.now, doneAt: Number.POSITIVE_INFINITY }
    this.ledger.configs.push(entry)
    this.config!.save(text, (error) => {
      if (error === null) entry.doneAt = this.now
    })
  }
}

export const wasStored = (attempt: Attempt, at: number): boolean =>
  attempt.outcome === STORED && attempt.answeredAt <= at
export const wasRefused = (attempt: Attempt): boolean => attempt.outcome === NOT_STORED_DISK_FULL
/** Nobody knows whether it is stored. */
export const wasFailed = (attempt: Attempt): boolean => attempt.outcome === STORE_FAILED
