// Mounted volumes of the tests: file systems in an image whose power can be cut, and small ones that fill up.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmdirSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mustRun, RunningProcess, temporaryFolder } from '../harness/processes.ts'

export const fileSystems = ['ext4', 'xfs'] as const
export type FileSystem = (typeof fileSystems)[number]

const SHUTDOWN = join(import.meta.dirname, 'shutdown-file-system.pl')
const PATH = `${process.env['PATH']}:/usr/sbin:/sbin`
const COMMAND_TIMEOUT_MS = 20_000

const mounted = new Set<string>()
let cleanupInstalled = false

/** A folder that tests mount on. Whatever is mounted there when this process ends is unmounted. */
function mountPoint(): string {
  if (!cleanupInstalled) {
    cleanupInstalled = true
    // Before the folders of the harness are removed: what is mounted inside must not be touched by that.
    process.prependListener('exit', () => {
      for (const path of mounted) detach(path)
    })
  }
  return mkdtempSync(join(tmpdir(), 'apogee-mount-'))
}

/** Lazily: a killed broker may still hold files for a moment. */
function detach(path: string): void {
  try {
    execFileSync('umount', ['-l', path], { stdio: 'ignore' })
    rmdirSync(path)
  } catch {
    console.error(`could not unmount ${path}`)
  }
}

async function run(command: string, args: readonly string[]): Promise<string> {
  return await mustRun({ command, args, timeoutMs: COMMAND_TIMEOUT_MS, env: { PATH } })
}

export interface PowerCut {
  /** What the last sync left is all that the next mount finds. Open files only give EIO from now on. */
  cut(): Promise<void>
}

/** A file system on a loop device over a sparse image. */
export class LoopVolume {
  readonly path: string
  readonly fileSystem: FileSystem
  readonly #image: string

  private constructor(fileSystem: FileSystem, image: string, path: string) {
    this.fileSystem = fileSystem
    this.#image = image
    this.path = path
  }

  static async create(fileSystem: FileSystem, sizeMiB: number): Promise<LoopVolume> {
    const image = join(temporaryFolder('image'), `${fileSystem}.img`)
    const volume = new LoopVolume(fileSystem, image, mountPoint())
    writeFileSync(image, '')
    truncateSync(image, sizeMiB << 20)
    await volume.#format()
    await volume.#mount()
    return volume
  }

  /** Prepares a power cut, so that it comes in the very moment that its `cut` is called. */
  async armPowerCut(): Promise<PowerCut> {
    const name = 'power cut'
    const logFile = join(temporaryFolder('cut'), 'cut.out')
    const running = new RunningProcess({
      name,
      command: 'perl',
      args: [SHUTDOWN, this.path],
      logFile,
    })
    await running.waitForLine(/^ready/, COMMAND_TIMEOUT_MS)
    return {
      cut: async () => {
        running.write('now\n')
        await running.waitForLine(/^done/, COMMAND_TIMEOUT_MS)
        await running.exited
      },
    }
  }

  /** Unmounts and mounts again: the journal is replayed, as after a reboot. Nobody may have files open. */
  async remount(): Promise<void> {
    await run('umount', [this.path])
    await this.#mount()
  }

  /** An empty file system instead of this one. */
  async reformat(): Promise<void> {
    await run('umount', [this.path])
    await this.#format()
    await this.#mount()
  }

  async dispose(): Promise<void> {
    await run('umount', [this.path])
    mounted.delete(this.path)
    rmdirSync(this.path)
  }

  async #format(): Promise<void> {
    const args = this.fileSystem === 'ext4' ? ['-q', '-F', '-m', '0'] : ['-q', '-f']
    await run(`mkfs.${this.fileSystem}`, [...args, this.#image])
  }

  async #mount(): Promise<void> {
    await run('mount', ['-o', 'loop', this.#image, this.path])
    mounted.add(this.path)
  }
}

/** A tmpfs: full at exactly its size. */
export class MemoryVolume {
  readonly path: string

  private constructor(path: string) {
    this.path = path
  }

  static async create(sizeMiB: number): Promise<MemoryVolume> {
    const path = mountPoint()
    await run('mount', ['-t', 'tmpfs', '-o', `size=${sizeMiB}m`, 'apogee-test', path])
    mounted.add(path)
    return new MemoryVolume(path)
  }

  async dispose(): Promise<void> {
    await run('umount', [this.path])
    mounted.delete(this.path)
    rmdirSync(this.path)
  }
}
