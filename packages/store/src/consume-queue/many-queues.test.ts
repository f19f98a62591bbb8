import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Disk } from '@apogee/env'
import { SimClock } from '@apogee/env/sim'
import { ConsumeQueues } from './consume-queues.ts'
import { silent, type World, wait } from './queues.fixture.ts'

const COUNT = 80_000

/** A disk that takes everything and keeps nothing: the heap then holds the queues alone. */
function nullDisk(clock: SimClock): { disk: Disk; pieces: number; trips: number } {
  const seen = { disk: {} as Disk, pieces: 0, trips: 0 }
  const parts: Partial<Disk> = {
    list: () => [],
    exists: () => true,
    syncDirectory: () => {},
    writeMany: (pieces, _options, done) => {
      seen.pieces += pieces.length
      seen.trips++
      clock.soon(() => done(null))
    },
  }
  seen.disk = parts as Disk
  return seen
}

function usedBytes(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

for (const queuesPerTopic of [1, 8]) {
  test(`80,000 queues, ${queuesPerTopic} per topic, cost under 300 bytes each once they are idle`, () => {
    const clock = new SimClock()
    const seen = nullDisk(clock)
    const world = { clock, disk: seen.disk } as unknown as World
    const queues = new ConsumeQueues(
      { folder: '/store/consumequeue' },
      { disk: seen.disk, clock, log: silent },
    )
    const topics = Array.from({ length: COUNT / queuesPerTopic }, (_, i) => `topic-${i}`)
    const before = usedBytes()
    for (let round = 0; round < 3; round++) {
      let physicalOffset = round * COUNT * 100
      for (const topic of topics) {
        for (let id = 0; id < queuesPerTopic; id++) {
          queues.queue(topic, id).put(round, physicalOffset, 100, 0)
          physicalOffset += 100
        }
      }
      assert.equal(queues.dirtyQueues, COUNT)
      const error = wait<Error | null>(world, (done) =>
        queues.flush({ sync: true, all: true }, done),
      )
      assert.equal(error, null)
      assert.equal(queues.dirtyBytes, 0)
    }
    assert.equal(seen.pieces, COUNT * 3)
    assert.ok(seen.trips < COUNT / 100, `${seen.trips} trips`)
    clock.runFor(100_000)
    queues.evictIdle(60_000)
    assert.equal(queues.loadedQueues, COUNT)
    const perQueue = (usedBytes() - before) / COUNT
    assert.ok(perQueue < 300, `${perQueue.toFixed(0)} bytes per queue`)
  })
}
