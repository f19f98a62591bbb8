import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ApogeeError, Prng } from '@apogee/base'
import { processKill, SimClock, type SimDisk } from '@apogee/env/sim'
import { TearingPrng } from '../testing/crash-enumeration.ts'
import { crashOptions } from '../testing/crash-workload.ts'
import { contentOf, seeds } from '../testing/replica-pair.ts'
import {
  killed,
  makeWorld,
  ROOT,
  recordingLogger,
  TestStore,
  testOptions,
  type World,
} from '../testing/store-fixture.ts'
import { cutClosedLog } from './cut-closed-log.ts'

const KEEP = `${ROOT}/diverged/123-456.log`
const options = crashOptions('SYNC_FLUSH')

interface Before {
  world: World
  end: number
  content: { [queue: string]: string[] }
  /** Key and place of each message. */
  keys: { topic: string; key: string; at: number }[]
  boundaries: number[]
  log: Buffer
}

/** A store with messages over several files, closed or killed. */
async function madeStore(seed: number, clean: boolean): Promise<Before> {
  const prng = new Prng(seed)
  const it = new TestStore(makeWorld(seed), options)
  it.store.open()
  const keys: Before['keys'] = []
  for (let i = 0; i < 60; i++) {
    const body = `m${i}`.padEnd(prng.below(500))
    const message = { topic: `T${prng.below(2)}`, queueId: prng.below(2), keys: `k${i}`, body }
    const { topic } = message
    keys.push({ topic, key: `k${i}`, at: it.sendAndWait(message).physicalOffset })
    if (prng.chance(0.1)) await it.runFor(60)
  }
  const end = it.store.watermarks.flushed
  const content = contentOf(it)
  const log = logOf(it.world.disk, 0, end)
  if (clean) await it.close()
  const world = killed(it.world)
  return { world, end, content, keys, boundaries: [...keys.map(({ at }) => at), end], log }
}

function logOf(disk: SimDisk, from: number, to: number): Buffer {
  const folder = `${ROOT}/commitlog`
  const all = Buffer.alloc(to)
  for (const name of disk.list(folder)) {
    const length = Math.min(4096, to - Number(name))
    if (length <= 0) continue
    const file = disk.open(`${folder}/${name}`)
    file.readNow(all, Number(name), length, 0)
    file.close()
  }
  return all.subarray(from)
}

function bytesOf(disk: SimDisk, path: string): Buffer | null {
  const bytes = disk.contents().get(path)
  return bytes === undefined ? null : Buffer.from(bytes)
}

async function run<T>(world: World, promise: Promise<T>): Promise<T> {
  return new TestStore(world, options).resolve(promise)
}

function cut(world: World, at: number, end: number): Promise<void> {
  const { clock, disk } = world
  const deps = { clock, disk, log: recordingLogger([]) }
  return run(world, cutClosedLog(testOptions(options), deps, { at, end, keep: KEEP }))
}

function contentBelow(before: Before, at: number): Before['content'] {
  const below = Object.entries(before.content).map(([queue, messages]): [string, string[]] => [
    queue,
    messages.filter((text) => Number(text.split(' ')[1]) < at),
  ])
  return Object.fromEntries(below.filter(([, messages]) => messages.length > 0))
}

function contentNow(it: TestStore): Before['content'] {
  return Object.fromEntries(Object.entries(contentOf(it)).filter(([, all]) => all.length > 0))
}

/** Opens the store and compares it with the log up to where it ends now; one of `sample` keys. Returns that end. */
async function openAndCheck(
  world: World,
  before: Before,
  about: string,
  sample = 1,
): Promise<number> {
  const it = new TestStore(world, options)
  const report = it.store.open()
  assert.deepEqual(report.damaged, [], about)
  const end = it.store.maxPhysicalOffset
  const below = contentBelow(before, end)
  assert.deepEqual(contentNow(it), below, about)
  await it.runFor(200)
  const keys =
    sample === 1 ? before.keys : before.keys.filter((_, i) => i % sample === end % sample)
  for (const { key, topic, at } of keys) {
    const found = await it.resolve(it.store.queryByKey(topic, key, 8, 0, 1e15))
    assert.equal(found.records.length, at < end ? 1 : 0, `${about}: ${key}`)
  }
  await checkLife(it, below, about)
  return end
}

/** New messages go on where the cut queues end, and stay so over a crash and a clean stop. */
async function checkLife(it: TestStore, below: Before['content'], about: string): Promise<void> {
  for (let i = 0; i < 12; i++) {
    const queue = `T${i % 2}/${(i >> 1) % 2}`
    const sent = it.sendAndWait({ topic: `T${i % 2}`, queueId: (i >> 1) % 2, body: `new${i}` })
    const count = (below[queue] ?? []).length + Math.floor(i / 4)
    assert.equal(sent.queueOffset, count, about)
  }
  const content = contentNow(it)
  const again = new TestStore(killed(it.world), options)
  again.store.open()
  assert.deepEqual(contentNow(again), content, about)
  await again.close()
  const last = new TestStore(killed(again.world), options)
  last.store.open()
  assert.deepEqual(contentNow(last), content, about)
}

test('the log ends at the cut, everything derived follows, and the rest is kept aside', async () => {
  for (const seed of seeds(1, 8)) {
    for (const clean of [true, false]) {
      const before = await madeStore(seed, clean)
      const prng = new Prng(seed)
      const at = before.boundaries[prng.below(before.boundaries.length)]!
      const about = `seed ${seed} clean ${clean} at ${at} of ${before.end}`
      await cut(before.world, at, before.end)
      const { disk } = before.world
      assert.deepEqual(bytesOf(disk, KEEP), before.log.subarray(at), about)
      const files = disk.list(`${ROOT}/commitlog`)
      assert.ok(Number(files.at(-1)) <= at, about)
      const rest = logOf(disk, at, Number(files.at(-1)) + 4096)
      assert.ok(
        rest.every((byte) => byte === 0),
        'nothing behind the end',
      )
      assert.equal(await openAndCheck(before.world, before, about), at, about)
    }
  }
})

test('the checkpoint of an Apache broker is not ahead of what was cut', async () => {
  const before = await madeStore(3, true)
  const at = before.boundaries[20]!
  await cut(before.world, at, before.end)
  const { disk } = before.world
  assert.ok(disk.exists(`${ROOT}/abort`), 'it recovers as after a crash')
  const first = before.log.readBigInt64BE(Math.floor((at - 1) / 4096) * 4096 + 56)
  const checkpoint = bytesOf(disk, `${ROOT}/checkpoint`)!
  for (const position of [0, 8, 16]) {
    assert.ok(checkpoint.readBigInt64BE(position) <= first, `time at ${position}`)
  }
  // Without our own file, as an Apache broker sees it.
  disk.remove(`${ROOT}/apogee.checkpoint`)
  assert.equal(await openAndCheck(before.world, before, 'without apogee.checkpoint'), at)
})

test('what cannot be cut is refused with a code and left alone', async () => {
  const before = await madeStore(4, true)
  const contents = new Map(before.world.disk.contents())
  const refused = async (at: number, end: number): Promise<string> => {
    try {
      await cut(before.world, at, end)
    } catch (error) {
      assert.ok(error instanceof ApogeeError)
      return error.code
    }
    return 'none'
  }
  assert.equal(await refused(before.end + 8192, before.end + 9000), 'LOG_CUT_OUTSIDE')
  assert.equal(await refused(before.end, before.end - 1), 'LOG_CUT_OUTSIDE')
  const lock = before.world.disk.lock(`${ROOT}/lock`)!
  assert.equal(await refused(before.boundaries[3]!, before.end), 'STORE_LOCKED')
  lock.release()
  for (const [path, bytes] of contents) {
    assert.deepEqual(before.world.disk.contents().get(path), bytes, path)
  }
})

test('a disk that fails before the cut leaves the log as it was', async () => {
  for (const kind of ['write', 'sync', 'open', 'read'] as const) {
    const before = await madeStore(5, false)
    const { faults } = before.world.disk
    faults.failWhen((call) => call.kind === kind && call.path === KEEP, { code: 'EIO' }, 1)
    faults.failWhen((call) => call.kind === kind && kind === 'read', { code: 'EIO' }, 1)
    await assert.rejects(cut(before.world, before.boundaries[10]!, before.end), /EIO/, kind)
    faults.clear()
    assert.equal(await openAndCheck(before.world, before, kind), before.end)
  }
})

test('every crash of a cut leaves a store that opens, with what was cut kept aside', async (t) => {
  let images = 0
  const ends = new Map<string, number>()
  for (const seed of seeds(30, 2)) {
    const before = await madeStore(seed, seed % 2 === 0)
    const { disk } = before.world
    const at = before.boundaries[10 + new Prng(seed).below(20)]!
    disk.startRecording()
    await cut(before.world, at, before.end)
    assert.ok(disk.steps.length > 10, 'a recording')
    for (let step = 0; step < disk.steps.length; step++) {
      const prng = new TearingPrng(seed ^ (step * 131))
      for (const [variant, image] of disk.crashImages(step, prng, 5).entries()) {
        const about = `seed ${seed} step ${step} variant ${variant} at ${at} of ${before.end}`
        const clock = new SimClock({ wallStartMs: 1_704_067_200_000 + 1e9 })
        const world = { ...before.world, clock, disk: image.crash(processKill(prng), clock) }
        const kept = bytesOf(world.disk, KEEP)
        const end = await openAndCheck(world, before, about, 12)
        assert.ok(end >= at && end <= before.end, `${about}: ends at ${end}`)
        if (step === disk.steps.length - 1) assert.equal(end, at, `${about}: it was done`)
        if (end < before.end) assert.deepEqual(kept, before.log.subarray(at), about)
        const which = end === at ? 'cut' : end === before.end ? 'whole' : 'between'
        ends.set(which, (ends.get(which) ?? 0) + 1)
        images++
      }
    }
  }
  t.diagnostic(`${images} images: ${JSON.stringify([...ends])}`)
  assert.ok((ends.get('cut') ?? 0) > 20 && (ends.get('whole') ?? 0) > 50)
})
