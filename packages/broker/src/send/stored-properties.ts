import {
  copyProperties,
  MessageConst,
  PropertyNameSet,
  PropertySlot,
  PropertySpans,
} from '@apogee/protocol'

const NAME_END = 0x01
const VALUE_END = 0x02

/**
 * What a broker adds to each message, and so drops when it comes from a client; and what it never stores (WAIT, POP_CK).
 */
const REPLACED: readonly string[] = [
  MessageConst.WAIT_STORE_MSG_OK,
  MessageConst.POP_CK,
  MessageConst.MSG_REGION,
  MessageConst.TRACE_SWITCH,
  MessageConst.CLUSTER,
]

const DROP_ALWAYS = new PropertyNameSet(REPLACED)
const DROP_WHEN_DELAYED = new PropertyNameSet([
  ...REPLACED,
  MessageConst.DELAY_TIME_LEVEL,
  MessageConst.REAL_TOPIC,
  MessageConst.REAL_QUEUE_ID,
  MessageConst.TIMER_DELAY_MS,
  MessageConst.TIMER_DELAY_SEC,
  MessageConst.TIMER_DELIVER_MS,
])

const DROP_WHEN_HALF = new PropertyNameSet([
  ...REPLACED,
  MessageConst.REAL_TOPIC,
  MessageConst.REAL_QUEUE_ID,
  MessageConst.TRANSACTION_PREPARED,
  MessageConst.TRANSACTION_ID,
  MessageConst.TRANSACTION_CHECK_TIMES,
  MessageConst.TRANSACTION_PREPARED_QUEUE_OFFSET,
])
const DROP_WHEN_DEAD = new PropertyNameSet([...REPLACED, MessageConst.DELAY_TIME_LEVEL])

/** Room for what is appended to 32 KiB of properties. */
const ADDED_SIZE_MAX = 2048

/** Longer properties than this are not rewritten: the store refuses them anyway. */
export const PROPERTIES_SOURCE_SIZE_MAX: number = 64 * 1024

/**
 * The properties as they are stored (SendMessageProcessor, MessageExtBrokerInner): the client's without WAIT and with the
 * broker's own added, rewritten in one pass over the bytes. One instance, filled anew for each message.
 */
export class StoredProperties {
  readonly bytes: Buffer
  /** Where the stored properties end in `bytes`. */
  end = 0
  /** What the client sent, as positions in its buffer. */
  readonly spans: PropertySpans = new PropertySpans()
  /** The unique key: a span of `uniqKeySource`, good until the next `write`. */
  uniqKeySource: Buffer = EMPTY
  uniqKeyStart = 0
  uniqKeyEnd = 0
  private readonly suffix: Buffer

  constructor(options: { region: string; traceOn: boolean; clusterName: string }) {
    this.suffix = Buffer.from(
      property(MessageConst.MSG_REGION, options.region) +
        property(MessageConst.TRACE_SWITCH, String(options.traceOn)) +
        property(MessageConst.CLUSTER, options.clusterName),
    )
    const size = PROPERTIES_SOURCE_SIZE_MAX + this.suffix.length + ADDED_SIZE_MAX
    this.bytes = Buffer.allocUnsafeSlow(size)
  }

  /** Bytes that `write` adds at most. */
  get addedSizeMax(): number {
    return this.suffix.length + 1
  }

  /** Rewrites the properties in [start, end) of `source`; −1 as start means none. */
  write(source: Buffer, start: number, end: number): void {
    this.copy(source, start, end, DROP_ALWAYS)
  }

  /** The same for a message that goes to the schedule topic at `level`, from `topic` and `queueId`. */
  writeDelayed(
    source: Buffer,
    start: number,
    end: number,
    level: number,
    topic: string,
    queueId: number,
  ): void {
    this.copy(source, start, end, DROP_WHEN_DELAYED)
    this.add(MessageConst.DELAY_TIME_LEVEL, String(level))
    this.add(MessageConst.REAL_TOPIC, topic)
    this.add(MessageConst.REAL_QUEUE_ID, String(queueId))
  }

  /** The same for a message that goes to a dead-letter topic: its delay is over. */
  writeDead(source: Buffer, start: number, end: number): void {
    this.copy(source, start, end, DROP_WHEN_DEAD)
    this.add(MessageConst.DELAY_TIME_LEVEL, '-1')
  }

  /** The same for the half message of a transaction of `group`, which is for `topic` and `queueId`. */
  writeHalf(
    source: Buffer,
    start: number,
    end: number,
    topic: string,
    queueId: number,
    group: string,
  ): void {
    this.copy(source, start, end, DROP_WHEN_HALF)
    this.add(MessageConst.TRANSACTION_PREPARED, 'true')
    this.add(MessageConst.REAL_TOPIC, topic)
    this.add(MessageConst.REAL_QUEUE_ID, String(queueId))
    // Whoever ends the transaction must name the group.
    if (!this.spans.has(PropertySlot.PGROUP)) this.add(MessageConst.PRODUCER_GROUP, group)
  }

  /** Names the transaction after its message's unique key, which must be there. */
  addTransactionId(): void {
    const { uniqKeyEnd, uniqKeySource, uniqKeyStart } = this
    const key = uniqKeySource.toString('utf8', uniqKeyStart, uniqKeyEnd)
    this.add(MessageConst.TRANSACTION_ID, key)
  }

  /** Adds one property at the end. */
  add(name: string, value: string): void {
    this.end += this.bytes.write(property(name, value), this.end)
  }

  /** Adds the unique key that a message without one gets. */
  addUniqKey(key: string): void {
    this.add(MessageConst.UNIQ_KEY, key)
    this.uniqKeySource = Buffer.from(key)
    this.uniqKeyStart = 0
    this.uniqKeyEnd = this.uniqKeySource.length
  }

  /** Whether the client's property `slot` is the text `true`, as Boolean.parseBoolean takes it. */
  isTrue(source: Buffer, slot: PropertySlot): boolean {
    return this.isText(source, slot, 'true')
  }

  isFalse(source: Buffer, slot: PropertySlot): boolean {
    return this.isText(source, slot, 'false')
  }

  /** The client's delay level; 0 when it has none, NaN when it is no number of 32 bits (Integer.parseInt). */
  delayLevel(source: Buffer): number {
    if (!this.spans.has(PropertySlot.DELAY)) return 0
    const text = source.toString(
      'latin1',

      this.spans.start(PropertySlot.DELAY),
      this.spans.end(PropertySlot.DELAY),
    )
    const level = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN
    return level === (level | 0) ? level : Number.NaN
  }

  /** Whether the client asks for delivery at a time instead of a level. */
  isTimer(): boolean {
    const { spans } = this
    return (
      spans.has(PropertySlot.TIMER_DELAY_MS) ||
      spans.has(PropertySlot.TIMER_DELAY_SEC) ||
      spans.has(PropertySlot.TIMER_DELIVER_MS)
    )
  }

  private isText(source: Buffer, slot: PropertySlot, text: string): boolean {
    const start = this.spans.start(slot)
    if (start < 0 || this.spans.end(slot) - start !== text.length) return false
    for (let i = 0; i < text.length; i++) {
      if ((source[start + i]! | 0x20) !== text.charCodeAt(i)) return false
    }
    return true
  }

  private copy(source: Buffer, start: number, end: number, drop: PropertyNameSet): void {
    const { bytes, spans, suffix } = this
    if (start < 0) {
      spans.clear()
      this.end = 0
    } else this.end = copyProperties(source, start, end, bytes, 0, drop, spans)
    if (spans.has(PropertySlot.UNIQ_KEY)) this.noteUniqKey(source)
    for (let i = 0; i < suffix.length; i++) bytes[this.end++] = suffix[i]!
  }

  /** The client's own unique key, in the receive buffer. */
  private noteUniqKey(source: Buffer): void {
    this.uniqKeySource = source
    this.uniqKeyStart = this.spans.start(PropertySlot.UNIQ_KEY)
    this.uniqKeyEnd = this.spans.end(PropertySlot.UNIQ_KEY)
  }
}

const EMPTY: Buffer = Buffer.alloc(0)

function property(name: string, value: string): string {
  return name + String.fromCharCode(NAME_END) + value + String.fromCharCode(VALUE_END)
}
