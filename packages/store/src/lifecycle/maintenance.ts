import type { Clock, Disk, Timer } from '@apogee/env'
import type { CommitLog } from '../commit-log/commit-log.ts'
import type { LogFiles } from '../commit-log/log-files.ts'
import type { ConsumeQueues } from '../consume-queue/consume-queues.ts'
import type { IndexService } from '../index-file/index-service.ts'
import type { MessageStoreOptions } from '../options.ts'
import type { LogReader } from '../read/log-reader.ts'
import { decideRetention, logRefusal, type RetentionDecision } from '../retention/retention.ts'
import type { StoreLogger } from '../store-logger.ts'

const ACK_TICK_MS = 100
/** Queues that nobody used for this long give their memory back. */
const EVICT_MS = 60_000
/** Apache's first clean comes a minute after the start: a store that was down over 04:00 is not emptied at once. */
const FIRST_CLEAN_MS = 60_000

export interface MaintenanceDeps {
  options: MessageStoreOptions
  disk: Disk
  clock: Clock
  log: StoreLogger
  commitLog: CommitLog
  files: LogFiles
  queues: ConsumeQueues
  index: IndexService
  reader: LogReader
  /** Makes derived data durable and moves the checkpoint; calls back when it is done. */
  checkpoint: (done: () => void) => void
  /** The log begins later, or has space again: replication may go on. */
  progress: () => void
}

/** What the store does by the clock: flush, acknowledgement time-outs, checkpoints, retention. */
export class Maintenance {
  private readonly deps: MaintenanceDeps
  private readonly timers = new Set<Timer>()
  private stopped = false
  private lastFlushMs = 0
  private refusing = false
  private checkpointMs = 0
  /** Replicas still need the log from here on. */
  private keptFrom: number = Number.POSITIVE_INFINITY

  constructor(deps: MaintenanceDeps) {
    this.deps = deps
  }

  start(): void {
    const { options } = this.deps
    this.every(ACK_TICK_MS, () => this.deps.commitLog.expireAcks(options.syncFlushTimeoutMs))
    this.every(options.flushIntervalMs, () => this.flush())
    this.every(EVICT_MS, () => this.deps.queues.evictIdle(EVICT_MS))
    this.checkSpace()
    this.every(options.cleanIntervalMs, () => this.checkSpace())
    this.later(options.checkpointIntervalMs, () => this.runCheckpoint())
    this.later(FIRST_CLEAN_MS, () => {
      this.clean(false)
      this.every(options.cleanIntervalMs, () => this.clean(false))
    })
  }

  stop(): void {
    this.stopped = true
    for (const timer of this.timers) timer.cancel()
    this.timers.clear()
  }

  /** See LogReplication.keepFrom. */
  keepFrom(offset: number): void {
    this.keptFrom = offset
  }

  /** Used share of the device that holds the log, 0 to 1. */
  usedRatio(): number {
    const { total, free } = this.deps.disk.space(this.deps.files.folder)
    return total === 0 ? 0 : (total - free) / total
  }

  /** One retention pass over the log, then over what is derived from it. Returns log files removed. Never throws. */
  clean(asked: boolean): number {
    let removed = 0
    this.attempt('log_not_cleaned', () => {
      const { remove, forced } = this.decide(asked)
      const { files, log } = this.deps
      for (; removed < remove; removed++) {
        const start = files.minOffset
        files.removeFirst()
        const needed = start + files.fileSize > this.keptFrom
        const fields = { event: 'log_file_deleted', start, forced }
        if (needed) log.warn({ ...fields, needed }, 'a replica has not got it: the disk is full')
        else log.info(fields)
      }
    })
    if (removed > 0) {
      const { commitLog, files, queues, reader } = this.deps
      reader.forget(files.minOffset)
      queues.setLogRange(files.minOffset, commitLog.confirmed)
      this.cleanDerived()
      this.deps.progress()
    }
    return removed
  }

  /** Removes queue and index files that lie below the log. Returns how many went at once. Never throws. */
  cleanDerived(): number {
    const { files, index, queues } = this.deps
    let removed = 0
    this.attempt('queues_not_cleaned', () => {
      removed += queues.deleteExpired(files.minOffset)
    })
    this.attempt('index_not_cleaned', () => {
      removed += index.deleteExpired(files.minOffset)
    })
    return removed
  }

  private decide(asked: boolean): RetentionDecision {
    const { clock, files, options } = this.deps
    const starts = files.fileStarts().slice(0, -1)
    return decideRetention(options.retention, {
      now: clock.wallMs(),
      hour: options.hourOf(clock.wallMs()),
      usedRatio: this.checkSpace(),
      files: starts.map((start) => ({ start, modifiedMs: files.modifiedMs(start) })),
      asked,
      keepFrom: this.keptFrom,
      fileSize: files.fileSize,
    })
  }

  /** A disk that fails here costs space, not messages: the next pass tries again. */
  private attempt(event: string, task: () => void): void {
    try {
      task()
    } catch (error) {
      this.deps.log.error({ event, err: error }, 'expired files stay until the next pass')
    }
  }

  /** Refuses or takes messages by the used share of the device. */
  private checkSpace(): number {
    const usedRatio = this.usedRatio()
    const refusing = usedRatio > this.deps.options.retention.fullRatio
    const wasRefusing = this.refusing
    if (refusing !== wasRefusing) logRefusal(this.deps.log, refusing, usedRatio)
    this.refusing = refusing
    this.deps.commitLog.refusing = refusing
    if (!refusing && wasRefusing) this.deps.progress()
    return usedRatio
  }

  /** FlushRealTimeService: enough bytes, or long enough. */
  private flush(): void {
    const { clock, commitLog, options } = this.deps
    const behind = commitLog.written - commitLog.flushed
    const now = clock.monotonicMs()
    const due =
      behind >= options.flushLeastBytes || now - this.lastFlushMs >= options.flushThoroughMs
    if (behind === 0 || !due) return
    this.lastFlushMs = now
    commitLog.flush()
  }

  /**
   * Checkpoints follow each other at the interval, or slower when one takes long (many queues): never over a third of
   * the time.
   */
  private runCheckpoint(): void {
    const { clock, options } = this.deps
    const started = clock.monotonicMs()
    this.deps.checkpoint(() => {
      this.checkpointMs = clock.monotonicMs() - started
      // Queues that were full may have been written.
      this.deps.progress()
      this.later(Math.max(options.checkpointIntervalMs, this.checkpointMs * 2), () =>
        this.runCheckpoint(),
      )
    })
  }

  private every(intervalMs: number, task: () => void): void {
    this.later(intervalMs, () => {
      task()
      this.every(intervalMs, task)
    })
  }

  private later(delayMs: number, task: () => void): void {
    if (this.stopped) return
    const timer = this.deps.clock.after(delayMs, () => {
      this.timers.delete(timer)
      if (!this.stopped) task()
    })
    this.timers.add(timer)
  }
}
