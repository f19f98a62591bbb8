import type { DiskError } from '@apogee/env'
import type { LogReplication, ReplicaStatus, ReplicaWriter } from '@apogee/store'

/** Passes everything on: what watches or spoils a log's replication overrides the part it is after. */
export class ForwardingReplication implements LogReplication {
  readonly replica: ReplicaWriter
  protected readonly inner: LogReplication

  constructor(inner: LogReplication, replica: ReplicaWriter = inner.replica) {
    this.inner = inner
    this.replica = replica
  }

  get fileSize(): number {
    return this.inner.fileSize
  }

  get minOffset(): number {
    return this.inner.minOffset
  }

  get appended(): number {
    return this.inner.appended
  }

  get written(): number {
    return this.inner.written
  }

  get flushed(): number {
    return this.inner.flushed
  }

  get stored(): number {
    return this.inner.stored
  }

  onProgress(listener: () => void): () => void {
    return this.inner.onProgress(listener)
  }

  read(
    offset: number,
    into: Buffer,
    at: number,
    length: number,
    done: (error: DiskError | null, bytesRead: number) => void,
  ): void {
    this.inner.read(offset, into, at, length, done)
  }

  boundaryAtOrBelow(offset: number): Promise<number> {
    return this.inner.boundaryAtOrBelow(offset)
  }

  requireReplicas(timeoutMs: number): void {
    this.inner.requireReplicas(timeoutMs)
  }

  setReplicated(offset: number, available: boolean): void {
    this.inner.setReplicated(offset, available)
  }

  keepFrom(offset: number): void {
    this.inner.keepFrom(offset)
  }
}

/** The same for a slave's writer. */
export class ForwardingReplica implements ReplicaWriter {
  protected readonly inner: ReplicaWriter

  constructor(inner: ReplicaWriter) {
    this.inner = inner
  }

  get received(): number {
    return this.inner.received
  }

  get full(): boolean {
    return this.inner.full
  }

  append(offset: number, bytes: Buffer, verify: boolean): ReplicaStatus {
    return this.inner.append(offset, bytes, verify)
  }

  reset(): void {
    this.inner.reset()
  }

  startAt(offset: number): void {
    this.inner.startAt(offset)
  }
}

/** Tells what the replication says to the master's store before the store hears it. */
export class WatchedReplication extends ForwardingReplication {
  private readonly replicated: (offset: number, available: boolean) => void

  constructor(inner: LogReplication, replicated: (offset: number, available: boolean) => void) {
    super(inner)
    this.replicated = replicated
  }

  override setReplicated(offset: number, available: boolean): void {
    this.replicated(offset, available)
    super.setReplicated(offset, available)
  }
}
