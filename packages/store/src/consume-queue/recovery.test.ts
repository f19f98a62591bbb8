import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '@apogee/base'
import { powerCut, processKill, SimClock } from '@apogee/env/sim'
import type { ConsumeQueues } from './consume-queues.ts'
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

const TOPICS = ['A', 'B', 'C']
const QUEUES = 3
const WRITES = new Set(['write', 'sync', 'syncDirectory', 'writeMany'])
const OPTIONS = { flushBatchBytes: 600, flushBatchPieces: 4, cacheBytesMax: 4000, blocksMax: 3 }

function put(queues: ConsumeQueues, record: ModelLog['records'][number]): void {
  const { topic, queueId, queueOffset, physicalOffset, size, tagsCode } = record
  queues.queue(topic, queueId).put(queueOffset, physicalOffset, size, tagsCode)
}

function appendSome(prng: Prng, log: ModelLog, queues: ConsumeQueues): void {
  const count = prng.below(60)
  const hot = prng.below(QUEUES)
  for (let i = 0; i < count; i++) {
    const topic = TOPICS[prng.below(TOPICS.length)]!
    const queueId = prng.chance(0.6) ? hot : prng.below(QUEUES)
    put(queues, log.append(topic, queueId, 91 + prng.below(2000), prng.below(2 ** 32) - 2 ** 31))
  }
}

/** Lives until some moment, perhaps in the middle of a flush; returns how far the queues were synced. */
function live(prng: Prng, world: World, log: ModelLog, queues: ConsumeQueues): number {
  let rounds = 2 + prng.below(12)
  while (rounds-- > 0) {
    appendSome(prng, log, queues)
    if (prng.chance(0.3)) world.clock.runFor(prng.below(3000))
    if (prng.chance(0.2)) queues.evictIdle(prng.below(2000))
    if (queues.flushing || prng.chance(0.3)) {
      world.clock.step()
      continue
    }
    if (prng.chance(0.15)) {
      const code = prng.chance(0.5) ? 'EIO' : 'ENOSPC'
      let left = prng.below(12)
      world.disk.faults.failWhen((call) => WRITES.has(call.kind) && left-- === 0, { code }, 1)
    }
    queues.flush({ sync: prng.chance(0.6), all: prng.chance(0.8) }, () => {})
    if (prng.chance(0.5)) world.clock.runUntil(() => !queues.flushing)
  }
  return queues.syncedThrough
}

/** What the store does after a crash. */
function recover(queues: ConsumeQueues, log: ModelLog, from: number): void {
  queues.setLogRange(0, log.end)
  queues.startFrom(from)
  queues.beginRecovery()
  for (const record of log.records) if (record.physicalOffset >= from) put(queues, record)
  queues.endRecovery(log.end)
  if (!queues.gapFound) return
  queues.beginRecovery({ whole: true })
  for (const record of log.records) put(queues, record)
  queues.endRecovery(log.end)
}

function checkAll(prng: Prng, world: World, log: ModelLog, queues: ConsumeQueues): void {
  for (const topic of TOPICS) {
    for (let queueId = 0; queueId < QUEUES; queueId++) {
      if (prng.chance(0.3)) continue
      const expected = modelUnits(log, topic, queueId)
      const queue = queues.queue(topic, queueId)
      assert.equal(queue.nextOffset, expected.length)
      assert.equal(queue.maxOffset, expected.length)
      assert.equal(queue.minOffset(), 0)
      assert.deepEqual(unitsOf(world, queues, topic, queueId), expected)
    }
  }
}

function crash(prng: Prng, world: World): World {
  const choice = prng.chance(0.2) ? processKill(prng.fork()) : powerCut(prng.fork(), { damage: 0 })
  const clock = new SimClock()
  const disk = world.disk.crash(choice, clock)
  world.disk.powerOff()
  return { clock, disk }
}

function crashOften(seed: number): void {
  const prng = new Prng(seed)
  let world = makeWorld(seed)
  const log = new ModelLog()
  let queues = openQueues(world, OPTIONS, log.verify)
  queues.setLogRange(0, 0)
  for (let life = 0; life < 5; life++) {
    const synced = live(prng, world, log, queues)
    const copyOfEnd = log.end
    world = crash(prng, world)
    // The log keeps what the checkpoint says is in the queues, and loses any part of the rest.
    const ends = log.records.map((record) => record.physicalOffset).filter((end) => end >= synced)
    ends.push(copyOfEnd)
    log.cut(ends[prng.below(ends.length)]!)
    queues = openQueues(world, OPTIONS, log.verify)
    recover(queues, log, synced)
    assert.equal(queues.gapFound, false)
    checkAll(prng, world, log, queues)
  }
  assert.equal(
    wait<Error | null>(world, (done) => queues.close(done)),
    null,
  )
  queues = openQueues(world, OPTIONS, log.verify)
  queues.setLogRange(0, log.end)
  checkAll(prng, world, log, queues)
}

test('after any crash, dispatching again from syncedThrough gives the queues of the log', () => {
  for (let seed = 1; seed <= 300; seed++) {
    try {
      crashOften(seed)
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error })
    }
  }
})

test('a crash image at every disk call of a flush recovers', () => {
  const prng = new Prng(77)
  const world = makeWorld(77)
  const log = new ModelLog()
  const queues = openQueues(world, OPTIONS, log.verify)
  appendSome(prng, log, queues)
  assert.equal(flush(world, queues), null)
  const synced = queues.syncedThrough
  for (let i = 0; i < 6; i++) appendSome(prng, log, queues)
  world.disk.startRecording()
  assert.equal(flush(world, queues, { sync: false, all: true }), null)
  appendSome(prng, log, queues)
  assert.equal(flush(world, queues), null)
  for (let step = 0; step < world.disk.steps.length; step++) {
    for (const [index, disk] of world.disk.crashImages(step, new Prng(step), 6).entries()) {
      const after = { clock: new SimClock(), disk }
      const again = openQueues(after, OPTIONS, log.verify)
      recover(again, log, synced)
      assert.equal(again.gapFound && index < 3, false, `step ${step} image ${index}`)
      for (const topic of TOPICS) {
        for (let id = 0; id < QUEUES; id++) {
          assert.deepEqual(
            again.queue(topic, id).maxOffset,
            modelUnits(log, topic, id).length,
            `step ${step} image ${index}`,
          )
        }
      }
    }
  }
})

test('every disk call that fails during flush and reopen leaves queues that the log can restore', () => {
  let failed = true
  for (let k = 0; failed; k++) {
    const prng = new Prng(5)
    const world = makeWorld(5)
    const log = new ModelLog()
    let queues = openQueues(world, OPTIONS, log.verify)
    const first = world.disk.faults.calls
    world.disk.faults.failCall(first + k, { code: 'EIO' })
    for (let i = 0; i < 3; i++) {
      for (let tries = 0; tries < 3; tries++) {
        try {
          appendSome(prng, log, queues)
          break
        } catch (error) {
          // Loading a queue failed; the dispatcher comes back with the same record.
          assert.equal((error as { code?: string }).code, 'EIO')
          put(queues, log.records.at(-1)!)
        }
      }
      flush(world, queues)
    }
    assert.equal(flush(world, queues), null)
    assert.equal(queues.syncedThrough, log.end)
    assert.equal(
      wait<Error | null>(world, (done) => queues.close(done)),
      null,
    )
    failed = world.disk.faults.calls > first + k
    world.disk.faults.clear()
    queues = openQueues(world, OPTIONS, log.verify)
    queues.setLogRange(0, log.end)
    checkAll(new Prng(1), world, log, queues)
  }
})

test('a record that does not follow on its queue is a gap, and the whole log closes it', () => {
  const world = makeWorld(21)
  const log = new ModelLog()
  let queues = openQueues(world)
  for (let i = 0; i < 250; i++) put(queues, log.append('A', 0, 100, i))
  assert.equal(flush(world, queues), null)
  world.disk.remove('/store/consumequeue/A/0/00000000000000002000')
  world.disk.remove('/store/consumequeue/A/0/00000000000000004000')
  put(queues, log.append('A', 0, 100, 250))
  queues = openQueues(world, {}, log.verify)
  recover(queues, log, 25_000)
  assert.deepEqual(unitsOf(world, queues, 'A', 0), modelUnits(log, 'A', 0))
})

test('the whole log of which the first files are gone starts queues mid-way', () => {
  const world = makeWorld(22)
  const log = new ModelLog()
  for (let i = 0; i < 500; i++) log.append('A', i % 2, 100, i)
  log.records = log.records.slice(333)
  const queues = openQueues(world, {}, log.verify)
  queues.beginRecovery({ whole: true })
  for (const record of log.records) put(queues, record)
  queues.endRecovery(log.end)
  queues.setLogRange(33_300, log.end)
  assert.equal(queues.gapFound, false)
  assert.equal(flush(world, queues), null)
  for (const reopened of [queues, openQueues(world, {}, log.verify)]) {
    reopened.setLogRange(33_300, log.end)
    for (const id of [0, 1]) {
      assert.deepEqual(unitsOf(world, reopened, 'A', id), modelUnits(log, 'A', id))
    }
  }
})

test('records missing inside the log are bridged by fillers', () => {
  const world = makeWorld(23)
  const log = new ModelLog()
  for (let i = 0; i < 50; i++) log.append('A', 0, 100, i)
  log.records.splice(20, 5)
  const queues = openQueues(world)
  queues.beginRecovery({ whole: true })
  for (const record of log.records) put(queues, record)
  queues.endRecovery(log.end)
  const units = unitsOf(world, queues, 'A', 0)
  assert.equal(units.length, 50)
  assert.deepEqual(units[22], [22, 2500, 0x7fffffff, 0])
  assert.deepEqual(units[25], [25, 2500, 100, 25])
  queues.setLogRange(2500, log.end)
  assert.equal(queues.queue('A', 0).minOffset(), 20)
})

test('junk behind the end of a queue is dropped and cleared when it is loaded', () => {
  const world = makeWorld(24)
  const log = new ModelLog()
  let queues = openQueues(world)
  for (let i = 0; i < 130; i++) put(queues, log.append('A', 0, 100, i))
  assert.equal(flush(world, queues), null)
  // The log lost its end, and other records took the place.
  log.cut(11_000)
  for (let i = 0; i < 50; i++) log.append('B', 0, 100, i)
  queues = openQueues(world, {}, log.verify)
  queues.setLogRange(0, log.end)
  assert.equal(queues.queue('A', 0).maxOffset, 110)
  const again = openQueues(world)
  again.setLogRange(0, log.end)
  assert.equal(again.queue('A', 0).maxOffset, 110)
})

test('garbage in the folders gives queues or coded errors, never anything else', () => {
  for (let seed = 1; seed <= 150; seed++) {
    const prng = new Prng(seed)
    const world = makeWorld(seed)
    const names = ['00000000000000000000', '00000000000000002000', '00000000000000004000', 'x']
    for (const name of names) {
      if (prng.chance(0.3)) continue
      const file = world.disk.open(`/store/consumequeue/T/0/${name}`, { create: true })
      const bytes = Buffer.alloc(prng.chance(0.5) ? 2000 : prng.below(2300))
      for (let i = 0; i < bytes.length; i++) bytes[i] = prng.chance(0.5) ? 0 : prng.below(256)
      file.writeNow(bytes, 0)
      file.close()
    }
    const queues = openQueues(world, {}, prng.chance(0.5) ? () => prng.chance(0.5) : undefined)
    if (prng.chance(0.5)) queues.setLogRange(prng.below(1000), prng.below(2 ** 31))
    try {
      const queue = queues.queue('T', 0)
      assert.ok(queue.minOffset() <= queue.maxOffset, `seed ${seed}`)
      unitsOf(world, queues, 'T', 0)
      queue.put(queue.maxOffset, 2 ** 40, 100, 1)
      queues.deleteExpired(prng.below(2 ** 31))
      assert.equal(flush(world, queues), null)
      queues.beginRecovery({ whole: prng.chance(0.5) })
      for (let i = 0; i < 10; i++) queue.put(prng.below(400), 2 ** 41 + i * 100, 100, 1)
      queues.endRecovery(2 ** 42)
      assert.equal(flush(world, queues), null)
    } catch (error) {
      assert.equal(
        (error as { code?: string }).code,
        'CONSUME_QUEUE_FILE_SIZE',
        `seed ${seed}: ${String(error)}`,
      )
    }
  }
})
