import { MessageConst } from './message-const.ts'
import { NAME_VALUE_SEPARATOR, PROPERTY_SEPARATOR } from './properties.ts'

// The send path and the pull path work on property bytes in place: no string, no Map, no object per message. The rules of
// what is an entry stand in properties.ts.

/** Where `findProperty` leaves the value it found; one object is reused. */
export class PropertySpan {
  start = 0
  end = 0
}

/**
 * Looks for the value of `name` among the properties in [start, end) and leaves its span in `into`. Returns false, and an
 * empty span, when it is not there. The whole text is read, since the last of several entries counts.
 */
export function findProperty(
  buffer: Uint8Array,
  start: number,
  end: number,
  name: Uint8Array,
  into: PropertySpan,
): boolean {
  let found = false
  into.start = into.end = end
  const nameLength = name.length
  let at = start
  while (at < end) {
    let i = 0
    while (i < nameLength && at + i < end && buffer[at + i] === name[i]) i++
    const valueStart = at + nameLength + 1
    const named =
      i === nameLength && nameLength > 0 && buffer[valueStart - 1] === NAME_VALUE_SEPARATOR
    at += i
    while (at < end && buffer[at] !== PROPERTY_SEPARATOR) at++
    if (named && at > valueStart && valueStart < end) {
      found = true
      into.start = valueStart
      into.end = at
    }
    at++
  }
  return found
}

/** A set of property names that is asked with bytes. */
export class PropertyNameSet {
  private readonly names: Uint8Array[]
  private readonly hashes: Int32Array
  private readonly mask: number

  constructor(names: readonly string[]) {
    let size = 8
    while (size < names.length * 4) size *= 2
    this.mask = size - 1
    this.names = Array.from({ length: size }, () => NO_NAME)
    this.hashes = new Int32Array(size)
    for (const name of names) this.add(new Uint8Array(Buffer.from(name, 'utf8')))
  }

  /** `hash` is Java's string hash over the bytes, which the scanners below have at hand. */
  has(buffer: Uint8Array, start: number, end: number, hash: number): boolean {
    return this.indexOf(buffer, start, end, hash) >= 0
  }

  /** The place of a name in the table, or -1. Stable for the life of the set. */
  indexOf(buffer: Uint8Array, start: number, end: number, hash: number): number {
    let index = hash & this.mask
    while (this.names[index] !== NO_NAME) {
      if (this.hashes[index] === hash && sameBytes(this.names[index]!, buffer, start, end)) {
        return index
      }
      index = (index + 1) & this.mask
    }
    return -1
  }

  /** The place of a name given as text, or -1. */
  placeOf(name: string): number {
    const bytes = new Uint8Array(Buffer.from(name, 'utf8'))
    return this.indexOf(bytes, 0, bytes.length, hashOf(bytes))
  }

  private add(name: Uint8Array): void {
    const hash = hashOf(name)
    if (name.length === 0 || this.has(name, 0, name.length, hash)) return
    let index = hash & this.mask
    while (this.names[index] !== NO_NAME) index = (index + 1) & this.mask
    this.names[index] = name
    this.hashes[index] = hash
  }
}

const NO_NAME: Uint8Array = new Uint8Array(0)

function hashOf(bytes: Uint8Array): number {
  let hash = 0
  for (let i = 0; i < bytes.length; i++) hash = (Math.imul(hash, 31) + bytes[i]!) | 0
  return hash
}

function sameBytes(name: Uint8Array, buffer: Uint8Array, start: number, end: number): boolean {
  if (name.length !== end - start) return false
  for (let i = 0; i < name.length; i++) if (buffer[start + i] !== name[i]) return false
  return true
}

/** The properties that `copyProperties` and `scanProperties` note; a slot is the place in `PropertySpans`. */
export const PropertySlot = {
  TAGS: 0,
  KEYS: 1,
  UNIQ_KEY: 2,
  DELAY: 3,
  WAIT: 4,
  TRAN_MSG: 5,
  PGROUP: 6,
  REAL_TOPIC: 7,
  REAL_QID: 8,
  RETRY_TOPIC: 9,
  TIMER_DELAY_SEC: 10,
  TIMER_DELAY_MS: 11,
  TIMER_DELIVER_MS: 12,
  TIMER_OUT_MS: 13,
  MAX_RECONSUME_TIMES: 14,
  INNER_MULTI_DISPATCH: 15,
  INNER_NUM: 16,
  SHARDING_KEY: 17,
  DUP_INFO: 18,
  ORIGIN_MESSAGE_ID: 19,
} as const
export type PropertySlot = (typeof PropertySlot)[keyof typeof PropertySlot]

const SLOT_NAMES: readonly string[] = [
  MessageConst.TAGS,
  MessageConst.KEYS,
  MessageConst.UNIQ_KEY,
  MessageConst.DELAY_TIME_LEVEL,
  MessageConst.WAIT_STORE_MSG_OK,
  MessageConst.TRANSACTION_PREPARED,
  MessageConst.PRODUCER_GROUP,
  MessageConst.REAL_TOPIC,
  MessageConst.REAL_QUEUE_ID,
  MessageConst.RETRY_TOPIC,
  MessageConst.TIMER_DELAY_SEC,
  MessageConst.TIMER_DELAY_MS,
  MessageConst.TIMER_DELIVER_MS,
  MessageConst.TIMER_OUT_MS,
  MessageConst.MAX_RECONSUME_TIMES,
  MessageConst.INNER_MULTI_DISPATCH,
  MessageConst.INNER_NUM,
  MessageConst.SHARDING_KEY,
  MessageConst.DUP_INFO,
  MessageConst.ORIGIN_MESSAGE_ID,
]

const SLOTS: PropertyNameSet = new PropertyNameSet(SLOT_NAMES)
const SLOT_OF_PLACE: Int8Array = slotOfPlace()

function slotOfPlace(): Int8Array {
  const slots = new Int8Array(128).fill(-1)
  for (const [slot, name] of SLOT_NAMES.entries()) slots[SLOTS.placeOf(name)] = slot
  return slots
}

/** Spans of the values seen, in the scanned buffer; `start` is -1 for a property that is not there. Reused. */
export class PropertySpans {
  readonly starts: Int32Array = new Int32Array(SLOT_NAMES.length).fill(-1)
  readonly ends: Int32Array = new Int32Array(SLOT_NAMES.length)

  has(slot: PropertySlot): boolean {
    return this.starts[slot]! >= 0
  }

  start(slot: PropertySlot): number {
    return this.starts[slot]!
  }

  end(slot: PropertySlot): number {
    return this.ends[slot]!
  }

  clear(): void {
    this.starts.fill(-1)
  }
}

/**
 * Copies the properties in [start, end) to `into` at `at`, without those named in `drop` and without what is no entry;
 * every entry copied ends with its separator. Values with a slot are noted in `spans`, dropped ones too, as positions in
 * `source`. Returns where the copy ends: at most `end - start + 1` bytes on, and the caller has made that room.
 * `into` may be `source` only if `at` is not after `start`.
 */
export function copyProperties(
  source: Uint8Array,
  start: number,
  end: number,
  into: Uint8Array,
  at: number,
  drop: PropertyNameSet,
  spans: PropertySpans,
): number {
  spans.clear()
  let entry = start
  while (entry < end) {
    const entryAt = at
    let hash = 0
    let i = entry
    let byte = 0
    while (i < end) {
      byte = source[i]!
      if (byte === NAME_VALUE_SEPARATOR || byte === PROPERTY_SEPARATOR) break
      hash = (Math.imul(hash, 31) + byte) | 0
      into[at++] = byte
      i++
    }
    const nameEnd = i
    const named = i < end && byte === NAME_VALUE_SEPARATOR && nameEnd > entry
    while (i < end) {
      byte = source[i]!
      if (byte === PROPERTY_SEPARATOR) break
      into[at++] = byte
      i++
    }
    if (!named || i === nameEnd + 1) {
      at = entryAt
    } else {
      noteSlot(source, entry, nameEnd, i, hash, spans)
      if (drop.has(source, entry, nameEnd, hash)) at = entryAt
      else into[at++] = PROPERTY_SEPARATOR
    }
    entry = i + 1
  }
  return at
}

/** Notes in `spans` the values that have a slot, copying nothing. */
export function scanProperties(
  buffer: Uint8Array,
  start: number,
  end: number,
  spans: PropertySpans,
): void {
  spans.clear()
  let entry = start
  while (entry < end) {
    let hash = 0
    let i = entry
    let byte = 0
    while (i < end) {
      byte = buffer[i]!
      if (byte === NAME_VALUE_SEPARATOR || byte === PROPERTY_SEPARATOR) break
      hash = (Math.imul(hash, 31) + byte) | 0
      i++
    }
    const nameEnd = i
    const named = i < end && byte === NAME_VALUE_SEPARATOR && nameEnd > entry
    while (i < end && buffer[i] !== PROPERTY_SEPARATOR) i++
    if (named && i > nameEnd + 1) noteSlot(buffer, entry, nameEnd, i, hash, spans)
    entry = i + 1
  }
}

function noteSlot(
  buffer: Uint8Array,
  nameStart: number,
  nameEnd: number,
  valueEnd: number,
  hash: number,
  spans: PropertySpans,
): void {
  const place = SLOTS.indexOf(buffer, nameStart, nameEnd, hash)
  if (place < 0) return
  const slot = SLOT_OF_PLACE[place]!
  spans.starts[slot] = nameEnd + 1
  spans.ends[slot] = valueEnd
}

/** Writes one property at `at`; returns where it ends. */
export function writeProperty(
  into: Uint8Array,
  at: number,
  name: Uint8Array,
  value: Uint8Array,
): number {
  into.set(name, at)
  into[at + name.length] = NAME_VALUE_SEPARATOR
  into.set(value, at + name.length + 1)
  into[at + name.length + 1 + value.length] = PROPERTY_SEPARATOR
  return at + name.length + value.length + 2
}
