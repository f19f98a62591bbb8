import type { Prng } from '@apogee/base'
import { type Clock, type DiskError, DiskFailure } from '@apogee/env'
import type { LogReplication, ReplicaWriter } from '@apogee/store'
import { MemoryAcks } from './memory-acks.ts'
import type { MemoryPlatter } from './memory-platter.ts'
import { BLANK_MIN, recordSize, writeBlank, writeRecord } from './memory-records.ts'
import { MemoryReplica } from './memory-replica.ts'

export interface MemoryLogOptions {
  sync: boolean
  /** Unwritten bytes at which a slave's log is full. */
  pendingMax: number
}

const SPACE_PROBE_MS = 15

/** A log without files, as fast as a simulation of thousands of seeds wants it: one write at a time, then its sync. */
export class MemoryLog implements LogReplication {
  readonly replica: ReplicaWriter
  readonly acks: MemoryAcks
  appended: number
  /** Set from outside: retention keeps the log from here on. */
  kept: number = Number.POSITIVE_INFINITY
  /** The device is full: nothing is taken. */
  refusing = false
  readonly options: MemoryLogOptions
  readonly platter: MemoryPlatter
  private readonly clock: Clock
  private readonly prng: Prng
  private readonly listeners = new Set<() => void>()
  private busy = false
  private flushing = false
  private closed = false

  constructor(
    platter: MemoryPlatter,
    options: MemoryLogOptions,
    deps: { clock: Clock; prng: Prng },
  ) {
    this.platter = platter
    this.options = options
    this.clock = deps.clock
    this.prng = deps.prng
    this.appended = platter.written
    this.acks = new MemoryAcks(deps.clock)
    this.replica = new MemoryReplica(this)
    // Under SYNC_FLUSH what recovery finds is synced before it counts.
    if (options.sync) platter.flushed = platter.written
    this.acks.moved(this.written, this.stored)
    if (this.flushed < this.written) this.flushSoon()
  }

  get fileSize(): number {
    return this.platter.fileSize
  }

  get minOffset(): number {
    return this.platter.start
  }

  get written(): number {
    return this.platter.written
  }

  get flushed(): number {
    return this.platter.flushed
  }

  get stored(): number {
    return this.options.sync ? this.flushed : this.written
  }

  get isClosed(): boolean {
    return this.closed
  }

  onProgress(listener: () => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  read(
    offset: number,
    into: Buffer,
    at: number,
    length: number,
    done: (error: DiskError | null, bytesRead: number) => void,
  ): void {
    const answer = (): void => {
      const { start, written } = this.platter
      if (offset < start || offset > written)
        return done(new DiskFailure('ENOENT', 'read', String(offset)), 0)
      const end = Math.min(offset + length, written, this.platter.fileEnd(offset))
      if (end > offset) this.platter.bytes.copy(into, at, offset, end)
      done(null, Math.max(0, end - offset))
    }
    // Some of it is in memory, some is read from the disk.
    if (this.prng.below(3) > 0) answer()
    else this.later(0.05, 0.5, answer)
  }

  boundaryAtOrBelow(offset: number): Promise<number> {
    let at = this.platter.start
    while (at < this.appended) {
      const size = recordSize(
        this.platter.bytes,
        at,
        this.appended - at,
        this.platter.fileEnd(at),
        false,
      )
      if (size <= 0 || at + size > offset) break
      at += size
    }
    return Promise.resolve(at)
  }

  requireReplicas(timeoutMs: number): void {
    this.acks.requireReplicas(timeoutMs)
  }

  setReplicated(offset: number, available: boolean): void {
    this.acks.setReplicated(offset, available)
  }

  keepFrom(offset: number): void {
    this.kept = offset
  }

  /** A master's record; null when it is refused. Returns where it ends. */
  append(
    size: number,
    id: number,
    waits: boolean,
    answer: (outcome: number) => void,
  ): { offset: number; end: number } | null {
    if (this.closed || this.refusing) return null
    const { platter } = this
    const fileEnd = platter.fileEnd(this.appended)
    platter.reserve(fileEnd + platter.fileSize)
    if (this.appended + size + BLANK_MIN > fileEnd) {
      writeBlank(platter.bytes, this.appended, fileEnd - this.appended)
      this.appended = fileEnd
    }
    const offset = this.appended
    writeRecord(platter.bytes, offset, size, id)
    this.appended = offset + size
    this.acks.push(this.appended, waits, answer)
    this.startWrite()
    return { offset, end: this.appended }
  }

  /** Removes the first file, as far as retention may. Returns whether it did. */
  retain(): boolean {
    const end = this.platter.fileEnd(this.platter.start)
    if (end > Math.min(this.kept, this.flushed) || end >= this.appended) return false
    this.platter.start = end
    this.progress()
    return true
  }

  /** Something new was appended: a write begins when none is under way. */
  startWrite(): void {
    const { platter } = this
    if (this.busy || this.closed || platter.written === this.appended) return
    this.busy = true
    const target = this.appended
    platter.writing = target
    this.later(0.02, 0.3, () => {
      platter.writing = 0
      if (platter.full) return this.takeBack()
      platter.written = target
      this.progress()
      if (!this.options.sync) {
        this.busy = false
        this.flushSoon()
        return this.startWrite()
      }
      this.later(0.3, 3, () => {
        this.busy = false
        platter.flushed = Math.max(platter.flushed, target)
        this.progress()
        this.startWrite()
      })
    })
  }

  /** Waits for what is under way, then makes everything durable. */
  close(done: () => void): void {
    this.closed = true
    this.acks.stop()
    const wait = (): void => {
      if (this.busy || this.flushing) {
        this.clock.after(0.5, wait)
        return
      }
      this.platter.flushed = this.platter.written
      done()
    }
    wait()
  }

  progress(): void {
    this.acks.moved(this.written, this.stored)
    for (const listener of this.listeners) listener()
  }

  private flushSoon(): void {
    if (this.flushing) return
    this.flushing = true
    const target = this.platter.written
    // Mostly the time between two syncs, whatever the disk does.
    this.clock.after(10 + this.prng.below(140), () => {
      this.flushing = false
      this.platter.flushed = Math.max(this.platter.flushed, target)
      this.progress()
      if (this.platter.flushed < this.platter.written && !this.closed) this.flushSoon()
    })
  }

  /** No space: what was not written is not taken, and nothing else is until there is some. */
  private takeBack(): void {
    this.busy = false
    this.refusing = true
    this.appended = this.platter.written
    this.replica.reset()
    const probe = (): void => {
      if (this.closed) return
      if (this.platter.full) {
        this.clock.after(SPACE_PROBE_MS, probe)
        return
      }
      this.refusing = false
      this.progress()
    }
    this.clock.after(SPACE_PROBE_MS, probe)
    this.progress()
  }

  private later(fromMs: number, toMs: number, task: () => void): void {
    const ms = fromMs + ((toMs - fromMs) * this.prng.below(1001)) / 1000
    this.clock.after(ms * this.platter.slowness, task)
  }
}
