import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Malformed } from '@apogee/base'
import { type Disk, DiskFailure, type DiskFile } from '@apogee/env'
import { NodeClock, NodeDisk } from '@apogee/env/node'
import { silentLogger } from '@apogee/remoting'
import { KvStore } from '../kv/kv-store.ts'
import { TextFile } from './text-file.ts'

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'apogee-namesrv-'))
  try {
    await use(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const clock = new NodeClock()
const anything = (text: string): string => text
const good = (text: string): string | Malformed =>
  text.startsWith('good') ? text : new Malformed('BAD', text.slice(0, 10))
const open = (path: string, disk: Disk = new NodeDisk()): TextFile =>
  new TextFile(path, { bytesMax: 1_000 }, { disk, clock })

test('a saved text is read again, and the one before stays as backup', () =>
  inFolder(async (folder) => {
    const file = open(join(folder, 'sub', 'a.json'))
    assert.equal(file.load(anything), null)
    await file.save('first, the longer one')
    await file.save('second')
    assert.deepEqual(file.load(anything), { value: 'second', isDamaged: false })
    assert.equal(readFileSync(`${file.path}.bak`, 'utf8'), 'first, the longer one')
    assert.deepEqual(readdirSync(join(folder, 'sub')), ['a.json', 'a.json.bak'])
  }))

test('a missing or broken file falls back to its backup; a broken one without is an error', () =>
  inFolder(async (folder) => {
    const file = open(join(folder, 'a.json'))
    writeFileSync(`${file.path}.bak`, 'good old')
    assert.deepEqual(file.load(good), { value: 'good old', isDamaged: false })
    writeFileSync(file.path, 'broken')
    assert.deepEqual(file.load(good), { value: 'good old', isDamaged: true })
    writeFileSync(`${file.path}.bak`, 'broken, too')
    assert.throws(() => file.load(good), { code: 'CONFIG_FILE_DAMAGED' })
    writeFileSync(file.path, 'good'.repeat(300))
    assert.throws(() => file.load(good), { code: 'CONFIG_FILE_DAMAGED' })
  }))

test('when saving fails the file stays as it was, and a later save works', () =>
  inFolder(async (folder) => {
    const path = join(folder, 'a.json')
    const failing = new FailingDisk()
    const file = open(path, failing.disk)
    await file.save('first')
    for (const call of ['write', 'sync', 'rename'] as const) {
      failing.call = call
      await assert.rejects(file.save('second'), { code: 'EIO' }, call)
      assert.equal(file.load(anything)?.value, 'first', call)
    }
    failing.call = null
    await file.save('third')
    assert.deepEqual(file.load(anything), { value: 'third', isDamaged: false })
  }))

test('a KV change that cannot be saved is not made, and order is kept', () =>
  inFolder(async (folder) => {
    const failing = new FailingDisk()
    const options = { path: join(folder, 'kv.json'), bytesMax: 10_000, changesWaitingMax: 3 }
    const store = new KvStore(options, { env: { disk: failing.disk, clock }, log: silentLogger })
    const results = await Promise.all(
      ['1', '2', '3', '4'].map((value) => store.change((table) => table.with('n', 'k', value))),
    )
    assert.deepEqual(
      results.map((error) => error?.code ?? 'ok'),
      ['ok', 'ok', 'ok', 'KV_CONFIG_BUSY'],
    )
    assert.equal(store.table.get('n', 'k'), '3')
    failing.call = 'sync'
    const failed = await store.change((table) => table.with('n', 'k', '5'))
    assert.equal(failed?.code, 'KV_CONFIG_NOT_SAVED')
    assert.equal(store.table.get('n', 'k'), '3')
    const again = new KvStore(options, { env: { disk: failing.disk, clock }, log: silentLogger })
    again.load()
    assert.equal(again.table.get('n', 'k'), '3')
  }))

/** A real disk of which one call fails. */
class FailingDisk {
  call: 'write' | 'sync' | 'rename' | null = null
  readonly disk: Disk

  constructor() {
    const real = new NodeDisk()
    const failure = (path: string): DiskFailure => new DiskFailure('EIO', 'test', path)
    this.disk = new Proxy<Disk>(real, {
      get: (_, name: keyof Disk) => {
        if (name === 'rename') {
          return (from: string, to: string) => {
            if (this.call === 'rename') throw failure(from)
            real.rename(from, to)
          }
        }
        if (name !== 'open') return real[name].bind(real)
        return (...args: Parameters<Disk['open']>) => this.wrap(real.open(...args), failure)
      },
    })
  }

  private wrap(file: DiskFile, failure: (path: string) => DiskFailure): DiskFile {
    return new Proxy(file, {
      get: (_, name: keyof DiskFile) => {
        const value = file[name]
        if (typeof value !== 'function') return value
        if (name !== this.call) return value.bind(file)
        return (...args: unknown[]) => {
          const done = args.at(-1) as (error: Error) => void
          setImmediate(() => done(failure(file.path)))
        }
      },
    })
  }
}
