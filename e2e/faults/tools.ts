// What these tests stand on. A machine that lacks a part fails them: skipping would look like passing.
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runCommand, temporaryFolder } from '../harness/processes.ts'
import { type FileSystem, fileSystems, LoopVolume } from './volume.ts'

const VOLUME_MIB: Record<FileSystem, number> = { ext4: 16, xfs: 320 }

/** Rejects, naming what is missing, unless power cuts, traces and injected errors work here. */
export async function requireTools(): Promise<void> {
  const missing: string[] = []
  if (process.getuid?.() !== 0) missing.push('root')
  else {
    for (const fileSystem of fileSystems) missing.push(...(await probePowerCut(fileSystem)))
    missing.push(...(await probeInjection()))
  }
  if (missing.length > 0) {
    throw new Error(`test:faults needs ${missing.join(', ')} (see e2e/install-tools.sh)`)
  }
}

async function probePowerCut(fileSystem: FileSystem): Promise<string[]> {
  const name = `${fileSystem} on a loop device with forced shutdown`
  try {
    const volume = await LoopVolume.create(fileSystem, VOLUME_MIB[fileSystem])
    const file = join(volume.path, 'unsynced')
    writeFileSync(file, 'never on the device')
    await (await volume.armPowerCut()).cut()
    await volume.remount()
    const kept = existsSync(file)
    await volume.dispose()
    return kept ? [`${name}: unsynced data survived`] : []
  } catch (error) {
    return [`${name}: ${String(error)}`]
  }
}

async function probeInjection(): Promise<string[]> {
  const file = join(temporaryFolder('probe'), 'file')
  writeFileSync(file, '')
  const inject = ['-f', '-qq', '-o', '/dev/null', '-e', 'inject=fsync,fdatasync:error=EIO']
  try {
    const args = [...inject, 'sync', '--data', file]
    const result = await runCommand({ command: 'strace', args, timeoutMs: 10_000 })
    return result.code === 1 ? [] : ['strace that injects errors into system calls']
  } catch (error) {
    return [`strace: ${String(error)}`]
  }
}
