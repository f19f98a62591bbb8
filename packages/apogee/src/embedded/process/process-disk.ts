import type { Disk, DiskError, DiskFile, DiskPiece, Done } from '@apogee/env'
import type { Activity } from './activity.ts'
import type { ProcessGate } from './process-gate.ts'

type ReadDone = (error: DiskError | null, bytesRead: number) => void

/** What a process holds of a disk: the kernel takes it back when the process ends. */
interface Held {
  readonly gate: ProcessGate
  readonly files: Set<DiskFile>
  begin(): void
  end(): void
}

/**
 * A disk as one embedded process sees it. When the process is killed, calls under way still reach the disk, as those of a
 * real one do, but nobody hears of it; its open files are closed and its locks given back.
 */
export class ProcessDisk implements Disk {
  private readonly disk: Disk
  private readonly held: Held
  private readonly locks = new Set<{ release(): void }>()
  private underWay = 0
  private idle: (() => void) | null = null

  constructor(disk: Disk, gate: ProcessGate, activity: Activity) {
    this.disk = disk
    this.held = {
      gate,
      files: new Set(),
      begin: () => {
        this.underWay++
        activity.begin()
      },
      end: () => {
        this.underWay--
        activity.end()
        if (this.underWay === 0) this.idle?.()
      },
    }
  }

  open(path: string, options?: { create?: boolean; size?: number }): DiskFile {
    const file = this.disk.open(path, options)
    this.held.files.add(file)
    return new ProcessDiskFile(file, this.held)
  }

  exists(path: string): boolean {
    return this.disk.exists(path)
  }

  list(folder: string): string[] {
    return this.disk.list(folder)
  }

  stat(path: string): ReturnType<Disk['stat']> {
    return this.disk.stat(path)
  }

  makeFolder(folder: string): void {
    this.disk.makeFolder(folder)
  }

  rename(from: string, to: string): void {
    this.disk.rename(from, to)
  }

  remove(path: string): void {
    this.disk.remove(path)
  }

  syncDirectory(folder: string): void {
    this.disk.syncDirectory(folder)
  }

  space(path: string): { total: number; free: number } {
    return this.disk.space(path)
  }

  writeMany(pieces: readonly DiskPiece[], options: { sync: boolean }, done: Done): void {
    this.disk.writeMany(pieces, options, reported(this.held, done))
  }

  lock(path: string): { release(): void } | null {
    const lock = this.disk.lock(path)
    if (lock === null) return null
    this.locks.add(lock)
    return {
      release: () => {
        this.locks.delete(lock)
        lock.release()
      },
    }
  }

  /** The end of the process: resolves when no call is under way any more and nothing is open or locked. */
  async takeBack(): Promise<void> {
    if (this.underWay > 0) await new Promise<void>((resolve) => (this.idle = resolve))
    for (const file of this.held.files) file.close()
    this.held.files.clear()
    for (const lock of this.locks) lock.release()
    this.locks.clear()
  }
}

function reported(held: Held, done: Done): Done {
  held.begin()
  return (error) => {
    held.end()
    held.gate.run(() => done(error))
  }
}

class ProcessDiskFile implements DiskFile {
  private readonly file: DiskFile
  private readonly held: Held

  constructor(file: DiskFile, held: Held) {
    this.file = file
    this.held = held
  }

  get path(): string {
    return this.file.path
  }

  size(): number {
    return this.file.size()
  }

  readNow(into: Uint8Array, offset: number, length: number, position: number): number {
    return this.file.readNow(into, offset, length, position)
  }

  read(into: Uint8Array, offset: number, length: number, position: number, done: ReadDone): void {
    this.held.begin()
    this.file.read(into, offset, length, position, (error, bytesRead) => {
      this.held.end()
      this.held.gate.run(() => done(error, bytesRead))
    })
  }

  write(chunks: readonly Uint8Array[], position: number, done: Done): void {
    this.file.write(chunks, position, reported(this.held, done))
  }

  writeNow(bytes: Uint8Array, position: number): void {
    this.file.writeNow(bytes, position)
  }

  sync(done: Done): void {
    this.file.sync(reported(this.held, done))
  }

  syncNow(): void {
    this.file.syncNow()
  }

  truncate(size: number): void {
    this.file.truncate(size)
  }

  close(): void {
    this.held.files.delete(this.file)
    this.file.close()
  }
}
