import { crc32 } from 'node:zlib'
import { readInt64, writeInt32, writeInt64 } from '@apogee/base'

// Replication between an Apogee master and its slaves. The slave opens with eight bytes, the master answers with eight of
// its own, and from there on both send frames:
//
//    0      1        4          8                     16         20
//    | type | 0 0 0  | size     | offset              | crc32    | payload …
//      u8              u32        i64                   u32        `size` bytes
//
// Integers are big-endian. The checksum is over the first sixteen bytes and the payload.
//
//   slave                                      master
//   HA_SLAVE_MAGIC                         →
//                                          ←   HA_MASTER_MAGIC
//   HELLO     who I am, my log, my nonce   →
//                                          ←   WELCOME   who I am, my log, my nonce, my proof
//   PROOF     my proof                     →
//   CHECK     a range of the log           →                                              (any number of times)
//                                          ←   CHECKED   its SHA-256 here
//   FOLLOW    send from here               →
//                                          ←   DATA      where it begins, the log's end, bytes of the log
//   ACK       stored up to here            →                                              (also the sign of life)
//                                          ←   HEARTBEAT the log's end
//                                          ←   REFUSED   in place of any of these: why, and the end
//
// Apache's master takes whatever comes for offsets of eight bytes, and releases acknowledgements by the highest. Hence the
// high bit of the slave's magic, a negative offset to it, and hence nothing follows until a master of ours has answered.

export const HA_MAGIC_SIZE = 8
/** The first eight bytes of a slave: "APOGEEHA" with the high bit of its first letter set. */
export const HA_SLAVE_MAGIC: Buffer = Buffer.from('\xc1POGEEHA', 'latin1')
/** The first eight bytes of a master. Apache's sends the slave's own back, as the offset of its heartbeats. */
export const HA_MASTER_MAGIC: Buffer = Buffer.from('\xc1POGEEHM', 'latin1')

/** What HELLO and WELCOME name; both sides must speak the same. */
export const HA_VERSION = 1

export const HA_HEADER_SIZE = 20
/** Where the header's checksum stands. */
const CRC_AT = 16
/** The log's end, in front of the bytes of a DATA frame. */
export const HA_DATA_HEAD_SIZE = 8
/** Header and log's end: where the bytes of the log begin in a DATA frame. */
export const HA_DATA_AT: number = HA_HEADER_SIZE + HA_DATA_HEAD_SIZE
/** Most bytes of the log in one DATA frame. */
export const HA_DATA_MAX: number = 1024 * 1024
/** Most bytes of the log that one CHECK may ask for. */
export const HA_CHECK_MAX: number = 1024 * 1024
export const HA_NONCE_SIZE = 32
/** HMAC-SHA256. */
export const HA_PROOF_SIZE = 32
/** SHA-256. */
export const HA_HASH_SIZE = 32

export const HaFrameType = {
  HELLO: 1,
  WELCOME: 2,
  PROOF: 3,
  CHECK: 4,
  CHECKED: 5,
  FOLLOW: 6,
  DATA: 7,
  ACK: 8,
  HEARTBEAT: 9,
  REFUSED: 10,
} as const
export type HaFrameType = (typeof HaFrameType)[keyof typeof HaFrameType]

/** A whole frame. `offset` means what its type says; most leave it 0. */
export function encodeHaFrame(type: HaFrameType, offset: number, payload?: Uint8Array): Buffer {
  const size = payload?.length ?? 0
  const frame = Buffer.allocUnsafe(HA_HEADER_SIZE + size)
  if (payload !== undefined) frame.set(payload, HA_HEADER_SIZE)
  sealHaFrame(frame, type, offset, size)
  return frame
}

/** Writes the header of a frame whose payload of `size` bytes is in place behind it. */
export function sealHaFrame(into: Buffer, type: HaFrameType, offset: number, size: number): void {
  writeInt32(into, 0, type << 24)
  writeInt32(into, 4, size)
  writeInt64(into, 8, offset)
  writeInt32(into, CRC_AT, frameCrc(into, 0, size))
}

/** Makes a DATA frame of `size` bytes of the log that stand at HA_DATA_AT; returns the size of the frame. */
export function sealHaData(into: Buffer, offset: number, logEnd: number, size: number): number {
  writeInt64(into, HA_HEADER_SIZE, logEnd)
  sealHaFrame(into, HaFrameType.DATA, offset, HA_DATA_HEAD_SIZE + size)
  return HA_DATA_AT + size
}

/** The checksum of the frame at `at`, as an int32. */
export function frameCrc(bytes: Buffer, at: number, size: number): number {
  const head = crc32(bytes.subarray(at, at + CRC_AT))
  if (size === 0) return head | 0
  return crc32(bytes.subarray(at + HA_HEADER_SIZE, at + HA_HEADER_SIZE + size), head) | 0
}

/** An offset on the wire; −1 when it is negative or beyond 2^53. */
export function readOffset(bytes: Uint8Array, at: number): number {
  const offset = readInt64(bytes, at)
  return Number.isSafeInteger(offset) && offset >= 0 ? offset : -1
}
