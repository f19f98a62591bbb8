import {
  close,
  closeSync,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  read,
  readSync,
  write,
  writeSync,
  writev,
} from 'node:fs'
import { DiskFailure, diskFailure } from '../disk-failure.ts'
import type { DiskError, DiskFile, Done } from '../ports.ts'

type ReadDone = (error: DiskError | null, bytesRead: number) => void

/**
 * One open file. Asynchronous calls run on libuv's threads, one system call each unless the kernel does less than asked.
 * The descriptor stays open until the last of them is back: the number would otherwise go to the next file opened,
 * and a late write would land in it.
 */
export class NodeDiskFile implements DiskFile {
  readonly path: string
  private readonly fd: number
  private inFlight = 0
  private closed = false

  constructor(path: string, fd: number) {
    this.path = path
    this.fd = fd
  }

  size(): number {
    return this.now('fstat', () => fstatSync(this.fd).size)
  }

  readNow(into: Uint8Array, offset: number, length: number, position: number): number {
    return this.now('read', () => {
      let total = 0
      while (total < length) {
        const count = readSync(this.fd, into, offset + total, length - total, position + total)
        if (count === 0) break
        total += count
      }
      return total
    })
  }

  read(into: Uint8Array, offset: number, length: number, position: number, done: ReadDone): void {
    if (this.closed) {
      setImmediate(done, this.badDescriptor('read'), 0)
      return
    }
    this.inFlight++
    this.readRest(into, offset, length, position, 0, done)
  }

  write(chunks: readonly Uint8Array[], position: number, done: Done): void {
    if (this.closed) {
      setImmediate(done, this.badDescriptor('write'))
      return
    }
    let total = 0
    for (const chunk of chunks) total += chunk.length
    if (total === 0) {
      setImmediate(done, null)
      return
    }
    this.inFlight++
    const first = chunks[0]
    if (chunks.length === 1 && first !== undefined) this.writeOne(first, 0, position, done)
    else this.writeRest(chunks, total, position, done)
  }

  writeNow(bytes: Uint8Array, position: number): void {
    this.now('write', () => {
      let total = 0
      while (total < bytes.length) {
        const count = writeSync(this.fd, bytes, total, bytes.length - total, position + total)
        if (count === 0) throw new DiskFailure('EIO', 'write', this.path)
        total += count
      }
    })
  }

  sync(done: Done): void {
    if (this.closed) {
      setImmediate(done, this.badDescriptor('fdatasync'))
      return
    }
    this.inFlight++
    fdatasync(this.fd, (error) => {
      this.returned()
      done(error === null ? null : diskFailure(error, 'fdatasync', this.path))
    })
  }

  syncNow(): void {
    this.now('fdatasync', () => fdatasyncSync(this.fd))
  }

  truncate(size: number): void {
    this.now('ftruncate', () => ftruncateSync(this.fd, size))
  }

  close(): void {
    if (this.closed) return
    this.closed = true
    if (this.inFlight === 0) closeSync(this.fd)
  }

  private readRest(
    into: Uint8Array,
    offset: number,
    length: number,
    position: number,
    total: number,
    done: ReadDone,
  ): void {
    read(this.fd, into, offset + total, length - total, position + total, (error, count) => {
      if (error !== null) {
        this.returned()
        done(diskFailure(error, 'read', this.path), total)
      } else if (count === 0 || total + count === length) {
        this.returned()
        done(null, total + count)
      } else {
        this.readRest(into, offset, length, position, total + count, done)
      }
    })
  }

  private writeOne(bytes: Uint8Array, offset: number, position: number, done: Done): void {
    write(this.fd, bytes, offset, bytes.length - offset, position, (error, count) => {
      if (error === null && count > 0 && offset + count < bytes.length) {
        this.writeOne(bytes, offset + count, position + count, done)
      } else {
        this.written(error, count, done)
      }
    })
  }

  private writeRest(
    chunks: readonly Uint8Array[],
    total: number,
    position: number,
    done: Done,
  ): void {
    writev(this.fd, chunks, position, (error, count) => {
      if (error === null && count > 0 && count < total) {
        this.writeRest(skip(chunks, count), total - count, position + count, done)
      } else {
        this.written(error, count, done)
      }
    })
  }

  private written(error: NodeJS.ErrnoException | null, count: number, done: Done): void {
    this.returned()
    if (error !== null) done(diskFailure(error, 'write', this.path))
    else if (count === 0) done(new DiskFailure('EIO', 'write', this.path))
    else done(null)
  }

  /** Nothing rests on what close says: what had to be durable has been synced, and its error was seen there. */
  private returned(): void {
    this.inFlight--
    if (this.closed && this.inFlight === 0) close(this.fd, () => {})
  }

  private now<T>(call: string, run: () => T): T {
    if (this.closed) throw this.badDescriptor(call)
    try {
      return run()
    } catch (error) {
      throw diskFailure(error, call, this.path)
    }
  }

  private badDescriptor(call: string): DiskFailure {
    return new DiskFailure('EBADF', call, this.path)
  }
}

/** What is left of `chunks` once the first `count` bytes are written. */
function skip(chunks: readonly Uint8Array[], count: number): Uint8Array[] {
  const rest: Uint8Array[] = []
  let left = count
  for (const chunk of chunks) {
    if (left >= chunk.length) {
      left -= chunk.length
    } else {
      rest.push(left === 0 ? chunk : chunk.subarray(left))
      left = 0
    }
  }
  return rest
}
