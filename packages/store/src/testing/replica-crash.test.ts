import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '@apogee/base'
import { type DiskStep, processKill, SimClock, type SimDisk } from '@apogee/env/sim'
import { TearingPrng } from './crash-enumeration.ts'
import { crashOptions, type FlushDiskType } from './crash-workload.ts'
import {
  contentOf,
  logBytes,
  type Pair,
  pieceSizes,
  readRaw,
  sendDrawn,
  settle,
  stream,
} from './replica-pair.ts'
import { makeWorld, TestStore, type World } from './store-fixture.ts'

// What a slave has acknowledged survives: its master's log is streamed to it while its disk is recorded, and from every
// step of the recording come disks as a crash may leave them.

/** A moment, counted in recorded disk steps, and what the slave said by then. */
interface Said {
  at: number
  stored: number
  flushed: number
}

interface Recording {
  pair: Pair
  said: Said[]
  steps: readonly DiskStep[]
}

const optionsOf = (flushDiskType: FlushDiskType, replica: boolean) => ({
  ...crashOptions(flushDiskType),
  // A few more messages of all sizes than that workload has.
  maxMessageSize: 3600,
  replica,
})

async function record(seed: number, flushDiskType: FlushDiskType): Promise<Recording> {
  const prng = new Prng(seed)
  const master = new TestStore(makeWorld(seed), optionsOf(flushDiskType, false))
  const world = makeWorld(seed + 1)
  world.disk.startRecording()
  let slave = new TestStore(world, optionsOf(flushDiskType, true))
  const pair = { master, slave }
  const said: Said[] = []
  const listen = (): void => {
    const { replication } = slave.store
    const note = (): void => {
      const { flushed, stored } = replication
      said.push({ at: world.disk.steps.length, stored, flushed })
    }
    replication.onProgress(note)
    note()
  }
  master.store.open()
  slave.store.open()
  listen()
  for (let round = 0; round < 16; round++) {
    sendDrawn(master, prng, round * 6, 6)
    assert.equal(stream(pair, pieceSizes(prng)), 0)
    if (prng.chance(0.3)) await slave.runFor(prng.below(70))
    if (!prng.chance(0.1)) continue
    await slave.close()
    slave = new TestStore(world, optionsOf(flushDiskType, true))
    slave.store.open()
    pair.slave = slave
    listen()
  }
  settle(slave)
  await slave.runFor(100)
  return { pair, said, steps: world.disk.steps }
}

/** Opens a slave from the image, holds it against what was said, and lets it catch up. Returns where it ended. */
function check(
  recording: Recording,
  step: number,
  image: SimDisk,
  flushDiskType: FlushDiskType,
  prng: Prng,
  about: string,
): number {
  const { master } = recording.pair
  const clock = new SimClock({ wallStartMs: 1_704_067_200_000 + 1e9 })
  const disk = image.crash(processKill(prng), clock)
  const world: World = { seed: 0, clock, disk, prng: prng.fork() }
  const slave = new TestStore(world, optionsOf(flushDiskType, true))
  const report = slave.store.open()
  assert.deepEqual(report.damaged, [], about)
  const { appended } = slave.store.replication
  const by = recording.said.findLast((one) => one.at <= step + 1)
  const promised = flushDiskType === 'SYNC_FLUSH' ? by?.stored : by?.flushed
  assert.ok(appended >= (promised ?? 0), `${about}: ${appended} of ${promised} are left`)
  const log = Buffer.concat(logBytes(master.world.disk, appended))
  assert.deepEqual(Buffer.concat(logBytes(disk, appended)), log, `${about}: other bytes`)
  if (!prng.chance(0.3)) return appended
  const pair = { master, slave }
  assert.equal(stream(pair, pieceSizes(prng)), 0, about)
  settle(slave)
  assert.deepEqual(contentOf(slave), contentOf(master), `${about}: after it caught up`)
  assert.equal(readRaw(slave, 0, 500).compare(readRaw(master, 0, 500)), 0)
  return appended
}

for (const flushDiskType of ['SYNC_FLUSH', 'ASYNC_FLUSH'] as const) {
  test(`${flushDiskType}: what a slave acknowledged survives every crash, and it catches up`, async (t) => {
    let images = 0
    let behind = 0
    for (const seed of [70, 80]) {
      const recording = await record(seed, flushDiskType)
      const { pair, steps } = recording
      assert.ok(steps.length > 200, 'a recording')
      const end = pair.master.store.watermarks.written
      const stride = Math.max(1, Math.floor(steps.length / 45))
      for (let step = 0; step < steps.length; step += stride) {
        const prng = new TearingPrng(seed ^ (step * 31))
        const variants = pair.slave.world.disk.crashImages(step, prng, 4)
        for (const [variant, image] of variants.entries()) {
          const about = `seed ${seed} step ${step} variant ${variant}`
          const found = check(recording, step, image, flushDiskType, new Prng(step), about)
          images++
          if (found < end) behind++
        }
      }
    }
    t.diagnostic(`${images} images, ${behind} of them before the end`)
    assert.ok(images > 300 && behind > 200)
  })
}
