import { DiskFailure } from '../disk-failure.ts'
import type { Clock, DiskError, DiskFile, Done } from '../ports.ts'
import type { MemoryInode } from './inode.ts'

type ReadDone = (error: DiskError | null, bytesRead: number) => void

/**
 * An open file of a disk in memory. Bytes are in their place when a call returns; only the news of it comes later, as the
 * port has it.
 */
export class MemoryDiskFile implements DiskFile {
  readonly path: string
  private readonly inode: MemoryInode
  private readonly clock: Clock
  private isClosed = false

  constructor(path: string, inode: MemoryInode, clock: Clock) {
    this.path = path
    this.inode = inode
    this.clock = clock
    inode.acquire()
  }

  size(): number {
    this.check('fstat')
    return this.inode.size
  }

  readNow(into: Uint8Array, offset: number, length: number, position: number): number {
    this.check('read')
    return this.inode.read(into, offset, length, position)
  }

  read(into: Uint8Array, offset: number, length: number, position: number, done: ReadDone): void {
    const error = this.closedError('read')
    const count = error === null ? this.inode.read(into, offset, length, position) : 0
    this.clock.soon(() => done(error, count))
  }

  write(chunks: readonly Uint8Array[], position: number, done: Done): void {
    let error = this.closedError('write')
    let at = position
    for (const chunk of chunks) {
      error ??= this.put(chunk, at)
      at += chunk.length
    }
    this.clock.soon(() => done(error))
  }

  writeNow(bytes: Uint8Array, position: number): void {
    this.check('write')
    const error = this.put(bytes, position)
    if (error !== null) throw error
  }

  sync(done: Done): void {
    const error = this.closedError('fdatasync')
    this.clock.soon(() => done(error))
  }

  syncNow(): void {
    this.check('fdatasync')
  }

  truncate(size: number): void {
    this.check('ftruncate')
    this.inode.setSize(size)
    this.inode.modifiedMs = this.clock.wallMs()
  }

  close(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.inode.release()
  }

  private put(bytes: Uint8Array, position: number): DiskFailure | null {
    if (bytes.length === 0) return null
    const written = this.inode.write(bytes, position)
    this.inode.modifiedMs = this.clock.wallMs()
    return written < bytes.length ? new DiskFailure('ENOSPC', 'write', this.path) : null
  }

  private closedError(call: string): DiskFailure | null {
    return this.isClosed ? new DiskFailure('EBADF', call, this.path) : null
  }

  private check(call: string): void {
    const error = this.closedError(call)
    if (error !== null) throw error
  }
}
