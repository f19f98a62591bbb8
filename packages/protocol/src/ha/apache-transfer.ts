import { assert, Malformed, readInt32, readInt64, writeInt32, writeInt64 } from '@apogee/base'
import { readOffset } from './ha-frame.ts'

// Replication as Apache's brokers speak it (Java: DefaultHAConnection, DefaultHAClient).
//
// slave → master, when it has stored more, and every few seconds:    master → slave; no bytes: a heartbeat:
//    0                8                                                 0               8           12
//    | offset         |                                                 | phyOffset     | bodySize  | bytes of the log …
//      i64, its end                                                       i64             i32

export const APACHE_REPORT_SIZE = 8
export const APACHE_TRANSFER_HEADER_SIZE = 12
/** Most bytes of one transfer that a slave takes: Java's read buffer for them is as large. */
export const APACHE_TRANSFER_MAX: number = 4 * 1024 * 1024

const EMPTY: Buffer = Buffer.alloc(0)

export function writeApacheReport(into: Uint8Array, at: number, offset: number): void {
  writeInt64(into, at, offset)
}

export function writeApacheTransferHeader(
  into: Uint8Array,
  at: number,
  offset: number,
  size: number,
): void {
  writeInt64(into, at, offset)
  writeInt32(into, at + 8, size)
}

/** Reads what a slave reports, in any pieces. As in Java, the last whole one of a chunk counts. */
export class ApacheReportReader {
  private readonly partial = Buffer.alloc(APACHE_REPORT_SIZE)
  private partialSize = 0

  /** The last offset that is whole with this chunk; −1: none is. Malformed: one of them is no offset. */
  push(chunk: Uint8Array): number | Malformed {
    let last = -1
    let at = 0
    while (at < chunk.length) {
      const take = Math.min(APACHE_REPORT_SIZE - this.partialSize, chunk.length - at)
      this.partial.set(chunk.subarray(at, at + take), this.partialSize)
      this.partialSize += take
      at += take
      if (this.partialSize < APACHE_REPORT_SIZE) break
      this.partialSize = 0
      last = readOffset(this.partial, 0)
      if (last < 0) return new Malformed('HA_FRAME_MALFORMED', 'a report that is no offset')
    }
    return last
  }
}

export const TRANSFER_NONE = 0
/** A header: `offset` and `size` of what follows; a heartbeat when nothing does. */
export const TRANSFER_HEADER = 1
/** Bytes of the log: `bytes` at `offset`. */
export const TRANSFER_BYTES = 2
export type TransferEvent = 0 | 1 | 2

/** Reads what a master of Apache's transfers, in any pieces. The log's bytes are handed on as they come, not copied. */
export class ApacheTransferReader {
  offset = 0
  size = 0
  /** A view of the chunk; good until the next call. */
  bytes: Buffer = EMPTY
  private readonly header = Buffer.alloc(APACHE_TRANSFER_HEADER_SIZE)
  private headerSize = 0
  private bodyLeft = 0
  private chunk: Buffer = EMPTY
  private at = 0
  private broken: Malformed | null = null

  /** Bytes that were pushed and not read. */
  get unread(): number {
    return this.chunk.length - this.at
  }

  /** Takes the next chunk. Call `next` until it says TRANSFER_NONE first. */
  push(chunk: Buffer): void {
    assert(this.at === this.chunk.length, 'pushed before all was read', this.unread)
    this.chunk = chunk
    this.at = 0
  }

  next(): TransferEvent | Malformed {
    if (this.broken !== null) return this.broken
    const take = Math.min(
      this.unread,
      this.bodyLeft || APACHE_TRANSFER_HEADER_SIZE - this.headerSize,
    )
    if (take === 0) return TRANSFER_NONE
    const from = this.at
    this.at += take
    if (this.bodyLeft > 0) {
      this.offset += this.bytes.length
      this.bytes = this.chunk.subarray(from, this.at)
      this.bodyLeft -= take
      return TRANSFER_BYTES
    }
    this.chunk.copy(this.header, this.headerSize, from, this.at)
    this.headerSize += take
    if (this.headerSize < APACHE_TRANSFER_HEADER_SIZE) return TRANSFER_NONE
    return this.openHeader()
  }

  private openHeader(): TransferEvent | Malformed {
    this.headerSize = 0
    this.bytes = EMPTY
    this.size = readInt32(this.header, 8)
    this.offset = readOffset(this.header, 0)
    if (this.offset < 0 || this.size < 0 || this.size > APACHE_TRANSFER_MAX) {
      const what = `transfer of ${this.size} bytes at ${readInt64(this.header, 0)}`
      this.broken = new Malformed('HA_FRAME_MALFORMED', what)
      return this.broken
    }
    this.bodyLeft = this.size
    return TRANSFER_HEADER
  }
}
