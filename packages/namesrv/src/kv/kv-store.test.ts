import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { Prng } from '@apogee/base'
import { SimClock, SimDisk } from '@apogee/env/sim'
import { silentLogger } from '@apogee/remoting'
import { KvStore } from './kv-store.ts'

const CHANGES = 5
const IMAGES_PER_STEP = 8
const OPTIONS = { path: '/home/me/namesrv/kvConfig.json', bytesMax: 10_000 }

function storeOn(disk: SimDisk, clock: SimClock): KvStore {
  return new KvStore(OPTIONS, { env: { disk, clock }, log: silentLogger })
}

function valueIn(store: KvStore): number {
  return Number(store.table.get('n', 'k') ?? '0')
}

for (const seed of [1, 2, 3]) {
  test(`whatever a power cut leaves, acknowledged KV changes are there (seed ${seed})`, async () => {
    const clock = new SimClock()
    const prng = new Prng(seed)
    const disk = new SimDisk({ clock, prng: prng.fork() })
    const store = storeOn(disk, clock)
    store.load()
    disk.startRecording()
    /** Steps of the disk before the acknowledgement of change 1, 2, … */
    const stepsBefore: number[] = []
    for (let value = 1; value <= CHANGES; value++) {
      const change = store.change((table) =>
        table.with('n', 'k', 'x'.repeat(2_000)).with('n', 'k', `${value}`),
      )
      await clock.runForAsync(1_000, () => setImmediate())
      assert.equal(await change, null)
      stepsBefore.push(disk.steps.length)
    }
    for (let step = 0; step < disk.steps.length; step++) {
      const acknowledged = stepsBefore.filter((count) => count <= step + 1).length
      for (const image of disk.crashImages(step, prng, IMAGES_PER_STEP)) {
        const after = storeOn(image, new SimClock())
        after.load()
        const value = valueIn(after)
        const isRight = value >= acknowledged && value <= acknowledged + 1
        assert(isRight, `step ${step}: ${value} after ${acknowledged} acknowledged`)
      }
    }
  })
}
