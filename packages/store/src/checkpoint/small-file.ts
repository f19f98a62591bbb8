import type { Disk, DiskError, Done } from '@apogee/env'
import { folderOf } from './paths.ts'

/** A file of fixed size whose parts are overwritten and synced, off the loop. */
export class SmallFile {
  private readonly path: string
  private readonly size: number
  private readonly disk: Disk
  /** Its name was made durable by this process. */
  private isNamed = false

  constructor(path: string, size: number, disk: Disk) {
    this.path = path
    this.size = size
    this.disk = disk
  }

  /** The first `length` bytes, zeros where there are none. Throws a DiskError. */
  read(length: number): Buffer {
    const bytes = Buffer.alloc(length)
    if (!this.disk.exists(this.path)) return bytes
    const file = this.disk.open(this.path)
    try {
      bytes.fill(0, file.readNow(bytes, 0, length, 0))
    } finally {
      file.close()
    }
    return bytes
  }

  /**
   * Writes and syncs a part. Each call opens the file anew, off the loop: a failed sync is not tried again on its
   * handle.
   */
  write(bytes: Uint8Array, position: number, done: Done): void {
    const isNew = !this.isNamed && !this.disk.exists(this.path)
    const piece = { path: this.path, size: this.size, position, bytes }
    this.disk.writeMany([piece], { sync: true }, (error) => done(this.written(error, isNew)))
  }

  private written(error: DiskError | null, isNew: boolean): DiskError | null {
    if (this.isNamed || (error !== null && !isNew)) return error
    try {
      // With a new file a failed sync may have lost the size too, which writing the same again would not bring back.
      if (error !== null) this.disk.remove(this.path)
      else this.disk.syncDirectory(folderOf(this.path))
    } catch (failure) {
      return error ?? (failure as DiskError)
    }
    this.isNamed = error === null
    return error
  }
}
