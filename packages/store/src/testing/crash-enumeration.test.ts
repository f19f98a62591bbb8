import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DiskFile } from '@apogee/env'
import type { SimDisk } from '@apogee/env/sim'
import {
  describeFailure,
  type EnumerationOptions,
  type EnumerationResult,
  enumerateCrashes,
  shrink,
} from './crash-enumeration.ts'

// APOGEE_CRASH_IMAGES: images in all (default about 6,000; a million is a night). APOGEE_CRASH_SEED: where to start.
const images = Number(process.env['APOGEE_CRASH_IMAGES'] ?? 6000)
const firstSeed = Number(process.env['APOGEE_CRASH_SEED'] ?? 11)
const IMAGES_PER_RUN = 1500

let total = 0
async function mustHold(options: EnumerationOptions): Promise<EnumerationResult> {
  const result = await enumerateCrashes(options)
  total += result.images
  if (result.failure === null) return result
  assert.fail(describeFailure(options, await shrink(options, result.failure, 40)))
}

for (let run = 0; run * IMAGES_PER_RUN < images; run++) {
  const flushDiskType = run % 2 === 0 ? 'SYNC_FLUSH' : 'ASYNC_FLUSH'
  const seed = firstSeed + (run >> 1)
  test(`every crash of workload ${seed} keeps the promises of ${flushDiskType}`, async (t) => {
    const options = { seed, flushDiskType, opCount: 90, imagesPerStep: 6, images: IMAGES_PER_RUN }
    const result = await mustHold(options as EnumerationOptions)
    assert.ok(result.messages > 50 && result.steps > 500, 'a workload that does something')
    const { messages, refused, steps } = result
    t.diagnostic(
      `${result.images} images of ${steps} steps, ${messages} messages, ${refused} refused`,
    )
  })
}

test('a store with garbled sectors opens and gives nothing altered, doubled or moved', async () => {
  for (const flushDiskType of ['SYNC_FLUSH', 'ASYNC_FLUSH'] as const) {
    const options = { seed: 5, flushDiskType, opCount: 60, imagesPerStep: 8, images: 600 }
    await mustHold({ ...options, garble: true })
  }
})

test('enough images were checked', (t) => {
  t.diagnostic(`${total} images, seeds from ${firstSeed}`)
  assert.ok(total >= Math.min(images, 5000), `${total}`)
})

/** Wraps the files that `matches` names. */
function tamper(
  disk: SimDisk,
  matches: RegExp,
  change: (file: DiskFile) => Partial<DiskFile>,
): void {
  const open = disk.open.bind(disk)
  disk.open = (path, options) => {
    const file = open(path, options)
    if (!matches.test(path)) return file
    for (const [name, call] of Object.entries(change(file))) {
      Object.defineProperty(file, name, { value: call })
    }
    return file
  }
}

const noSync = (): Partial<DiskFile> => ({
  sync: (done) => queueMicrotask(() => done(null)),
  syncNow: () => {},
})

const sabotages: [name: string, found: RegExp, options: Partial<EnumerationOptions>][] = [
  [
    'acknowledges before it syncs',
    /^(second: )?lost|another offset/,
    { flushDiskType: 'ASYNC_FLUSH', promise: 'SYNC_FLUSH' },
  ],
  [
    'syncs of the log do nothing',
    /^(second: )?lost|another offset/,
    { sabotage: (disk) => tamper(disk, /commitlog/, noSync) },
  ],
  [
    'names of new log files are not made durable',
    /^(second: )?lost|another offset/,
    {
      sabotage: (disk) => {
        disk.syncDirectory = () => {}
      },
    },
  ],
  [
    'consume queues are not synced before the checkpoint says so',
    /lost|not dense/,
    { sabotage: (disk) => tamper(disk, /consumequeue/, noSync) },
  ],
  [
    'what lies behind the end of the log is not erased',
    /an old message came back|not dense/,
    { sabotage: (disk) => tamper(disk, /commitlog/, () => ({ truncate: () => {} })) },
  ],
  [
    'the last byte of each write to the log is wrong',
    /lost|another|damage|cannot be decoded/,
    {
      sabotage: (disk) =>
        tamper(disk, /commitlog/, (file) => {
          const write = file.write.bind(file)
          return {
            write: (chunks, position, done) => {
              const bytes = Buffer.concat(chunks)
              if (bytes.length > 700) bytes[bytes.length - 1]! ^= 1
              write([bytes], position, done)
            },
          }
        }),
    },
  ],
]

for (const [name, found, broken] of sabotages) {
  test(`the checker finds a store that breaks its word: ${name}`, async (t) => {
    let images = 0
    for (let seed = 11; seed < 17; seed++) {
      const flushDiskType = 'SYNC_FLUSH'
      const options = {
        seed,
        opCount: 90,
        imagesPerStep: 6,
        images: 1500,
        flushDiskType,
        ...broken,
      }
      const result = await enumerateCrashes(options as EnumerationOptions)
      images += result.images
      if (result.failure === null) continue
      t.diagnostic(`after ${images} images: ${result.failure.problem.slice(0, 80)}`)
      assert.match(result.failure.problem, found)
      return
    }
    assert.fail(`nothing in ${images} images`)
  })
}
