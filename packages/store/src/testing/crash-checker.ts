import { isMalformed, type Prng } from '@apogee/base'
import { powerCut, processKill, SimClock, type SimDisk } from '@apogee/env/sim'
import { decodeRecord, type MessageExt } from '@apogee/protocol'
import type { MessageStoreOptions } from '../options.ts'
import {
  type Attempt,
  crashOptions,
  type FlushDiskType,
  Ledger,
  wasFailed,
  wasRefused,
  wasStored,
} from './crash-workload.ts'
import { TestStore, type World } from './store-fixture.ts'

/** One crash: where, and what the checker may expect of it. */
export interface Crash {
  /** Steps of the recording that have happened, this one included. */
  step: number
  mode: 'kill' | 'power'
  /** Sectors that were being written may hold anything, and so may what was durable beside it. */
  garbled: boolean
  /** What acknowledgements promise. */
  promise: 'SYNC_FLUSH' | 'ASYNC_FLUSH'
}

export interface CheckOptions {
  flushDiskType: FlushDiskType
  prng: Prng
  /** Breaks the disk that is recovered from. */
  sabotage?: (disk: SimDisk) => void
}

/**
 * Recovers a store from `disk` and compares it with the ledger. Returns what is wrong, or `null`.
 */
export async function checkImage(
  ledger: Ledger,
  crash: Crash,
  disk: SimDisk,
  how: CheckOptions,
): Promise<string | null> {
  try {
    const checker = new ImageChecker(ledger, crash, how)
    await checker.check(disk)
    return null
  } catch (error) {
    if (error instanceof Wrong) return error.message
    return `recovery failed: ${error instanceof Error ? error.stack : String(error)}`
  }
}

class Wrong extends Error {}

function demand(holds: boolean, message: string, ...about: unknown[]): asserts holds {
  if (!holds) throw new Wrong(`${message}: ${about.map((it) => JSON.stringify(it)).join(' ')}`)
}

class ImageChecker {
  private readonly ledger: Ledger
  private readonly crash: Crash
  private readonly options: Partial<MessageStoreOptions>
  private readonly how: CheckOptions
  private readonly prng: Prng
  /** Moments up to this one are before the crash, whatever order the last turn had. */
  private readonly at: number

  constructor(ledger: Ledger, crash: Crash, how: CheckOptions) {
    this.ledger = ledger
    this.crash = crash
    this.how = how
    this.options = crashOptions(how.flushDiskType)
    this.prng = how.prng
    this.at = crash.step + 1
  }

  async check(image: SimDisk): Promise<void> {
    const it = this.open(image)
    const found = this.readQueues(it)
    this.checkLog(it, found)
    for (const attempt of this.ledger.attempts) this.checkAttempt(it, attempt, found)
    this.checkConfig(it)
    await this.checkPrepared(it, found)
    await this.checkIndex(it, found)
    if (this.prng.chance(0.4)) await this.checkLife(it, found)
  }

  private open(image: SimDisk): TestStore {
    const clock = new SimClock({ wallStartMs: 1_704_067_200_000 + 1e9 })
    const disk = image.crash(processKill(this.prng.fork()), clock)
    disk.setCapacity(2 ** 40)
    this.how.sabotage?.(disk)
    const it = new TestStore({ seed: 0, clock, disk, prng: this.prng.fork() }, this.options)
    const report = it.store.open()
    demand(report.damaged.length === 0, 'damage reported', report.damaged)
    return it
  }

  /** Reads every queue from its first to its last offset. */
  private readQueues(it: TestStore): Map<string, MessageExt> {
    const found = new Map<string, MessageExt>()
    for (const topic of it.store.topics()) {
      for (const queueId of it.store.queuesOf(topic)) {
        let expected = it.store.minOffset(topic, queueId)
        for (const message of it.readAll(topic, queueId)) {
          demand(message.queueOffset === expected, 'not dense', topic, queueId, expected)
          expected++
          this.checkMessage(message, topic, queueId)
          const id = idOf(message)
          demand(!found.has(id), 'a message twice', id)
          found.set(id, message)
        }
        demand(expected === it.store.maxOffset(topic, queueId), 'max offset', topic, queueId)
      }
    }
    return found
  }

  private checkMessage(message: MessageExt, topic: string, queueId: number): void {
    const id = idOf(message)
    const attempt = this.ledger.byId.get(id)
    demand(attempt !== undefined, 'a message nobody sent', id, topic, queueId)
    demand(attempt.appendedAt <= this.at, 'a message of the future', id)
    demand(!(wasRefused(attempt) && attempt.answeredAt <= this.at), 'a refused message', id)
    this.checkContent(message, attempt)
    demand(attempt.topic === topic && attempt.queueId === queueId, 'in another queue', id, topic)
    demand(attempt.queueOffset === message.queueOffset, 'moved', id, message.queueOffset)
  }

  private checkContent(message: MessageExt, attempt: Attempt): void {
    const { id } = attempt
    const place = message.physicalOffset === attempt.physicalOffset
    demand(place, 'at another physical offset', id, message.physicalOffset)
    demand(Buffer.from(message.body).toString() === attempt.body, 'another body', id)
    demand(message.topic === attempt.topic, 'another topic', id, message.topic)
    // Only the body has a checksum: properties that a dying disk garbled come back so.
    if (this.crash.garbled) return
    const key = message.properties.get('KEYS') ?? null
    // A tear of a few bytes cannot be told from text, and is in no message that was promised.
    if (!this.isPromised(attempt) && /\0/.test([...message.properties].join())) return
    demand(key === attempt.key, 'another key', id, key)
    demand(message.properties.has('TAGS'), 'no tag', id)
  }

  /** Whether the store had said that the message survives this crash. */
  private isPromised(attempt: Attempt): boolean {
    const { promise, mode } = this.crash
    if (this.crash.garbled) return false
    const stored = wasStored(attempt, this.at)
    if (mode === 'kill') return stored || this.wasSeen(attempt)
    const isUnsure = wasRefused(attempt) || wasFailed(attempt)
    if (attempt.end <= this.flushedThrough && !isUnsure) return true
    if (promise === 'ASYNC_FLUSH') return false
    return (stored && attempt.waitStore) || this.wasSeen(attempt)
  }

  private get flushedThrough(): number {
    return Ledger.offsetAt(this.ledger.flushed, this.at)
  }

  /** Below, messages may be gone: retention took them. */
  private expiredThrough(it: TestStore): number {
    return Math.max(it.store.minPhysicalOffset, Ledger.offsetAt(this.ledger.removed, this.at))
  }

  private wasSeen(attempt: Attempt): boolean {
    return attempt.seenAt !== -1 && attempt.seenAt <= this.at
  }

  private checkLog(it: TestStore, found: ReadonlyMap<string, MessageExt>): void {
    const end = it.store.maxPhysicalOffset
    for (const [id, message] of found) {
      demand(message.physicalOffset < end, 'beyond the log', id, end)
    }
    const removable = Ledger.offsetAt(this.ledger.removed, this.at)
    demand(it.store.minPhysicalOffset <= removable, 'files are missing', removable)
  }

  /** Everything promised is there, and what is there is a beginning of what was appended. */
  private checkAttempt(
    it: TestStore,
    attempt: Attempt,
    found: ReadonlyMap<string, MessageExt>,
  ): void {
    if (attempt.prepared || attempt.physicalOffset < this.expiredThrough(it)) return
    if (found.has(attempt.id) || this.crash.garbled) return
    const { id, physicalOffset, queueOffset } = attempt
    demand(!this.isPromised(attempt), 'lost', id, physicalOffset, queueOffset, attempt.topic)
    const below = attempt.end <= it.store.maxPhysicalOffset
    const unsure = wasRefused(attempt) || wasFailed(attempt) || attempt.appendedAt > this.at
    demand(unsure || !below, 'a hole below the end of the log', id, physicalOffset)
  }

  private checkConfig(it: TestStore): void {
    const { configs } = this.ledger
    const text = it.store
      .configFile('topics', () => {})
      .load((it) => {
        JSON.parse(it)
        return it
      })
    const done = configs.findLastIndex((config) => config.doneAt <= this.at)
    if (text === null) {
      demand(done === -1, 'a saved config is gone', done)
      return
    }
    const version = configs.findIndex((config) => config.text === text)
    demand(version >= done, 'an old config', version, done)
    demand(configs[version]!.startedAt <= this.at, 'a config of the future', version)
  }

  private async checkPrepared(
    it: TestStore,
    found: ReadonlyMap<string, MessageExt>,
  ): Promise<void> {
    for (const attempt of this.ledger.attempts) {
      if (!attempt.prepared || attempt.physicalOffset < this.expiredThrough(it)) continue
      demand(!found.has(attempt.id), 'a half message in a queue', attempt.id)
      if (!this.isPromised(attempt) || !this.prng.chance(0.3)) continue
      const record = await it.resolve(it.store.readRecord(attempt.physicalOffset))
      demand(record !== null, 'a half message is lost', attempt.id)
      const message = decodeRecord(record)
      demand(!isMalformed(message) && idOf(message) === attempt.id, 'altered', attempt.id)
    }
  }

  /** The index catches up and finds what is there. */
  private async checkIndex(it: TestStore, found: ReadonlyMap<string, MessageExt>): Promise<void> {
    const keyed = [...found.keys()]
      .map((id) => this.ledger.byId.get(id)!)
      .filter((attempt) => attempt.key !== null && this.isPromised(attempt))
      .filter((attempt) => attempt.physicalOffset >= this.expiredThrough(it))
    if (keyed.length === 0) return
    const picks = [keyed[0]!, keyed[this.prng.below(keyed.length)]!, keyed.at(-1)!]
    for (const { id, key, topic } of new Set(picks)) {
      let ids = await idsOfKey(it, topic, key!)
      // The index may still be catching up.
      for (let i = 0; i < 10 && ids.length === 0; i++) {
        await it.runFor(10)
        ids = await idsOfKey(it, topic, key!)
      }
      demand(ids.length === 1 && ids[0] === id, 'not found by its key', id, ids)
    }
  }

  /** The recovered store takes messages, and a second crash neither loses them nor brings old ones back. */
  private async checkLife(it: TestStore, found: Map<string, MessageExt>): Promise<void> {
    const sent = new Map<string, { topic: string; queueOffset: number }>()
    const fitting = this.sizeOfLost(it.store.maxPhysicalOffset)
    for (let i = 0; i < (fitting > 0 ? 1 : 3); i++) {
      const topic = ['Orders', 'Payments'][i % 2]!
      const size = fitting > 0 ? fitting : this.prng.below(400)
      const body = `again${i}|`.padEnd(size, 'g')
      const max = it.store.maxOffset(topic, 0)
      const { queueOffset } = it.sendAndWait({ topic, body })
      demand(queueOffset === max, 'appended at another offset', queueOffset, max)
      sent.set(`again${i}`, { topic, queueOffset })
    }
    if (this.prng.chance(0.5)) await it.runFor(50)
    const power = this.prng.chance(0.5)
    const choice = power ? powerCut(this.prng.fork(), { damage: 0 }) : processKill(this.prng.fork())
    const clock = new SimClock({ wallStartMs: it.world.clock.wallMs() + 1000 })
    const world: World = { ...it.world, clock, disk: it.world.disk.crash(choice, clock) }
    const next = new TestStore(world, this.options)
    next.store.open()
    const keepsAll = !power || this.crash.promise === 'SYNC_FLUSH'
    this.checkSecond(next, found, sent, keepsAll, it.store.minPhysicalOffset)
  }

  /**
   * Size of the body of a message to Orders that takes the place of the first lost record to the byte: whatever lay behind
   * that one would line up. 0 when none fits.
   */
  private sizeOfLost(end: number): number {
    const lost = this.ledger.attempts.find((attempt) => attempt.physicalOffset === end)
    if (lost === undefined || lost.appendedAt > this.at) return 0
    const size = lost.end - end - 91 - 'Orders'.length
    return size < 8 ? 0 : size
  }

  private checkSecond(
    it: TestStore,
    found: Map<string, MessageExt>,
    sent: Map<string, { topic: string; queueOffset: number }>,
    keepsAll: boolean,
    minBefore: number,
  ): void {
    const seen = new Set<string>()
    for (const topic of it.store.topics()) {
      for (const queueId of it.store.queuesOf(topic)) {
        let expected = it.store.minOffset(topic, queueId)
        for (const message of it.readAll(topic, queueId)) {
          const id = idOf(message)
          demand(message.queueOffset === expected++, 'second: not dense', id, topic, queueId)
          demand(!seen.has(id), 'second: a message twice', id)
          seen.add(id)
          // Retention's removal of a file need not be durable.
          if (message.physicalOffset < minBefore) continue
          const before = found.get(id)?.queueOffset ?? sent.get(id)?.queueOffset
          demand(before !== undefined, 'second: an old message came back', id)
          demand(before === message.queueOffset, 'second: moved', id)
        }
      }
    }
    if (!keepsAll) return
    for (const id of [...found.keys(), ...sent.keys()]) {
      const gone = found.get(id)?.physicalOffset ?? Number.POSITIVE_INFINITY
      demand(seen.has(id) || gone < it.store.minPhysicalOffset, 'second: lost', id)
    }
  }
}

function idOf(message: MessageExt): string {
  return Buffer.from(message.body).toString('latin1').split('|', 1)[0]!
}

async function idsOfKey(it: TestStore, topic: string, key: string): Promise<string[]> {
  const result = await it.resolve(it.store.queryByKey(topic, key, 8, 0, 1e15))
  return result.records.map((record) => {
    const message = decodeRecord(record)
    return isMalformed(message) ? '?' : idOf(message)
  })
}
