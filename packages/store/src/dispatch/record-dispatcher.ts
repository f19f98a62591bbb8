import { InternedText, javaHash, javaHashAscii } from '@apogee/base'
import { PropertySlot, PropertySpans, type RecordView, scanProperties } from '@apogee/protocol'
import type { ConsumeQueues } from '../consume-queue/consume-queues.ts'
import type { IndexService } from '../index-file/index-service.ts'

// What follows from one record of the log: a unit in its consume queue, entries in the key index. The only way to get
// there, live and in recovery (ReputMessageService, CommitLogDispatcherBuildConsumeQueue, …BuildIndex).

const SCHEDULE_TOPIC = 'SCHEDULE_TOPIC_XXXX'
/** Transaction bits of sysFlag: prepared 4, commit 8, rollback 12. */
const TRANSACTION_MASK = 12
const TRANSACTION_ROLLBACK = 12
const TRANSACTION_PREPARED = 4
const SPACE = 0x20
const HASH_SIGN = 0x23
/** Apache's answer to a delay level that its table does not have. */
const UNKNOWN_LEVEL_DELAY_MS = 1000

export class RecordDispatcher {
  private readonly queues: ConsumeQueues
  private readonly index: IndexService | null
  /** Delay of level n at n − 1, ms. */
  private readonly delayMs: readonly number[]
  private readonly names = new InternedText()
  private readonly spans = new PropertySpans()

  constructor(queues: ConsumeQueues, index: IndexService | null, delayMs: readonly number[]) {
    this.queues = queues
    this.index = index
    this.delayMs = delayMs
  }

  /** Puts the record's unit and, with `withIndex`, its keys. `view` was read from `buffer`. */
  dispatch(buffer: Buffer, view: RecordView, withIndex: boolean): void {
    const { spans } = this
    scanProperties(buffer, view.propertiesStart, view.propertiesEnd, spans)
    const transaction = view.sysFlag & TRANSACTION_MASK
    if (transaction !== TRANSACTION_PREPARED && transaction !== TRANSACTION_ROLLBACK) {
      const topic = this.names.at(buffer, view.topicStart, view.topicEnd)
      const queue = this.queues.queue(topic, view.queueId)
      const tagsCode =
        topic === SCHEDULE_TOPIC ? this.deliveryTime(buffer, view) : this.tagsCode(buffer)
      queue.put(view.queueOffset, view.physicalOffset, view.totalSize, tagsCode)
      if (queue.waiter !== null)
        queue.waiter.arrived(queue, view.queueOffset, tagsCode, view.storeTimestamp)
    }
    if (withIndex) this.putKeys(buffer, view)
  }

  /** Puts only the keys: the index catches up on its own after a crash. */
  dispatchKeys(buffer: Buffer, view: RecordView): void {
    scanProperties(buffer, view.propertiesStart, view.propertiesEnd, this.spans)
    this.putKeys(buffer, view)
  }

  private tagsCode(buffer: Buffer): number {
    const { spans } = this
    if (!spans.has(PropertySlot.TAGS)) return 0
    const start = spans.start(PropertySlot.TAGS)
    const end = spans.end(PropertySlot.TAGS)
    return javaHashAscii(buffer, start, end) ?? javaHash(buffer.toString('utf8', start, end))
  }

  /** Units of the schedule topic carry the delivery time instead of a tag. */
  private deliveryTime(buffer: Buffer, view: RecordView): number {
    const { spans } = this
    if (!spans.has(PropertySlot.DELAY)) return this.tagsCode(buffer)
    const text = buffer.toString(
      'latin1',
      spans.start(PropertySlot.DELAY),
      spans.end(PropertySlot.DELAY),
    )
    const level = Math.min(Number.parseInt(text, 10), this.delayMs.length)
    if (!(level > 0)) return this.tagsCode(buffer)
    return view.storeTimestamp + (this.delayMs[level - 1] ?? UNKNOWN_LEVEL_DELAY_MS)
  }

  private putKeys(buffer: Buffer, view: RecordView): void {
    if (this.index === null || (view.sysFlag & TRANSACTION_MASK) === TRANSACTION_ROLLBACK) return
    const { spans } = this
    if (spans.has(PropertySlot.UNIQ_KEY)) {
      this.putKey(
        buffer,
        view,
        spans.start(PropertySlot.UNIQ_KEY),
        spans.end(PropertySlot.UNIQ_KEY),
      )
    }
    if (!spans.has(PropertySlot.KEYS)) return
    const end = spans.end(PropertySlot.KEYS)
    let start = spans.start(PropertySlot.KEYS)
    for (let i = start; i <= end; i++) {
      if (i < end && buffer[i] !== SPACE) continue
      if (i > start) this.putKey(buffer, view, start, i)
      start = i + 1
    }
  }

  private putKey(buffer: Buffer, view: RecordView, start: number, end: number): void {
    const hash = hashOfKey(buffer, view, start, end)
    this.index!.put(indexKeyHash(hash), view.physicalOffset, view.storeTimestamp)
  }
}

/** The index's hash of a key: never negative; Java's abs leaves the smallest int as it is, and RocketMQ makes that 0. */
export function indexKeyHash(hash: number): number {
  return hash === INT32_MIN ? 0 : Math.abs(hash)
}

const INT32_MIN = -0x8000_0000

/** Java's hash of `topic#key`, from the bytes where they are ASCII. */
function hashOfKey(buffer: Buffer, view: RecordView, start: number, end: number): number {
  const topicHash = javaHashAscii(buffer, view.topicStart, view.topicEnd)
  if (topicHash !== null) {
    const seed = (Math.imul(topicHash, 31) + HASH_SIGN) | 0
    const hash = javaHashAscii(buffer, start, end, seed)
    if (hash !== null) return hash
  }
  const topic = buffer.toString('utf8', view.topicStart, view.topicEnd)
  return javaHash(`${topic}#${buffer.toString('utf8', start, end)}`)
}
