import assert from 'node:assert/strict'
import { Prng } from '@apogee/base'
import { SimClock, SimDisk } from '@apogee/env/sim'
import type { StoreLogger } from '../store-logger.ts'
import { ConsumeQueues } from './consume-queues.ts'
import type { ConsumeQueuesDeps, ConsumeQueuesOptions } from './queue-context.ts'
import { QueueUnits } from './queue-units.ts'

/** One record of a log that exists only as a list. */
export interface ModelRecord {
  topic: string
  queueId: number
  queueOffset: number
  physicalOffset: number
  size: number
  tagsCode: number
}

/** A log, and what the queues must say about it. */
export class ModelLog {
  records: ModelRecord[] = []
  end = 0
  readonly next: Map<string, number> = new Map()

  append(topic: string, queueId: number, size: number, tagsCode: number): ModelRecord {
    const key = `${topic}/${queueId}`
    const queueOffset = this.next.get(key) ?? 0
    const record = { topic, queueId, queueOffset, physicalOffset: this.end, size, tagsCode }
    this.records.push(record)
    this.end += size
    this.next.set(key, queueOffset + 1)
    return record
  }

  /** The log lost its end. */
  cut(end: number): void {
    this.records = this.records.filter((record) => record.physicalOffset < end)
    this.end = end
    for (const key of this.next.keys()) this.next.set(key, 0)
    for (const { topic, queueId, queueOffset } of this.records) {
      this.next.set(`${topic}/${queueId}`, queueOffset + 1)
    }
  }

  readonly verify: NonNullable<ConsumeQueuesDeps['verify']> = (
    physicalOffset,
    size,
    topic,
    queueId,
    queueOffset,
  ) =>
    this.records.some(
      (record) =>
        record.physicalOffset === physicalOffset &&
        record.size === size &&
        record.topic === topic &&
        record.queueId === queueId &&
        record.queueOffset === queueOffset,
    )
}

export const silent: StoreLogger = { debug: ignore, info: ignore, warn: ignore, error: ignore }

function ignore(): void {
  // Tests look at what is there, not at what is said about it.
}

export interface World {
  clock: SimClock
  disk: SimDisk
}

export function makeWorld(seed: number): World {
  const clock = new SimClock()
  const disk = new SimDisk({ clock, prng: new Prng(seed) })
  disk.makeFolder('/store')
  disk.syncDirectory('/')
  return { clock, disk }
}

/** Queues in files of 100 units. */
export function openQueues(
  world: World,
  options: Partial<ConsumeQueuesOptions> = {},
  verify?: ConsumeQueuesDeps['verify'],
): ConsumeQueues {
  const deps = { disk: world.disk, clock: world.clock, log: silent }
  return new ConsumeQueues(
    { folder: '/store/consumequeue', fileSize: 2000, ...options },
    verify === undefined ? deps : { ...deps, verify },
  )
}

/** Runs the clock until `start` has called back; returns what it got. */
export function wait<T>(world: World, start: (done: (value: T) => void) => void): T {
  const got: T[] = []
  start((value) => got.push(value))
  assert.ok(
    world.clock.runUntil(() => got.length > 0),
    'never called back',
  )
  return got[0]!
}

export function flush(
  world: World,
  queues: ConsumeQueues,
  options: { sync: boolean; all: boolean } = { sync: true, all: true },
): Error | null {
  return wait<Error | null>(world, (done) => queues.flush(options, done))
}

/** All units of a queue from its minimum on, read in pieces. */
export function unitsOf(
  world: World,
  queues: ConsumeQueues,
  topic: string,
  queueId: number,
): [queueOffset: number, physicalOffset: number, size: number, tagsCode: number][] {
  const queue = queues.queue(topic, queueId)
  const units = new QueueUnits(37)
  const all: [number, number, number, number][] = []
  let at = queue.minOffset()
  while (at < queue.maxOffset) {
    const error = wait<Error | null>(world, (done) => queue.read(at, 37, units, done))
    assert.equal(error, null)
    assert.ok(units.count > 0, `nothing read at ${at} of ${queue.maxOffset}`)
    for (let i = 0; i < units.count; i++) {
      const fields = [units.physicalOffset[i]!, units.size[i]!, units.tagsCode[i]!] as const
      all.push([units.firstOffset + i, ...fields])
    }
    at += units.count
  }
  return all
}

/** The same as the model has it. */
export function modelUnits(
  log: ModelLog,
  topic: string,
  queueId: number,
): [number, number, number, number][] {
  return log.records
    .filter((record) => record.topic === topic && record.queueId === queueId)
    .map((record) => [record.queueOffset, record.physicalOffset, record.size, record.tagsCode])
}
