import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { NodeDisk } from './disk.ts'

const HOLDER = new URL('./testdata/lock-holder.ts', import.meta.url)
const POSIX_HOLDER = new URL('./testdata/posix-lock-holder.ts', import.meta.url)

/** Starts a process that takes a lock, and waits for what it says. */
async function start(script: URL, path: string): Promise<{ child: ChildProcess; said: string }> {
  const child = spawn(process.execPath, [fileURLToPath(script), path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [said] = (await once(child.stdout, 'data')) as [Buffer]
  return { child, said: said.toString().trim() }
}

async function kill(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}

async function inFolder(run: (folder: string) => Promise<void> | void): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'apogee-lock-'))
  try {
    await run(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

test('a lock of another process is refused, until that process is killed with -9', async () => {
  await inFolder(async (folder) => {
    const path = join(folder, 'lock')
    const disk = new NodeDisk()
    const first = await start(HOLDER, path)
    assert.equal(first.said, 'held')
    assert.equal(disk.lock(path), null)
    const second = await start(HOLDER, path)
    assert.equal(second.said, 'refused')
    await kill(first.child)
    const mine = disk.lock(path)
    assert.notEqual(mine, null)
    assert.equal((await start(HOLDER, path)).said, 'refused')
    mine?.release()
    const third = await start(HOLDER, path)
    assert.equal(third.said, 'held')
    await kill(third.child)
  })
})

test('the lock is one lock by whatever path its folder is reached', async () => {
  await inFolder((folder) => {
    symlinkSync(folder, join(folder, 'alias'))
    const disk = new NodeDisk()
    const lock = disk.lock(join(folder, 'lock'))
    assert.equal(disk.lock(join(folder, 'alias', 'lock')), null)
    lock?.release()
  })
})

test('a lock survives the collector and a second disk object', async () => {
  await inFolder(async (folder) => {
    const path = join(folder, 'lock')
    new NodeDisk().lock(path)
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    collect()
    await setImmediate()
    collect()
    assert.equal(new NodeDisk().lock(path), null)
  })
})

test('a store that Apache holds by an fcntl lock on the lock file is refused', async (t) => {
  if (process.platform !== 'linux') return t.skip('/proc/locks is Linux')
  return inFolder(async (folder) => {
    const path = join(folder, 'lock')
    writeFileSync(path, '')
    const apache = await start(POSIX_HOLDER, path)
    const disk = new NodeDisk()
    assert.equal(disk.lock(path), null)
    await kill(apache.child)
    const lock = disk.lock(path)
    assert.notEqual(lock, null)
    lock?.release()
  })
})

test('files are for their owner alone, and symbolic links are not opened', async () => {
  await inFolder((folder) => {
    const disk = new NodeDisk()
    disk.open(join(folder, 'a/b'), { create: true }).close()
    disk.lock(join(folder, 'lock'))?.release()
    const mode = (path: string): number => statSync(join(folder, path)).mode & 0o777
    assert.deepEqual(
      [mode('a'), mode('a/b'), mode('lock'), mode('lock.owner')],
      [0o700, 0o600, 0o600, 0o600],
    )
    symlinkSync(join(folder, 'a/b'), join(folder, 'link'))
    assert.throws(() => disk.open(join(folder, 'link')), { code: 'ELOOP' })
    assert.throws(() => disk.open(join(folder, 'link'), { create: true }), { code: 'ELOOP' })
    symlinkSync(join(folder, 'a/b'), join(folder, 'other.owner'))
    assert.throws(() => disk.lock(join(folder, 'other')), { code: 'ELOOP' })
  })
})
