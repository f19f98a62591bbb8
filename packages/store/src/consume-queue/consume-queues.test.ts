import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '@apogee/base'
import type { ConsumeQueues } from './consume-queues.ts'
import { QueueUnits } from './queue-units.ts'
import {
  flush,
  ModelLog,
  makeWorld,
  modelUnits,
  openQueues,
  unitsOf,
  type World,
  wait,
} from './queues.fixture.ts'

function fileBytes(world: World, path: string, length: number): string {
  const file = world.disk.open(path)
  const bytes = Buffer.alloc(length)
  file.readNow(bytes, 0, length, 0)
  file.close()
  return bytes.toString('hex')
}

function closeQueues(world: World, queues: ConsumeQueues): Error | null {
  return wait<Error | null>(world, (done) => queues.close(done))
}

test("units have Apache's bytes, file name and file size", () => {
  const world = makeWorld(1)
  const queues = openQueues(world, { fileSize: 6_000_000 })
  const queue = queues.queue('T', 3)
  queue.put(0, 0x0102_0304_0506, 0x0a0b0c0d, 'TagA'.length)
  queue.put(1, 0x0102_1304_0506, 100, -559038737)
  queue.put(2, 0x0102_1304_056a, 7, 1_784_000_000_123)
  assert.equal(flush(world, queues), null)
  const path = '/store/consumequeue/T/3/00000000000000000000'
  assert.equal(world.disk.stat(path)?.size, 6_000_000)
  const units = [
    '0000010203040506' + '0a0b0c0d' + '0000000000000004',
    '0000010213040506' + '00000064' + 'ffffffffdeadbeef',
    '000001021304056a' + '00000007' + '0000019f5eafb07b',
    '00'.repeat(20),
  ]
  assert.equal(fileBytes(world, path, 80), units.join(''))
  assert.equal(queues.syncedThrough, 0x0102_1304_056a + 7)
})

test('a queue that starts mid-way has fillers before its first unit, and begins there', () => {
  const world = makeWorld(2)
  const queues = openQueues(world)
  queues.queue('T', 0).put(203, 5000, 10, 9)
  assert.equal(queues.queue('T', 0).minOffset(), 203)
  assert.equal(queues.queue('T', 0).nextOffset, 204)
  assert.equal(flush(world, queues), null)
  const path = '/store/consumequeue/T/0/00000000000000004000'
  const filler = '0000000000000000' + '7fffffff' + '0000000000000000'
  const unit = '0000000000001388' + '0000000a' + '0000000000000009'
  assert.equal(fileBytes(world, path, 100), filler.repeat(3) + unit + '00'.repeat(20))
  for (const logMin of [0, 100]) {
    const again = openQueues(world)
    again.setLogRange(logMin, 10_000)
    assert.equal(again.queue('T', 0).minOffset(), 203)
    assert.equal(again.queue('T', 0).maxOffset, 204)
    assert.equal(again.queue('T', 0).nextOffset, 204)
  }
})

test('an unknown queue is empty, and is not there for find', () => {
  const world = makeWorld(3)
  const queues = openQueues(world)
  assert.equal(queues.find('T', 0), null)
  const queue = queues.queue('T', 0)
  assert.deepEqual([queue.minOffset(), queue.maxOffset, queue.nextOffset], [0, 0, 0])
  assert.equal(queues.find('T', 0), queue)
})

test('units are read at once from memory and later from disk, over files and cache blocks', () => {
  const world = makeWorld(4)
  const log = new ModelLog()
  const queues = openQueues(world, { fileSize: 36_000, blocksMax: 2 })
  for (let i = 0; i < 5000; i++) {
    const { queueOffset, physicalOffset, size, tagsCode } = log.append('T', 0, 50 + (i % 7), i - 9)
    queues.queue('T', 0).put(queueOffset, physicalOffset, size, tagsCode)
  }
  const units = new QueueUnits(1000)
  let isDone = false
  queues.queue('T', 0).read(4500, 1000, units, () => {
    isDone = true
  })
  assert.equal(isDone, true)
  assert.deepEqual([units.firstOffset, units.count, units.tagsCode[499]], [4500, 500, 4990])
  assert.equal(flush(world, queues), null)
  world.clock.runFor(60_000)
  queues.evictIdle(30_000)
  assert.equal(queues.bufferBytes, 0)
  queues.queue('T', 0).read(1700, 1000, units, () => {
    assert.equal(units.count, 1000)
    assert.equal(units.tagsCode[999], 2690)
    isDone = false
  })
  assert.equal(isDone, true)
  assert.ok(world.clock.runUntilIdle())
  assert.equal(isDone, false)
  assert.deepEqual(unitsOf(world, queues, 'T', 0), modelUnits(log, 'T', 0))
  assert.equal(queues.queue('T', 0).unitNow(1799), true)
  assert.equal(queues.unit.tagsCode, 1790)
  assert.equal(queues.queue('T', 0).unitNow(5000), false)
  for (const [from, count] of [
    [-1, 5],
    [5000, 1],
    [9999, 1],
    [10, 0],
  ] as const) {
    queues.queue('T', 0).read(from, count, units, () => assert.equal(units.count, 0))
  }
})

test('a put below the end is ignored, one beyond it is a bug', () => {
  const queues = openQueues(makeWorld(5))
  const queue = queues.queue('T', 0)
  queue.put(0, 0, 10, 1)
  queue.put(1, 10, 10, 2)
  queue.put(0, 99, 10, 3)
  assert.equal(queue.maxOffset, 2)
  queue.unitNow(0)
  assert.equal(queues.unit.tagsCode, 1)
  assert.throws(() => queue.put(3, 30, 10, 1), /beyond the end/)
})

test('a partial flush takes queues with many or old units', () => {
  const world = makeWorld(6)
  const queues = openQueues(world, { flushUnits: 10, flushAfterMs: 5000 })
  for (let i = 0; i < 10; i++) queues.queue('many', 0).put(i, i, 1, 0)
  queues.queue('few', 0).put(0, 20, 1, 0)
  assert.deepEqual([queues.dirtyQueues, queues.dirtyBytes], [2, 220])
  assert.equal(flush(world, queues, { sync: false, all: false }), null)
  assert.deepEqual([queues.dirtyQueues, queues.dirtyBytes], [1, 20])
  assert.deepEqual(world.disk.list('/store/consumequeue'), ['many'])
  world.clock.runFor(6000)
  assert.equal(flush(world, queues, { sync: false, all: false }), null)
  assert.deepEqual([queues.dirtyQueues, queues.dirtyBytes], [0, 0])
  assert.equal(queues.syncedThrough, 0)
  assert.equal(flush(world, queues), null)
  assert.equal(queues.syncedThrough, 21)
})

test('what a sync flush covered survives a power cut, what came during it is not promised', () => {
  const world = makeWorld(7)
  const queues = openQueues(world, { flushBatchBytes: 200 })
  const queue = queues.queue('T', 0)
  for (let i = 0; i < 250; i++) queue.put(i, i * 10, 10, i)
  flush(world, queues, { sync: false, all: true })
  for (let i = 250; i < 300; i++) queue.put(i, i * 10, 10, i)
  let error: Error | null | undefined
  queues.flush({ sync: true, all: true }, (result) => {
    error = result
  })
  queue.put(300, 3000, 10, 300)
  world.clock.runUntil(() => error !== undefined)
  assert.equal(error, null)
  assert.equal(queues.syncedThrough, 3000)
  const prng = new Prng(1)
  const lastWrite = Number.POSITIVE_INFINITY
  const choice = { mode: 'power', prng, keep: 0, damage: 0, keepNames: 0, lastWrite } as const
  const after = openQueues({ clock: world.clock, disk: world.disk.crash(choice) })
  assert.ok(after.queue('T', 0).maxOffset >= 300)
})

test('files below the log go, but never the last, and the minimum follows', () => {
  const world = makeWorld(8)
  const queues = openQueues(world)
  for (const topic of ['A', 'B', 'C']) {
    for (let i = 0; i < 350; i++) queues.queue(topic, 1).put(i, i * 10, 10, 0)
  }
  closeQueues(world, queues)
  const again = openQueues(world)
  again.setLogRange(0, 4000)
  assert.equal(again.queue('A', 1).minOffset(), 0)
  assert.equal(again.deleteExpired(2005), 6)
  assert.equal(again.queue('A', 1).minOffset(), 201)
  assert.equal(again.queue('B', 1).minOffset(), 201)
  assert.deepEqual(world.disk.list('/store/consumequeue/C/1'), [
    '00000000000000004000',
    '00000000000000006000',
  ])
  assert.equal(again.deleteExpired(100_000), 3)
  const queue = again.queue('A', 1)
  assert.deepEqual([queue.minOffset(), queue.maxOffset], [350, 350])
  queue.put(350, 100_000, 10, 5)
  assert.deepEqual([queue.minOffset(), queue.maxOffset], [350, 351])
  const units = new QueueUnits(10)
  queue.read(100, 10, units, () => assert.equal(units.count, 0))
})

test('expiry goes on in later turns when one would take too long', () => {
  const world = makeWorld(9)
  const queues = openQueues(world, { turnMs: 0 })
  for (let topic = 0; topic < 5; topic++) {
    for (let i = 0; i < 150; i++) queues.queue(`T${topic}`, 0).put(i, i * 10, 10, 0)
  }
  flush(world, queues)
  assert.equal(queues.deleteExpired(1000), 1)
  world.clock.runUntilIdle()
  for (let topic = 0; topic < 5; topic++) {
    assert.equal(world.disk.list(`/store/consumequeue/T${topic}/0`).length, 1)
    assert.equal(queues.queue(`T${topic}`, 0).minOffset(), 100)
  }
})

test('topics and queues are listed from memory and from disk', () => {
  const world = makeWorld(10)
  const queues = openQueues(world)
  for (const [topic, queueId] of [
    ['b', 2],
    ['b', 0],
    ['a', 10],
    ['b', 70_000],
  ] as const) {
    queues.queue(topic, queueId).put(0, 0, 1, 0)
  }
  closeQueues(world, queues)
  world.disk.makeFolder('/store/consumequeue/b/not-a-queue')
  world.disk.makeFolder('/store/consumequeue/empty')
  const again = openQueues(world)
  again.queue('c', 1)
  assert.deepEqual(again.topics(), ['a', 'b', 'c'])
  assert.deepEqual(again.queuesOf('b'), [0, 2, 70_000])
  assert.equal(again.loadedQueues, 1)
  assert.equal(again.queue('b', 70_000).maxOffset, 1)
})

test('a deleted topic is gone, also when a flush was writing it, and can come back', () => {
  const world = makeWorld(11)
  const queues = openQueues(world, { flushBatchPieces: 1 })
  for (let queueId = 0; queueId < 4; queueId++) {
    queues.queue('T', queueId).put(0, queueId, 1, 7)
    queues.queue('other', queueId).put(0, 10 + queueId, 1, 7)
  }
  let isDone = false
  queues.flush({ sync: true, all: true }, () => {
    isDone = true
  })
  world.clock.step()
  world.clock.step()
  queues.deleteTopic('T')
  const queue = queues.queue('T', 0)
  assert.equal(queue.maxOffset, 0)
  queue.put(0, 500, 1, 8)
  world.clock.runUntil(() => isDone)
  assert.deepEqual(world.disk.list('/store/consumequeue'), ['other'])
  assert.equal(queues.dirtyBytes, 20)
  assert.equal(closeQueues(world, queues), null)
  const again = openQueues(world)
  assert.deepEqual(unitsOf(world, again, 'T', 0), [[0, 500, 1, 8]])
  assert.deepEqual(again.queuesOf('T'), [0])
})

test('a failed flush is reported, keeps its units, and the next one writes them all', () => {
  const world = makeWorld(12)
  const queues = openQueues(world, { flushBatchPieces: 3 })
  for (let queueId = 0; queueId < 8; queueId++) {
    for (let i = 0; i < 120; i++) queues.queue('T', queueId).put(i, i, 1, queueId)
  }
  world.disk.faults.failWhen(
    (call) => call.kind === 'sync' && call.path.includes('/T/5/'),
    {
      code: 'EIO',
    },
    1,
  )
  const error = flush(world, queues)
  assert.equal((error as { code?: string } | null)?.code, 'EIO')
  assert.equal(queues.syncedThrough, 0)
  assert.ok(queues.dirtyBytes > 0)
  assert.equal(flush(world, queues), null)
  assert.deepEqual([queues.dirtyBytes, queues.dirtyQueues], [0, 0])
  assert.equal(queues.syncedThrough, 120)
  const prng = new Prng(1)
  const lastWrite = Number.POSITIVE_INFINITY
  const choice = { mode: 'power', prng, keep: 0, damage: 0, keepNames: 0, lastWrite } as const
  const after = openQueues({ clock: world.clock, disk: world.disk.crash(choice) })
  for (let queueId = 0; queueId < 8; queueId++) {
    assert.equal(after.queue('T', queueId).maxOffset, 120, `queue ${queueId}`)
  }
})

test('a sync that fails after its units have left memory freezes what counts as synced', () => {
  const world = makeWorld(13)
  const queues = openQueues(world, { cacheBytesMax: 0 })
  for (let i = 0; i < 50; i++) queues.queue('T', 0).put(i, i, 1, 0)
  assert.equal(flush(world, queues, { sync: false, all: true }), null)
  assert.equal(queues.bufferBytes, 0)
  world.disk.faults.failWhen((call) => call.kind === 'sync', { code: 'EIO' }, 1)
  assert.notEqual(flush(world, queues), null)
  queues.queue('T', 0).put(50, 50, 1, 0)
  assert.equal(flush(world, queues), null)
  assert.equal(queues.syncedThrough, 0)
  queues.beginRecovery({ whole: true })
  for (let i = 0; i < 51; i++) queues.queue('T', 0).put(i, i, 1, 0)
  queues.endRecovery(51)
  assert.equal(flush(world, queues), null)
  assert.equal(queues.syncedThrough, 51)
})

test('too many unwritten units ask the dispatcher to wait', () => {
  const world = makeWorld(14)
  const queues = openQueues(world, { dirtyBytesMax: 200 })
  for (let i = 0; i < 10; i++) queues.queue('T', 0).put(i, i, 1, 0)
  assert.equal(queues.full, true)
  assert.equal(flush(world, queues), null)
  assert.equal(queues.full, false)
})

test('a topic that is no folder name and files of another size are refused with a code', () => {
  const world = makeWorld(15)
  const queues = openQueues(world)
  for (const topic of ['', '.', '..', 'a/b', 'a\0b', '..\\x']) {
    assert.throws(() => queues.queue(topic, 0), { code: 'TOPIC_NOT_A_FOLDER_NAME' })
  }
  world.disk.open('/store/consumequeue/T/0/00000000000000000000', { create: true, size: 4000 })
  assert.throws(() => queues.queue('T', 0), { code: 'CONSUME_QUEUE_FILE_SIZE' })
  assert.throws(() => openQueues(world, { fileSize: 2001 }), { code: 'CONSUME_QUEUE_FILE_SIZE' })
})
