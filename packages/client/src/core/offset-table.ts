import { type Decoded, Malformed } from '@apogee/base'
import { decodeBody, encodeBody, ResetOffsetBody } from '@apogee/protocol'
import type { MessageQueue } from '../api/message.ts'
import { queueKey } from './queue-key.ts'

/** Values in an offset file: five to a queue. */
const LOCAL_OFFSETS_VALUES_MAX = 1_000_000

/** A queue and an offset of it: the next one to consume. */
export type QueueOffset = readonly [MessageQueue, number]

/**
 * How far one queue is consumed (Java: ControllableOffset). Handlers keep the cell of their queue, so that
 * acknowledging needs no look-up and no memory.
 */
export class OffsetCell {
  readonly queue: MessageQueue
  /** The next offset to consume: all before it are. −1 as long as nothing is known. */
  private current = -1
  /** What the broker or the file has, as far as we know. */
  private persisted = -1
  private frozen = false

  constructor(queue: MessageQueue) {
    this.queue = queue
  }

  get offset(): number {
    return this.current
  }

  /**
   * Corrected by an administrator or a broker: acknowledgements of before do not count any more, until the cell is
   * removed.
   */
  get isFrozen(): boolean {
    return this.frozen
  }

  get isPending(): boolean {
    return this.current >= 0 && this.current !== this.persisted
  }

  /** False when nothing changed: the offset is not above the known one (with `increaseOnly`), it is frozen, or negative. */
  update(offset: number, increaseOnly: boolean): boolean {
    if (this.frozen || offset < 0 || offset === this.current) return false
    if (increaseOnly && offset < this.current) return false
    this.current = offset
    return true
  }

  /** Sets it and lets nothing change it any more (Java: updateAndFreeze). It is pending then. */
  freeze(offset: number): void {
    this.current = offset
    this.persisted = -1
    this.frozen = true
  }

  /** `offset` is now where it belongs; it may have gone on meanwhile. */
  markPersisted(offset: number): void {
    this.persisted = offset
  }
}

/**
 * The offsets of all queues of one consumer between two times of persisting (Java: RemoteBrokerOffsetStore,
 * LocalFileOffsetStore).
 */
export class OffsetTable {
  private readonly cells = new Map<string, OffsetCell>()

  get size(): number {
    return this.cells.size
  }

  /** The cell of a queue; made when there is none. It counts until `remove`. */
  cell(queue: MessageQueue): OffsetCell {
    const key = queueKey(queue)
    let cell = this.cells.get(key)
    if (cell === undefined) {
      cell = new OffsetCell(queue)
      this.cells.set(key, cell)
    }
    return cell
  }

  /** See OffsetCell.update; makes the cell when there is none. */
  update(queue: MessageQueue, offset: number, increaseOnly: boolean): boolean {
    return this.cell(queue).update(offset, increaseOnly)
  }

  /** −1 when nothing is known. */
  read(queue: MessageQueue): number {
    return this.cells.get(queueKey(queue))?.offset ?? -1
  }

  /** See OffsetCell.freeze; makes the cell when there is none. */
  freeze(queue: MessageQueue, offset: number): void {
    this.cell(queue).freeze(offset)
  }

  /** The queue was given up, after its offset was persisted. Ends being frozen: a cell made later starts anew. */
  remove(queue: MessageQueue): void {
    this.cells.delete(queueKey(queue))
  }

  /** What has changed since it was last marked as persisted. */
  pending(): OffsetCell[] {
    return [...this.cells.values()].filter((cell) => cell.isPending)
  }

  /**
   * What was persisted may be lost: the broker (all, without a name) was restarted, or one-way requests to it were.
   * Everything known of it is pending again.
   */
  forgetPersisted(brokerName?: string): void {
    for (const cell of this.cells.values()) {
      if (brokerName === undefined || cell.queue.brokerName === brokerName) cell.markPersisted(-1)
    }
  }

  /**
   * All known offsets, of one topic when it is named: GET_CONSUMER_STATUS_FROM_CLIENT (221), running info, the local
   * file.
   */
  entries(topic?: string): QueueOffset[] {
    const entries: QueueOffset[] = []
    for (const { queue, offset } of this.cells.values()) {
      if (offset >= 0 && (topic === undefined || queue.topic === topic))
        entries.push([queue, offset])
    }
    return entries
  }
}

/**
 * The file of Java's LocalFileOffsetStore (OffsetSerializeWrapper): `{"offsetTable":{{"brokerName":…}:5}}`, its keys
 * objects.
 */
export function encodeLocalOffsets(entries: readonly QueueOffset[]): Buffer {
  const offsetTable = entries.map(([queue, offset]) => ({ key: queue, value: offset }))
  return encodeBody(ResetOffsetBody, { offsetTable })
}

/** Reads it, ours or Java's. Codes of Malformed: those of `decodeBody`, OFFSET_NEGATIVE. */
export function decodeLocalOffsets(bytes: Uint8Array): Decoded<QueueOffset[]> {
  const body = decodeBody(ResetOffsetBody, bytes, { valuesMax: LOCAL_OFFSETS_VALUES_MAX })
  if (body instanceof Malformed) return body
  const entries: QueueOffset[] = []
  for (const { key, value } of body.offsetTable) {
    if (value < 0) return new Malformed('OFFSET_NEGATIVE', `an offset is ${value}`)
    entries.push([key, value])
  }
  return entries
}

/** What is in the file with what has changed over it: queues of other topics and members keep their lines. */
export function mergeOffsets(
  stored: readonly QueueOffset[],
  changed: readonly QueueOffset[],
): QueueOffset[] {
  const merged = new Map<string, QueueOffset>()
  for (const entry of stored) merged.set(queueKey(entry[0]), entry)
  for (const entry of changed) merged.set(queueKey(entry[0]), entry)
  return [...merged.values()]
}
