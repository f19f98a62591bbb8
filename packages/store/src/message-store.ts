import type { ApogeeError } from '@apogee/base'
import type { AckSink } from './commit-log/ack-queue.ts'
import type { CommitLog } from './commit-log/commit-log.ts'
import type { AppendStatus } from './commit-log/commit-log-options.ts'
import type { RecordDraft } from './commit-log/record-draft.ts'
import type { ConfigFile } from './config-file/config-file.ts'
import type { ConsumeQueue } from './consume-queue/consume-queue.ts'
import { closeStore, openStore } from './lifecycle/open-store.ts'
import type { OpenStore, RecoveryReport, StoreDeps } from './lifecycle/store-parts.ts'
import type { MessageStoreOptions } from './options.ts'
import { offsetByTime, recordAt, storeTimeAt, unitAt } from './read/find-offset.ts'
import { type GetQuery, GetResult } from './read/get-message.ts'
import { type KeyQueryResult, queryByKey } from './read/query-by-key.ts'
import type { LogReplication } from './replication/log-replication.ts'

/**
 * The store of one broker (DefaultMessageStore): one log, and what is derived from it. Owns everything under its root
 * folder. All calls come from one thread, the event loop.
 */
export class MessageStore {
  readonly options: MessageStoreOptions
  private readonly deps: StoreDeps
  private parts: OpenStore | null = null
  private readonly failureListeners: ((error: ApogeeError) => void)[] = []
  private readonly freeResults: GetResult[] = []

  constructor(options: MessageStoreOptions, deps: StoreDeps) {
    this.options = options
    this.deps = deps
  }

  /** Takes the store, recovers it and starts its timers. Codes: STORE_LOCKED, STORE_CONFIG_MISMATCH, STORE_CORRUPT. */
  open(): RecoveryReport {
    this.parts = openStore(this.options, this.deps, (error) => {
      for (const listener of this.failureListeners) listener(error)
    })
    return this.parts.report
  }

  /**
   * Flushes, writes the checkpoint, removes the abort file. Rejects with STORE_CLOSE_INCOMPLETE when something could not be
   * written: the abort file stays, and the next start recovers. In either case the store is free for others, and this
   * object cannot be opened again.
   */
  close(): Promise<void> {
    return this.parts === null ? Promise.resolve() : closeStore(this.parts)
  }

  /** Set for good after a failed write or sync: the broker must stop acknowledging and end. */
  get failure(): ApogeeError | null {
    return this.open_.log.failure
  }

  onFailure(listener: (error: ApogeeError) => void): void {
    this.failureListeners.push(listener)
  }

  get draft(): RecordDraft {
    return this.open_.log.draft
  }

  /**
   * Log offsets, each ≤ the one before: appended, written, flushed, confirmed (what acknowledgements wait for),
   * dispatched.
   */
  get watermarks(): {
    appended: number
    written: number
    flushed: number
    confirmed: number
    dispatched: number
  } {
    const { log, tailDispatcher } = this.open_
    const { appended, written, flushed, confirmed } = log
    return { appended, written, flushed, confirmed, dispatched: tailDispatcher.dispatched }
  }

  get commitLog(): CommitLog {
    return this.open_.log
  }

  /** The log as replication sees it. */
  get replication(): LogReplication {
    return this.open_.replication
  }

  /** Appends `draft`; see CommitLog.append. `sink.stored(token, …)` follows, never from inside this call. */
  append(sink: AckSink | null, token: number): AppendStatus {
    return this.open_.log.append(sink, token)
  }

  /** Whether `size` bytes more would be refused as APPEND_BUSY now. */
  isBusy(size: number): boolean {
    return this.open_.log.isBusy(size)
  }

  /** Reads a queue. `done` is called once, at once when everything is in memory; its argument is valid inside the call. */
  getMessage(query: GetQuery, done: (result: GetResult) => void): void {
    const result = this.freeResults.pop() ?? new GetResult(this.open_.readDeps, this.releaseResult)
    result.run(query, done)
  }

  /** A copy of the record that starts at `physicalOffset`, or `null`. */
  readRecord(physicalOffset: number): Promise<Buffer | null> {
    const { log, reader } = this.open_
    if (physicalOffset < 0 || physicalOffset >= log.confirmed) return Promise.resolve(null)
    return recordAt(reader, physicalOffset)
  }

  maxOffset(topic: string, queueId: number): number {
    return this.open_.queues.find(topic, queueId)?.maxOffset ?? 0
  }

  minOffset(topic: string, queueId: number): number {
    return this.open_.queues.find(topic, queueId)?.minOffset() ?? 0
  }

  get minPhysicalOffset(): number {
    return this.open_.files.minOffset
  }

  get maxPhysicalOffset(): number {
    return this.open_.log.appended
  }

  /** See offsetByTime. */
  searchOffset(
    topic: string,
    queueId: number,
    timestamp: number,
    boundary: 'lower' | 'upper',
  ): Promise<number> {
    const { queues, reader } = this.open_
    const queue = queues.find(topic, queueId)
    return queue === null ? Promise.resolve(0) : offsetByTime(queue, reader, timestamp, boundary)
  }

  /** Store time of a queue's message, ms; −1 when it is not there. */
  async storeTime(topic: string, queueId: number, queueOffset: number): Promise<number> {
    const { queues, reader } = this.open_
    const queue = queues.find(topic, queueId)
    const unit = queue === null ? null : await unitAt(queue, queueOffset)
    return unit === null ? -1 : storeTimeAt(reader, unit.physicalOffset)
  }

  /** Store time of the oldest message of the log, ms; −1 when it is empty. */
  earliestStoreTime(): Promise<number> {
    const { files, log, reader } = this.open_
    return log.confirmed === files.minOffset
      ? Promise.resolve(-1)
      : storeTimeAt(reader, files.minOffset)
  }

  queryByKey(
    topic: string,
    key: string,
    maxCount: number,
    beginMs: number,
    endMs: number,
  ): Promise<KeyQueryResult> {
    const { index, reader } = this.open_
    return queryByKey(index, reader, { topic, key, maxCount, beginMs, endMs })
  }

  consumeQueue(topic: string, queueId: number): ConsumeQueue {
    return this.open_.queues.queue(topic, queueId)
  }

  topics(): string[] {
    return this.open_.queues.topics()
  }

  queuesOf(topic: string): number[] {
    return this.open_.queues.queuesOf(topic)
  }

  /** Forgets a topic's queues; its records leave with the log. */
  deleteTopic(topic: string): void {
    this.open_.queues.deleteTopic(topic)
  }

  /** Removes queue and index files that lie below the log (code 306). */
  cleanExpiredQueues(): number {
    return this.open_.maintenance.cleanDerived()
  }

  /** Removes expired log files now, whatever the hour (code 329). Returns how many. */
  deleteExpiredNow(): number {
    return this.open_.maintenance.clean(true)
  }

  /** config/<name>.json of this store. */
  configFile(name: string, onError: (error: Error) => void): ConfigFile {
    return this.open_.configFile(name, onError)
  }

  /** What Apache's GET_BROKER_RUNTIME_INFO (28) says about the store. */
  runtimeInfo(): Map<string, string> {
    const { files, log, maintenance, tailDispatcher } = this.open_
    return new Map([
      ['commitLogMinOffset', String(files.minOffset)],
      ['commitLogMaxOffset', String(log.appended)],
      ['commitLogDiskRatio', String(maintenance.usedRatio())],
      ['consumeQueueDiskRatio', String(maintenance.usedRatio())],
      ['dispatchBehindBytes', String(log.appended - tailDispatcher.dispatched)],
      ['flushBehindBytes', String(log.appended - log.flushed)],
    ])
  }

  private readonly releaseResult = (result: GetResult): void => {
    if (this.freeResults.length < FREE_RESULTS_MAX) this.freeResults.push(result)
  }

  private get open_(): OpenStore {
    if (this.parts === null) throw new Error('the store is not open')
    return this.parts
  }
}

/** Pooled reads kept; more are made under load and dropped after it. */
const FREE_RESULTS_MAX = 64
