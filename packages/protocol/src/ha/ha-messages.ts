import { type Decoded, Malformed, readInt32, writeInt32, writeInt64 } from '@apogee/base'
import { HA_CHECK_MAX, HA_HASH_SIZE, HA_NONCE_SIZE, HA_PROOF_SIZE, readOffset } from './ha-frame.ts'

// Payloads of the frames that are no more than numbers.
//
// HELLO, and WELCOME with a proof behind it:
//    0         4          8          16          24          32                64
//    | version | brokerId | fileSize | minOffset | endOffset | nonce           | n | clusterName | n | brokerName
//      i32       i32        i64        i64         i64         32 bytes          u8  UTF-8         u8  UTF-8
// CHECKED:  length i32 | SHA-256 (length 0: this range is not stored, or not any more)
// CHECK:    length i32
// REFUSED:  n u8 | code, ASCII | text, UTF-8

const NAME_MAX = 255
const NAMES_AT = 64
export const GREETING_MIN: number = NAMES_AT + 2
export const GREETING_MAX: number = GREETING_MIN + 2 * NAME_MAX
const CODE_MAX = 64
const TEXT_MAX = 512
export const REFUSAL_MIN = 1
export const REFUSAL_MAX: number = 1 + CODE_MAX + TEXT_MAX

/** Who one side is and what it has: HELLO, and WELCOME without its proof. */
export interface HaGreeting {
  version: number
  clusterName: string
  brokerName: string
  brokerId: number
  /** Size of the log's files, bytes. */
  fileSize: number
  /** First offset that is stored, and the end. */
  minOffset: number
  endOffset: number
  /** HA_NONCE_SIZE random bytes. */
  nonce: Uint8Array
}

export function encodeHaGreeting(greeting: HaGreeting): Buffer {
  const cluster = nameBytes(greeting.clusterName)
  const name = nameBytes(greeting.brokerName)
  const bytes = Buffer.alloc(GREETING_MIN + cluster.length + name.length)
  writeInt32(bytes, 0, greeting.version)
  writeInt32(bytes, 4, greeting.brokerId)
  writeInt64(bytes, 8, greeting.fileSize)
  writeInt64(bytes, 16, greeting.minOffset)
  writeInt64(bytes, 24, greeting.endOffset)
  bytes.set(greeting.nonce.subarray(0, HA_NONCE_SIZE), 32)
  const second = writeName(bytes, NAMES_AT, cluster)
  writeName(bytes, second, name)
  return bytes
}

/** The greeting copies what it needs: `payload` may be used again. */
export function decodeHaGreeting(payload: Buffer): Decoded<HaGreeting> {
  if (payload.length < GREETING_MIN) return malformed('greeting too short')
  const second = NAMES_AT + 1 + payload[NAMES_AT]!
  if (second >= payload.length) return malformed('clusterName beyond the end')
  const end = second + 1 + payload[second]!
  if (end !== payload.length) return malformed('brokerName beyond the end')
  const fileSize = readOffset(payload, 8)
  const minOffset = readOffset(payload, 16)
  const endOffset = readOffset(payload, 24)
  if (fileSize <= 0 || minOffset < 0 || endOffset < minOffset) return malformed('offsets')
  return {
    version: readInt32(payload, 0),
    clusterName: payload.toString('utf8', NAMES_AT + 1, second),
    brokerName: payload.toString('utf8', second + 1, end),
    brokerId: readInt32(payload, 4),
    fileSize,
    minOffset,
    endOffset,
    nonce: Uint8Array.from(payload.subarray(32, 32 + HA_NONCE_SIZE)),
  }
}

/** The two parts of a WELCOME: the greeting as it was proven, and the proof. Views of `payload`. */
export function splitHaWelcome(payload: Buffer): { greeting: Buffer; proof: Buffer } {
  const at = Math.max(0, payload.length - HA_PROOF_SIZE)
  return { greeting: payload.subarray(0, at), proof: payload.subarray(at) }
}

export function encodeHaCheck(length: number): Buffer {
  const bytes = Buffer.alloc(4)
  writeInt32(bytes, 0, length)
  return bytes
}

/** How many bytes are to be compared: 1 to HA_CHECK_MAX. */
export function decodeHaCheck(payload: Buffer): Decoded<number> {
  const length = payload.length === 4 ? readInt32(payload, 0) : 0
  return length > 0 && length <= HA_CHECK_MAX ? length : malformed('length of a check')
}

export interface HaChecked {
  /** 0: the master does not have the range. */
  length: number
  hash: Uint8Array
}

export function encodeHaChecked({ length, hash }: HaChecked): Buffer {
  const bytes = Buffer.alloc(4 + HA_HASH_SIZE)
  writeInt32(bytes, 0, length)
  bytes.set(hash.subarray(0, HA_HASH_SIZE), 4)
  return bytes
}

/** `hash` is a view of `payload`. */
export function decodeHaChecked(payload: Buffer): Decoded<HaChecked> {
  const length = payload.length === 4 + HA_HASH_SIZE ? readInt32(payload, 0) : -1
  if (length < 0 || length > HA_CHECK_MAX) return malformed('length of what was checked')
  return { length, hash: payload.subarray(4) }
}

/** What DATA says in front of its bytes: the end of the master's log; −1 for none. */
export function decodeHaLogEnd(payload: Buffer): number {
  return readOffset(payload, 0)
}

/** Why a connection ends. */
export interface HaRefusal {
  /** Stable, UPPER_SNAKE, at most 64 characters. */
  code: string
  /** For people; longer ones are cut. */
  message: string
}

export function encodeHaRefusal({ code, message }: HaRefusal): Buffer {
  const codeBytes = Buffer.from(code.slice(0, CODE_MAX), 'latin1')
  const text = Buffer.from(message, 'utf8').subarray(0, TEXT_MAX)
  return Buffer.concat([Buffer.from([codeBytes.length]), codeBytes, text])
}

const CODE = /^[A-Z][A-Z0-9_]*$/

export function decodeHaRefusal(payload: Buffer): Decoded<HaRefusal> {
  const end = 1 + (payload[0] ?? 0)
  if (payload.length > REFUSAL_MAX || end > payload.length) return malformed('refusal')
  const code = payload.toString('latin1', 1, end)
  if (!CODE.test(code)) return malformed('code of a refusal')
  return { code, message: payload.toString('utf8', end) }
}

function nameBytes(name: string): Buffer {
  return Buffer.from(name, 'utf8').subarray(0, NAME_MAX)
}

function writeName(into: Buffer, at: number, name: Buffer): number {
  into[at] = name.length
  into.set(name, at + 1)
  return at + 1 + name.length
}

function malformed(what: string): Malformed {
  return new Malformed('HA_FRAME_MALFORMED', what)
}
