import { assert } from '@apogee/base'
import { DiskFailure } from '../disk-failure.ts'
import type { DiskError, DiskFile, Done } from '../ports.ts'
import type { DiskEngine } from './disk-engine.ts'
import type { DiskFault } from './disk-faults.ts'
import type { Inode } from './inode.ts'

type ReadDone = (error: DiskError | null, bytesRead: number) => void

/** An open file of a simulated disk. */
export class SimDiskFile implements DiskFile {
  readonly path: string
  private readonly engine: DiskEngine
  private readonly inode: Inode
  private closed = false

  constructor(path: string, engine: DiskEngine, inode: Inode) {
    this.path = path
    this.engine = engine
    this.inode = inode
    inode.references++
  }

  size(): number {
    this.check('fstat')
    return this.inode.size
  }

  readNow(into: Uint8Array, offset: number, length: number, position: number): number {
    this.check('read')
    this.engine.callNow('read', this.path, position, length)
    return this.inode.read(into, offset, length, position)
  }

  read(into: Uint8Array, offset: number, length: number, position: number, done: ReadDone): void {
    if (this.refuses('read', (error) => done(error, 0))) return
    const call = this.engine.start('read', this.path, position, length)
    this.later(call.delayMs, () => {
      const error = this.engine.failure(call, this.path)
      const count = error === null ? this.inode.read(into, offset, length, position) : 0
      return () => done(error, count)
    })
  }

  write(chunks: readonly Uint8Array[], position: number, done: Done): void {
    if (this.refuses('write', done)) return
    const bytes = join(chunks)
    const inFlight = { kind: 'write', path: this.path, inode: this.inode, bytes, position } as const
    this.engine.inFlight.add(inFlight)
    const call = this.engine.start('write', this.path, position, bytes.length)
    this.engine.record('started', call)
    this.later(call.delayMs, () => {
      assert(
        isSame(chunks, bytes),
        'bytes changed before their write was done',
        this.path,
        position,
      )
      this.engine.inFlight.delete(inFlight)
      const error = this.apply(bytes, position, call.fault)
      this.engine.finish(call)
      return () => done(error)
    })
  }

  writeNow(bytes: Uint8Array, position: number): void {
    this.check('write')
    const call = this.engine.start('write', this.path, position, bytes.length)
    const error = this.apply(bytes, position, call.fault)
    this.engine.finish(call)
    if (error !== null) throw error
  }

  sync(done: Done): void {
    if (this.refuses('fdatasync', done)) return
    const call = this.engine.start('sync', this.path)
    const layer = this.inode.startSync()
    this.later(call.delayMs, () => {
      const error = this.finishSync(layer, call.fault)
      this.engine.finish(call)
      return () => done(error)
    })
  }

  syncNow(): void {
    this.check('fdatasync')
    const call = this.engine.start('sync', this.path)
    const error = this.finishSync(this.inode.startSync(), call.fault)
    this.engine.finish(call)
    if (error !== null) throw error
  }

  truncate(size: number): void {
    this.check('ftruncate')
    const call = this.engine.callNow('truncate', this.path, size)
    this.inode.setSize(size)
    this.inode.modifiedMs = this.engine.clock.wallMs()
    this.engine.finish(call)
  }

  close(): void {
    if (this.closed) return
    this.closed = true
    this.engine.state.release(this.inode)
  }

  private apply(bytes: Uint8Array, position: number, fault: DiskFault | null): DiskFailure | null {
    const failed = fault?.code
    const part = failed === undefined ? bytes : bytes.subarray(0, fault?.appliedBytes ?? 0)
    const written = this.inode.write(part, position)
    this.inode.modifiedMs = this.engine.clock.wallMs()
    if (written < part.length) return new DiskFailure('ENOSPC', 'write', this.path)
    return failed === undefined ? null : new DiskFailure(failed, 'write', this.path)
  }

  private finishSync(layer: number, fault: DiskFault | null): DiskFailure | null {
    if (fault?.code === undefined) {
      this.inode.synced(layer)
      return null
    }
    this.inode.syncFailed(layer)
    return new DiskFailure(fault.code, 'fdatasync', this.path)
  }

  /** Runs `effect` when the call is due, then what it returns; the file stays in use until then. */
  private later(delayMs: number, effect: () => () => void): void {
    this.inode.references++
    this.engine.later(delayMs, () => {
      const report = effect()
      this.engine.state.release(this.inode)
      report()
    })
  }

  private check(call: string): void {
    this.engine.checkOn(call, this.path)
    if (this.closed) throw new DiskFailure('EBADF', call, this.path)
  }

  private refuses(call: string, done: Done): boolean {
    this.engine.checkOn(call, this.path)
    if (!this.closed) return false
    this.engine.later(0, () => done(new DiskFailure('EBADF', call, this.path)))
    return true
  }
}

function join(chunks: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const chunk of chunks) length += chunk.length
  const bytes = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  return bytes
}

function isSame(chunks: readonly Uint8Array[], bytes: Uint8Array): boolean {
  let at = 0
  for (const chunk of chunks) {
    if (Buffer.compare(chunk, bytes.subarray(at, at + chunk.length)) !== 0) return false
    at += chunk.length
  }
  return true
}
