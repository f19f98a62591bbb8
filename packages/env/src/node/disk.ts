import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  statfsSync,
  statSync,
  unlinkSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { diskFailure } from '../disk-failure.ts'
import type { Disk, DiskFile, DiskPiece, Done } from '../ports.ts'
import { NodeDiskFile } from './disk-file.ts'
import { takeLock } from './disk-lock.ts'
import { FOLDER_MODE, isErrno, openFile } from './open-file.ts'
import { ManyWriter, type WriteManyOptions } from './write-many.ts'

/** The machine's file system. Files are 0600, folders 0700, and a symbolic link is not opened as a file. */
export class NodeDisk implements Disk {
  private readonly many: ManyWriter

  constructor(options: WriteManyOptions = {}) {
    this.many = new ManyWriter(options)
  }

  open(path: string, options: { create?: boolean; size?: number } = {}): DiskFile {
    return attempt('open', path, () => {
      const fd = openFile(path, options.create === true)
      try {
        const stat = fstatSync(fd)
        if (stat.size < (options.size ?? 0)) ftruncateSync(fd, options.size)
      } catch (error) {
        closeSync(fd)
        throw error
      }
      return new NodeDiskFile(path, fd)
    })
  }

  exists(path: string): boolean {
    return existsSync(path)
  }

  list(folder: string): string[] {
    try {
      return readdirSync(folder).sort()
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return []
      throw diskFailure(error, 'readdir', folder)
    }
  }

  stat(
    path: string,
  ): { size: number; allocated: number; modifiedMs: number; isFolder: boolean } | null {
    return attempt('stat', path, () => {
      const stat = statSync(path, { throwIfNoEntry: false })
      if (stat === undefined) return null
      return {
        size: stat.size,
        allocated: stat.blocks * 512,
        modifiedMs: stat.mtimeMs,
        isFolder: stat.isDirectory(),
      }
    })
  }

  makeFolder(folder: string): void {
    attempt('mkdir', folder, () => mkdirSync(folder, { recursive: true, mode: FOLDER_MODE }))
  }

  rename(from: string, to: string): void {
    attempt('rename', from, () => renameSync(from, to))
  }

  remove(path: string): void {
    attempt('remove', path, () => {
      try {
        unlinkSync(path)
      } catch (error) {
        if (isErrno(error, 'ENOENT')) return
        // Linux says EISDIR of a folder, POSIX and macOS EPERM.
        if (!isErrno(error, 'EISDIR') && !isErrno(error, 'EPERM')) throw error
        rmdirSync(path)
      }
    })
  }

  syncDirectory(folder: string): void {
    attempt('fsync', folder, () => {
      const fd = openSync(folder, constants.O_RDONLY | (constants.O_DIRECTORY ?? 0))
      try {
        fsyncSync(fd)
      } finally {
        closeSync(fd)
      }
    })
  }

  space(path: string): { total: number; free: number } {
    return attempt('statfs', path, () => {
      let existing = path
      while (!existsSync(existing) && dirname(existing) !== existing) existing = dirname(existing)
      const stat = statfsSync(existing)
      return { total: stat.blocks * stat.bsize, free: stat.bavail * stat.bsize }
    })
  }

  writeMany(pieces: readonly DiskPiece[], options: { sync: boolean }, done: Done): void {
    this.many.submit(pieces, options.sync, done)
  }

  /** Ends the thread that large `writeMany` calls have started. A later one starts another. */
  close(): Promise<void> {
    return this.many.close()
  }

  lock(path: string): { release(): void } | null {
    // Apache's broker writes the same four bytes.
    const file = this.open(path, { create: true })
    try {
      if (file.size() === 0) file.writeNow(Buffer.from('lock'), 0)
    } finally {
      file.close()
    }
    return attempt('lock', path, () => takeLock(path))
  }
}

function attempt<T>(call: string, path: string, run: () => T): T {
  try {
    return run()
  } catch (error) {
    throw diskFailure(error, call, path)
  }
}
