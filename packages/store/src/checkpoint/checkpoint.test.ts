import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '@apogee/base'
import { powerCut, SimClock } from '@apogee/env/sim'
import { makeWorld, type World, wait } from '../consume-queue/queues.fixture.ts'
import { ApogeeCheckpoint, type ApogeeCheckpointValues } from './apogee-checkpoint.ts'
import { Checkpoint } from './checkpoint.ts'

const PATH = '/store/checkpoint'
const SIDECAR_PATH = '/store/apogee.checkpoint'

function save(world: World, checkpoint: Checkpoint): Error | null {
  return wait<Error | null>(world, (done) => checkpoint.save(done))
}

function loaded(world: World): Checkpoint {
  const checkpoint = new Checkpoint(PATH, world.disk)
  checkpoint.load()
  return checkpoint
}

function write(world: World, path: string, bytes: Uint8Array): void {
  const file = world.disk.open(path, { create: true })
  file.truncate(0)
  file.writeNow(bytes, 0)
  file.close()
}

function values(dispatchedThrough: number): ApogeeCheckpointValues {
  return { dispatchedThrough, flushedThrough: 900, indexedThrough: 100, logEnd: null }
}

test("the checkpoint has Apache's size and layout", () => {
  const world = makeWorld(1)
  const checkpoint = loaded(world)
  assert.equal(checkpoint.physicMsgTimestamp, 0)
  checkpoint.physicMsgTimestamp = 1_700_000_000_001
  checkpoint.logicsMsgTimestamp = 1_700_000_000_002
  checkpoint.indexMsgTimestamp = 1_700_000_000_003
  checkpoint.masterFlushedOffset = 5_000_000_000
  checkpoint.confirmPhyOffset = 7
  assert.equal(save(world, checkpoint), null)
  const bytes = Buffer.from(world.disk.contents().get(PATH)!)
  assert.equal(bytes.length, 4096)
  assert.deepEqual(
    [0, 8, 16, 24, 32, 40].map((at) => Number(bytes.readBigInt64BE(at))),
    [1_700_000_000_001, 1_700_000_000_002, 1_700_000_000_003, 5_000_000_000, 7, 0],
  )
  const again = loaded({
    ...world,
    disk: world.disk.crash(powerCut(new Prng(1), { keep: 0, keepNames: 0 })),
  })
  assert.equal(again.indexMsgTimestamp, 1_700_000_000_003)
  assert.equal(again.masterFlushedOffset, 5_000_000_000)
})

test('a short or garbage checkpoint reads as zeros or as what is there', () => {
  const world = makeWorld(2)
  write(world, PATH, Buffer.alloc(12, 1))
  assert.equal(loaded(world).physicMsgTimestamp, 0)
  assert.equal(loaded(world).confirmPhyOffset, 0)
  write(world, PATH, Buffer.alloc(4096, 0xff))
  assert.equal(loaded(world).physicMsgTimestamp, 0)
})

test('a failed save is reported, and the next one works on a new handle', () => {
  for (const kind of ['writeMany', 'open', 'write', 'sync', 'syncDirectory']) {
    const world = makeWorld(3)
    const checkpoint = loaded(world)
    checkpoint.confirmPhyOffset = 1
    world.disk.faults.failWhen((call) => call.kind === kind, { code: 'EIO' }, 1)
    assert.equal((save(world, checkpoint) as { code?: string }).code, 'EIO', kind)
    checkpoint.confirmPhyOffset = 2
    assert.equal(save(world, checkpoint), null)
    const disk = world.disk.crash(powerCut(new Prng(1), { keep: 0, keepNames: 0 }))
    assert.equal(loaded({ ...world, disk }).confirmPhyOffset, 2, kind)
  }
})

test('the sidecar gives back the newest values that go with the checkpoint', () => {
  const world = makeWorld(4)
  const checkpoint = loaded(world)
  const sidecar = new ApogeeCheckpoint(SIDECAR_PATH, world.disk)
  const saveSidecar = (dispatched: number): Error | null =>
    wait<Error | null>(world, (done) => sidecar.save(values(dispatched), checkpoint, done))
  const load = (): ApogeeCheckpointValues | null =>
    new ApogeeCheckpoint(SIDECAR_PATH, world.disk).load(loaded(world))
  assert.equal(load(), null)
  for (let i = 1; i <= 5; i++) {
    checkpoint.logicsMsgTimestamp = i * 1000
    assert.equal(saveSidecar(i), null)
    assert.deepEqual(load(), i === 1 ? null : values(i - 1), 'before the checkpoint is written')
    assert.equal(save(world, checkpoint), null)
    assert.deepEqual(load(), values(i))
  }
  // An Apache broker runs on the store.
  const apache = loaded(world)
  apache.physicMsgTimestamp = 77
  assert.equal(save(world, apache), null)
  assert.equal(load(), null)
  // And we again: the sequence goes on.
  const next = new ApogeeCheckpoint(SIDECAR_PATH, world.disk)
  next.load(loaded(world))
  const clean = { ...values(9), logEnd: 1234 }
  assert.equal(
    wait<Error | null>(world, (done) => next.save(clean, loaded(world), done)),
    null,
  )
  assert.deepEqual(load(), clean)
})

test('whatever a crash leaves, the sidecar gives the last or the one before', () => {
  for (let seed = 1; seed <= 150; seed++) {
    const world = makeWorld(seed)
    const prng = new Prng(seed)
    const checkpoint = loaded(world)
    const sidecar = new ApogeeCheckpoint(SIDECAR_PATH, world.disk)
    for (let i = 1; i <= 3; i++) {
      assert.equal(
        wait<Error | null>(world, (done) => sidecar.save(values(i), checkpoint, done)),
        null,
      )
    }
    assert.equal(save(world, checkpoint), null)
    sidecar.save(values(4), checkpoint, () => {})
    for (let steps = prng.below(3); steps > 0; steps--) world.clock.step()
    const disk = world.disk.crash(powerCut(prng.fork()), new SimClock())
    const found = new ApogeeCheckpoint(SIDECAR_PATH, disk).load(loaded({ ...world, disk }))
    assert.ok(found?.dispatchedThrough === 3 || found?.dispatchedThrough === 4, `seed ${seed}`)
  }
})

test('a sidecar of garbage is none', () => {
  for (let seed = 1; seed <= 100; seed++) {
    const world = makeWorld(seed)
    const prng = new Prng(seed)
    const bytes = Buffer.alloc(prng.below(9000))
    for (let i = 0; i < bytes.length; i++) bytes[i] = prng.chance(0.1) ? 10 : prng.below(256)
    write(world, SIDECAR_PATH, bytes)
    assert.equal(new ApogeeCheckpoint(SIDECAR_PATH, world.disk).load(loaded(world)), null)
  }
})
