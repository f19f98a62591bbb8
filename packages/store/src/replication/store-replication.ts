import type { LogPipeline } from '../commit-log/log-pipeline.ts'
import type { LogReplication, ReplicaWriter } from './log-replication.ts'
import { boundaryAtOrBelow, type RawLog, type ReadDone, readLog } from './read-log.ts'

export interface StoreReplicationDeps extends RawLog {
  log: LogPipeline
  replica: ReplicaWriter
  /** Retention keeps the log from here on. */
  keepFrom: (offset: number) => void
}

/** The store's side of replication: watermarks and bytes out, what replicas hold in. */
export class StoreReplication implements LogReplication {
  readonly fileSize: number
  readonly replica: ReplicaWriter
  private readonly deps: StoreReplicationDeps
  private readonly log: LogPipeline
  private listeners: readonly (() => void)[] = []

  constructor(deps: StoreReplicationDeps) {
    this.deps = deps
    this.log = deps.log
    this.replica = deps.replica
    this.fileSize = deps.files.fileSize
  }

  get minOffset(): number {
    return this.deps.minOffset()
  }

  get appended(): number {
    return this.log.appended
  }

  get written(): number {
    return this.log.written
  }

  get flushed(): number {
    return this.log.flushed
  }

  get stored(): number {
    return this.log.stored
  }

  onProgress(listener: () => void): () => void {
    const own = (): void => listener()
    this.listeners = [...this.listeners, own]
    return () => {
      this.listeners = this.listeners.filter((it) => it !== own)
    }
  }

  /** Something has moved. */
  progress(): void {
    for (const listener of this.listeners) listener()
  }

  read(offset: number, into: Buffer, at: number, length: number, done: ReadDone): void {
    readLog(this.deps, offset, into, at, length, done)
  }

  boundaryAtOrBelow(offset: number): Promise<number> {
    return boundaryAtOrBelow(this.deps, offset)
  }

  requireReplicas(timeoutMs: number): void {
    this.log.gate.requireReplicas(timeoutMs)
  }

  setReplicated(offset: number, available: boolean): void {
    this.log.setReplicated(offset, available)
  }

  keepFrom(offset: number): void {
    this.deps.keepFrom(offset)
  }
}
