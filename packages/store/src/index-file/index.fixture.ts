import assert from 'node:assert/strict'
import type { Prng } from '@apogee/base'
import { silent, type World, wait } from '../consume-queue/queues.fixture.ts'
import { IndexService, type IndexServiceOptions } from './index-service.ts'

export const FOREVER: number = Number.MAX_SAFE_INTEGER
export const LOAD = { crashed: false, sidecar: null, indexMsgTimestamp: 0 }
export const SIZES = { slots: 1500, entries: 120, flushAfterMs: 0, flushBatchBytes: 4096 }

export interface Message {
  physicalOffset: number
  timestamp: number
  hashes: number[]
}

export function openIndex(world: World, options: Partial<IndexServiceOptions> = {}): IndexService {
  const deps = { disk: world.disk, clock: world.clock, log: silent }
  return new IndexService({ folder: '/store/index', ...SIZES, ...options }, deps)
}

export function flush(world: World, index: IndexService): Error | null {
  return wait<Error | null>(world, (done) => index.flushNow(done))
}

export function close(world: World, index: IndexService): Error | null {
  return wait<Error | null>(world, (done) => index.close(done))
}

export function query(
  world: World,
  index: IndexService,
  keyHash: number,
  maxCount = 64,
  range: [number, number] = [0, FOREVER],
): number[] {
  return wait<number[]>(world, (done) => {
    index.query(keyHash, maxCount, ...range, (error, offsets) => {
      assert.equal(error, null)
      done(offsets)
    })
  })
}

export function put(index: IndexService, message: Message): void {
  for (const hash of message.hashes) index.put(hash, message.physicalOffset, message.timestamp)
}

export function expected(messages: readonly Message[], hash: number, maxCount = 64): number[] {
  const found = messages.filter((message) => message.hashes.includes(hash))
  return found
    .map((message) => message.physicalOffset)
    .reverse()
    .slice(0, maxCount)
}

export function read(world: World, path: string, position: number, length: number): string {
  const bytes = Buffer.alloc(length)
  const file = world.disk.open(path)
  file.readNow(bytes, 0, length, position)
  file.close()
  return bytes.toString('hex')
}

export function appendSome(prng: Prng, messages: Message[], index: IndexService): void {
  const count = prng.below(50)
  for (let i = 0; i < count; i++) {
    const last = messages.at(-1)
    const hashes = Array.from({ length: prng.below(4) }, () => prng.below(90) * (1 + prng.below(3)))
    const message = {
      physicalOffset: (last?.physicalOffset ?? 0) + 1 + prng.below(300),
      timestamp: (last?.timestamp ?? 1_000_000) + prng.below(3000),
      hashes,
    }
    messages.push(message)
    put(index, message)
  }
}

export function checkSome(
  prng: Prng,
  world: World,
  index: IndexService,
  messages: readonly Message[],
  what: string,
): void {
  for (let i = 0; i < 25; i++) {
    const hash = prng.below(180)
    const maxCount = 1 + prng.below(64)
    assert.deepEqual(query(world, index, hash, maxCount), expected(messages, hash, maxCount), what)
  }
}
