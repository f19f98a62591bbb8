import { assert } from '@apogee/base'
import { inspectRecord, RECORD_BLANK, RECORD_OK, RecordView } from '@apogee/protocol'
import type { Tail } from '../commit-log/tail.ts'
import type { RecordDispatcher } from './record-dispatcher.ts'

/** Walks confirmed records out of the tail, in log order, and dispatches each (ReputMessageService). */
export class TailDispatcher {
  /** Everything below is dispatched. */
  dispatched = 0
  /** Store time of the last dispatched record, ms. */
  lastStoreTimestamp = 0
  messages = 0
  private readonly tail: Tail
  private readonly dispatcher: RecordDispatcher
  private readonly view = new RecordView()

  constructor(tail: Tail, dispatcher: RecordDispatcher) {
    this.tail = tail
    this.dispatcher = dispatcher
  }

  /**
   * Dispatches up to `confirmed`. `withIndex`: whether the key index follows right here. When a queue cannot be loaded it
   * throws; everything before that record is dispatched then.
   */
  run(confirmed: number, withIndex: boolean): void {
    const { view } = this
    let at = this.dispatched
    while (at < confirmed) {
      const chunk = this.tail.holding(at)
      assert(chunk !== null, 'confirmed records left the tail', at, confirmed)
      const end = Math.min(chunk.end, confirmed)
      while (at < end) {
        const status = inspectRecord(chunk.buffer, at - chunk.start, chunk.used, view)
        assert(
          status === RECORD_OK || status === RECORD_BLANK,
          'bad record in the tail',
          at,
          status,
        )
        // A slave of Apache's acknowledges parts of records.
        if (at + view.totalSize > confirmed) return
        if (status === RECORD_OK) {
          this.dispatcher.dispatch(chunk.buffer, view, withIndex)
          this.lastStoreTimestamp = view.storeTimestamp
          this.messages++
        }
        at += view.totalSize
        this.dispatched = at
      }
    }
  }
}
