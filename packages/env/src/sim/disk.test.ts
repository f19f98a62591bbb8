import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '@apogee/base'
import { SimClock } from './clock.ts'
import { powerCut, processKill } from './crash.ts'
import { SimDisk } from './disk.ts'

const text = (value: string): Uint8Array => Buffer.from(value)

function makeDisk(capacity?: number): { disk: SimDisk; clock: SimClock; prng: Prng } {
  const clock = new SimClock()
  const prng = new Prng(7)
  const options = capacity === undefined ? {} : { capacity }
  return { disk: new SimDisk({ clock, prng, ...options }), clock, prng }
}

const allLost = (prng: Prng) => powerCut(prng, { keep: 0, damage: 0, keepNames: 0 })
const allKept = (prng: Prng) => powerCut(prng, { keep: 1, damage: 0, keepNames: 1 })

function readAll(disk: SimDisk, path: string): string {
  const file = disk.open(path)
  const bytes = Buffer.alloc(file.size())
  file.readNow(bytes, 0, bytes.length, 0)
  file.close()
  return bytes.toString('latin1')
}

/** A disk with /d/a = "old", all durable. */
function settled(): { disk: SimDisk; clock: SimClock; prng: Prng } {
  const made = makeDisk()
  const file = made.disk.open('/d/a', { create: true })
  file.writeNow(text('old'), 0)
  file.syncNow()
  file.close()
  made.disk.syncDirectory('/d')
  made.disk.syncDirectory('/')
  return made
}

test('a power cut loses what was not synced and keeps what was', () => {
  const { disk, prng } = settled()
  const file = disk.open('/d/a')
  file.writeNow(text('new and longer'), 0)
  assert.equal(readAll(disk, '/d/a'), 'new and longer')
  assert.equal(readAll(disk.crash(allLost(prng)), '/d/a'), 'old')
  assert.equal(readAll(disk.crash(allKept(prng)), '/d/a'), 'new and longer')
  file.syncNow()
  assert.equal(readAll(disk.crash(allLost(prng)), '/d/a'), 'new and longer')
})

test('a process kill keeps all that was written, and a later power cut can still take it', () => {
  const { disk, prng } = settled()
  disk.open('/d/a').writeNow(text('new'), 0)
  disk.open('/d/b', { create: true }).writeNow(text('b'), 0)
  const killed = disk.crash(processKill(prng))
  assert.equal(readAll(killed, '/d/a'), 'new')
  assert.equal(readAll(killed, '/d/b'), 'b')
  const cut = killed.crash(allLost(prng))
  assert.equal(readAll(cut, '/d/a'), 'old')
  assert.equal(cut.exists('/d/b'), false)
})

test('a new name is lost without a sync of its folder, even when the file was synced', () => {
  const { disk, prng } = settled()
  const file = disk.open('/d/b', { create: true })
  file.writeNow(text('b'), 0)
  file.syncNow()
  assert.deepEqual(disk.crash(allLost(prng)).list('/d'), ['a'])
  disk.syncDirectory('/d')
  assert.deepEqual(disk.crash(allLost(prng)).list('/d'), ['a', 'b'])
})

test('a folder of its own needs the sync of the one above', () => {
  const { disk, prng } = settled()
  const file = disk.open('/d/e/f', { create: true })
  file.syncNow()
  disk.syncDirectory('/d/e')
  assert.deepEqual(disk.crash(allLost(prng)).list('/d'), ['a'])
  disk.syncDirectory('/d')
  assert.deepEqual(disk.crash(allLost(prng)).list('/d/e'), ['f'])
})

test('a rename over a file is old or new after a cut, never neither', () => {
  const { disk, prng } = settled()
  const file = disk.open('/d/a.tmp', { create: true })
  file.writeNow(text('new'), 0)
  file.syncNow()
  disk.rename('/d/a.tmp', '/d/a')
  const seen = new Set<string>()
  for (let i = 0; i < 200; i++) seen.add(readAll(disk.crash(powerCut(prng)), '/d/a'))
  assert.deepEqual([...seen].sort(), ['new', 'old'])
  disk.syncDirectory('/d')
  assert.equal(readAll(disk.crash(allLost(prng)), '/d/a'), 'new')
})

test('a removed file comes back until its folder is synced', () => {
  const { disk, prng } = settled()
  disk.remove('/d/a')
  assert.equal(readAll(disk.crash(allLost(prng)), '/d/a'), 'old')
  disk.syncDirectory('/d')
  assert.equal(disk.crash(allLost(prng)).exists('/d/a'), false)
})

test('unsynced sectors are kept and lost one by one, and may be damaged', () => {
  const { disk, prng } = makeDisk()
  const file = disk.open('/f', { create: true, size: 4096 })
  file.syncNow()
  disk.syncDirectory('/')
  file.writeNow(Buffer.alloc(4096, 'n'), 0)
  const kinds = new Set<string>()
  for (let i = 0; i < 300; i++) {
    const content = readAll(disk.crash(powerCut(prng, { keep: 0.5, damage: 0.3 })), '/f')
    assert.equal(content.length, 4096)
    for (let at = 0; at < 4096; at += 512) {
      const sector = content.slice(at, at + 512)
      if (/^n+$/.test(sector)) kinds.add('new')
      else if (/^\0+$/.test(sector)) kinds.add('old')
      else if (/^(n+\0+|\0+n+)$/.test(sector)) kinds.add('torn')
      else kinds.add('garbled')
    }
  }
  assert.deepEqual([...kinds].sort(), ['garbled', 'new', 'old', 'torn'])
})

test('a write in order up to some point loses only what came after it', () => {
  const { disk, prng } = makeDisk()
  disk.startRecording()
  const file = disk.open('/f', { create: true, size: 512 * 40 })
  file.syncNow()
  disk.syncDirectory('/')
  for (let i = 0; i < 40; i++) file.writeNow(Buffer.alloc(512, 'x'), i * 512)
  let partial = 0
  for (const image of disk.crashImages(disk.steps.length - 1, prng, 60)) {
    const content = image.exists('/f') ? readAll(image, '/f') : ''
    if (/^x+\0+$/.test(content)) partial++
  }
  assert.ok(partial >= 15, `${partial}`)
})

test('an unsynced cut is there as a whole or not at all', () => {
  const { disk, prng } = makeDisk()
  const file = disk.open('/f', { create: true })
  file.writeNow(Buffer.alloc(5000, 'o'), 0)
  file.syncNow()
  disk.syncDirectory('/')
  file.truncate(1000)
  const seen = new Set<string>()
  for (let i = 0; i < 100; i++) {
    const content = readAll(disk.crash(powerCut(prng)), '/f')
    assert.match(content, /^o+$/)
    seen.add(`${content.length}`)
  }
  assert.deepEqual([...seen].sort(), ['1000', '5000'])
})

test('a grown file has one of its sizes, and zeros where sectors were lost', () => {
  const { disk, prng } = makeDisk()
  const file = disk.open('/f', { create: true })
  disk.syncDirectory('/')
  for (let i = 0; i < 20; i++) file.writeNow(Buffer.alloc(1000, 'g'), i * 1000)
  const sizes = new Set<number>()
  for (let i = 0; i < 200; i++) {
    const content = readAll(disk.crash(powerCut(prng, { damage: 0 })), '/f')
    assert.match(content, /^[g\0]*$/)
    sizes.add(content.length)
  }
  assert.ok(sizes.has(0) && sizes.has(20_000) && sizes.size > 5)
})

test('a failed sync loses its pages: reads are right, the next sync passes, a cut shows the old', () => {
  const { disk, prng } = settled()
  const file = disk.open('/d/a')
  file.writeNow(text('NEW+'), 0)
  disk.faults.failWhen((call) => call.kind === 'sync', { code: 'EIO' }, 1)
  assert.throws(() => file.syncNow(), { code: 'EIO' })
  file.syncNow()
  assert.equal(readAll(disk, '/d/a'), 'NEW+')
  assert.equal(readAll(disk.crash(allKept(prng)), '/d/a'), 'old')
  file.writeNow(text('NEW+'), 0)
  file.syncNow()
  assert.equal(readAll(disk.crash(allLost(prng)), '/d/a'), 'NEW')
})

test('a sync covers what was done before it started, not what came while it ran', () => {
  const { disk, clock, prng } = settled()
  const file = disk.open('/d/a')
  file.writeNow(text('one'), 0)
  let done = false
  file.sync(() => {
    done = true
  })
  file.writeNow(text('two'), 0)
  assert.equal(done, false)
  clock.runFor(10)
  assert.equal(done, true)
  assert.equal(readAll(disk.crash(allLost(prng)), '/d/a'), 'one')
})

test('a write under way is on the disk in part, by sectors after a cut, from its start after a kill', () => {
  const { disk, prng } = makeDisk()
  const file = disk.open('/f', { create: true, size: 2048 })
  file.syncNow()
  disk.syncDirectory('/')
  file.write([Buffer.alloc(1024, 'w'), Buffer.alloc(1024, 'w')], 0, () => {})
  assert.match(readAll(disk, '/f'), /^\0+$/)
  const cuts = new Set<string>()
  for (let i = 0; i < 100; i++) {
    const choice = powerCut(prng, { keep: 0.7, damage: 0 })
    cuts.add(readAll(disk.crash(choice), '/f'))
    assert.match(readAll(disk.crash(processKill(prng)), '/f'), /^w*\0*$/)
  }
  assert.ok(cuts.size > 8)
})

test('nothing of a disk goes on after its power is off', () => {
  const { disk, clock, prng } = settled()
  const file = disk.open('/d/a')
  file.write([text('late')], 0, () => assert.fail('done after the crash'))
  const image = disk.crash(allLost(prng))
  disk.powerOff()
  clock.runFor(1000)
  assert.throws(() => disk.open('/d/a'), { code: 'ENODEV' })
  assert.equal(readAll(image, '/d/a'), 'old')
})

test('bytes that change before their write is done are found out', () => {
  const { disk, clock } = settled()
  const bytes = Buffer.from('abc')
  disk.open('/d/a').write([bytes], 0, () => {})
  bytes[0] = 0
  assert.throws(() => clock.runFor(10), /bytes changed/)
})

test('any call can fail by its number or by what it is; a short write leaves its part', () => {
  const { disk, clock } = settled()
  const file = disk.open('/d/a')
  disk.faults.failCall(disk.faults.calls, { code: 'ENOSPC', appliedBytes: 2 })
  const results: unknown[] = []
  file.write([text('XYZ')], 0, (error) => results.push(error?.code))
  clock.runFor(10)
  assert.deepEqual(results, ['ENOSPC'])
  assert.equal(readAll(disk, '/d/a'), 'XYd')
  disk.faults.failWhen((call) => call.kind === 'rename', { code: 'EIO' })
  assert.throws(() => disk.rename('/d/a', '/d/b'), { code: 'EIO' })
  disk.faults.clear()
  disk.rename('/d/a', '/d/b')
})

test('a full disk refuses, and takes writes again when space comes back', () => {
  const { disk } = makeDisk(16 * 4096)
  const file = disk.open('/f', { create: true, size: 2 ** 30 })
  assert.equal(disk.used, 0)
  file.writeNow(Buffer.alloc(8 * 4096, 1), 0)
  const other = disk.open('/g', { create: true })
  assert.throws(() => other.writeNow(Buffer.alloc(10 * 4096, 2), 0), { code: 'ENOSPC' })
  assert.equal(other.size(), 8 * 4096)
  assert.equal(disk.space('/').free, 0)
  file.writeNow(Buffer.alloc(4096, 3), 0)
  disk.remove('/f')
  assert.equal(disk.space('/').free, 0)
  file.close()
  assert.equal(disk.space('/').free, 8 * 4096)
  other.writeNow(Buffer.alloc(2 * 4096, 2), 8 * 4096)
})

test('a sparse file of a gibibyte costs only its written pages, and copies share them', () => {
  const { disk, prng } = makeDisk()
  const file = disk.open('/log', { create: true, size: 2 ** 30 })
  file.writeNow(text('x'), 2 ** 29)
  assert.deepEqual(
    [disk.stat('/log')?.size, disk.stat('/log')?.allocated, disk.used],
    [2 ** 30, 4096, 4096],
  )
  const image = disk.crash(allKept(prng))
  assert.equal(image.used, 4096)
  image.open('/log').writeNow(text('y'), 2 ** 29)
  const byte = Buffer.alloc(1)
  file.readNow(byte, 0, 1, 2 ** 29)
  assert.equal(byte.toString(), 'x')
})

test('a recording can be crashed after each of its steps', () => {
  const { disk, clock, prng } = makeDisk()
  disk.startRecording()
  const acked: number[] = []
  const file = disk.open('/f', { create: true, size: 4096 })
  file.syncNow()
  disk.syncDirectory('/')
  const append = (n: number): void => {
    if (n === 5) return
    file.write([Buffer.alloc(512, 48 + n)], n * 512, () => {
      file.sync(() => {
        acked.push(disk.steps.length)
        append(n + 1)
      })
    })
  }
  append(0)
  clock.runFor(100)
  assert.equal(acked.length, 5)
  for (let step = 2; step < disk.steps.length; step++) {
    const promised = acked.filter((at) => at <= step).length
    for (const image of disk.crashImages(step, prng, 10)) {
      const content = readAll(image, '/f')
      for (let n = 0; n < promised; n++) {
        assert.equal(content.slice(n * 512, n * 512 + 512), `${n}`.repeat(512))
      }
    }
  }
})

test('the same seed gives the same disk', () => {
  const run = (): string => {
    const clock = new SimClock()
    const disk = new SimDisk({ clock, prng: new Prng(3) })
    const order: string[] = []
    for (let i = 0; i < 20; i++) {
      const file = disk.open(`/f${i}`, { create: true })
      file.write([Buffer.alloc(2000, 65 + i)], 0, () => order.push(`${i}`))
    }
    clock.runFor(0.2)
    const image = disk.crash(powerCut(new Prng(5), { keep: 0.5, damage: 0.5, keepNames: 1 }))
    const contents = [...image.contents()].map(
      ([path, bytes]) => `${path}${Buffer.from(bytes).toString('hex')}`,
    )
    return order.join() + contents.join()
  }
  assert.equal(run(), run())
})
