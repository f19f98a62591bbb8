import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '@apogee/base'
import { type DiskCall, powerCut, processKill, SimClock } from '@apogee/env/sim'
import { makeWorld, type World } from '../consume-queue/queues.fixture.ts'
import {
  appendSome,
  checkSome,
  close,
  flush,
  LOAD,
  type Message,
  openIndex,
  put,
} from './index.fixture.ts'
import type { IndexService } from './index-service.ts'

function crashOften(seed: number): void {
  const prng = new Prng(seed)
  let world = makeWorld(seed)
  const options = { slots: 1 + prng.below(4000), entries: 30 + prng.below(600) }
  let index = openIndex(world, options)
  index.load(LOAD)
  let messages: Message[] = []
  for (let life = 0; life < 5; life++) {
    live(prng, world, messages, index)
    const synced = index.syncedThrough
    const choice = prng.chance(0.3)
      ? processKill(prng.fork())
      : powerCut(prng.fork(), { damage: 0 })
    const clock = new SimClock()
    const disk = world.disk.crash(choice, clock)
    world.disk.powerOff()
    world = { clock, disk }
    // The log lost some of its end, but nothing that the checkpoint covers.
    const keep = messages.filter((message) => message.physicalOffset <= synced).length
    messages = messages.slice(0, keep + prng.below(messages.length - keep + 1))
    const logEnd = (messages.at(-1)?.physicalOffset ?? -1) + 1
    index = openIndex(world, options)
    index.load({ crashed: true, sidecar: { indexedThrough: synced }, indexMsgTimestamp: 0, logEnd })
    assert.ok(index.endPhysicalOffset >= Math.min(synced, logEnd))
    for (const message of messages) {
      if (message.physicalOffset >= index.endPhysicalOffset) put(index, message)
    }
    checkSome(prng, world, index, messages, `life ${life}`)
  }
}

/** Lives until some moment, perhaps in the middle of a flush. */
function live(prng: Prng, world: World, messages: Message[], index: IndexService): void {
  for (let round = prng.below(8); round >= 0; round--) {
    appendSome(prng, messages, index)
    if (prng.chance(0.1)) {
      let left = prng.below(10)
      const matches = (call: DiskCall): boolean => WRITES.has(call.kind) && left-- === 0
      world.disk.faults.failWhen(matches, { code: 'EIO' }, 1)
    }
    if (prng.chance(0.3)) continue
    let isDone = false
    index.flushNow(() => {
      isDone = true
    })
    if (prng.chance(0.3)) appendSome(prng, messages, index)
    world.clock.runUntil(() => isDone)
  }
  if (prng.chance(0.3)) return
  index.flushNow(() => {})
  for (let steps = prng.below(14); steps > 0; steps--) {
    world.clock.step()
    if (prng.chance(0.3)) appendSome(prng, messages, index)
  }
}

const WRITES = new Set(['write', 'sync', 'syncDirectory', 'writeMany'])

test('after any crash the index goes on from its end and answers like a list', () => {
  for (let seed = 1; seed <= 100; seed++) {
    try {
      crashOften(seed)
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error })
    }
  }
})

test('no slot on disk leads past the entries that were written before it', () => {
  const prng = new Prng(9)
  const world = makeWorld(9)
  const index = openIndex(world, { slots: 700, entries: 4000 })
  index.load(LOAD)
  const messages: Message[] = []
  for (let i = 0; i < 10; i++) appendSome(prng, messages, index)
  assert.equal(flush(world, index), null)
  world.disk.startRecording()
  let isDone = false
  index.flushNow(() => {
    isDone = true
  })
  while (!isDone) {
    appendSome(prng, messages, index)
    world.clock.step()
  }
  const path = `/store/index/${world.disk.list('/store/index')[0]}`
  for (let step = 0; step < world.disk.steps.length; step++) {
    for (const disk of world.disk.crashImages(step, new Prng(step), 8)) {
      const bytes = Buffer.from(disk.contents().get(path) ?? [])
      const entriesAt = 40 + 4 * 700
      for (let slot = 0; slot < 700; slot++) {
        const entry = bytes.readInt32BE(40 + slot * 4)
        if (entry === 0) continue
        const hash = bytes.readInt32BE(entriesAt + entry * 20)
        assert.equal(hash % 700, slot, `step ${step} entry ${entry}`)
      }
      const count = bytes.readInt32BE(36)
      const phys = Number(bytes.readBigInt64BE(entriesAt + (count - 1) * 20 + 4))
      assert.equal(phys, Number(bytes.readBigInt64BE(24)), `step ${step}`)
    }
  }
})

test('every disk call that fails leaves an index that works once the disk does', () => {
  let failed = true
  for (let k = 0; failed; k++) {
    const prng = new Prng(3)
    const world = makeWorld(3)
    const messages: Message[] = []
    let index = openIndex(world, { slots: 1200, entries: 60 })
    index.load(LOAD)
    const first = world.disk.faults.calls
    world.disk.faults.failCall(first + k, { code: 'EIO' })
    for (let i = 0; i < 4; i++) {
      appendSome(prng, messages, index)
      flush(world, index)
    }
    assert.equal(flush(world, index), null, `call ${k}`)
    assert.equal(index.syncedThrough, index.endPhysicalOffset)
    failed = world.disk.faults.calls > first + k
    world.disk.faults.clear()
    checkSome(prng, world, index, messages, `call ${k}`)
    assert.equal(close(world, index), null)
    const sidecar = { indexedThrough: index.syncedThrough }
    const choice = powerCut(new Prng(k), { keep: 0, keepNames: 0 })
    const after = { clock: world.clock, disk: world.disk.crash(choice) }
    index = openIndex(after, { slots: 1200, entries: 60 })
    index.load({ ...LOAD, crashed: true, sidecar })
    checkSome(prng, after, index, messages, `call ${k}, cut`)
  }
})
