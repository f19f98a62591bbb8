import { assert, type Decoded, Malformed, readInt64 } from '@apogee/base'
import { parseHex, writeHex, writeHexNumber } from './hex.ts'
import { type Host, hostBytes, readHost } from './host.ts'

// offsetMsgId, upper-case hex: address of the store host (4 or 16 bytes) | port i32 | physicalOffset i64.
// 32 characters, or 56 with IPv6 (Java MessageDecoder.createMessageId).

/** Characters of an offsetMsgId whose store host is a field of `hostLength` (8 or 20) bytes. */
export function offsetMsgIdSize(hostLength: number): number {
  return (hostLength + 8) * 2
}

/** Writes an offsetMsgId as ASCII at `at`; `host` is the bytes of a host field. Returns where it ends. */
export function writeOffsetMsgId(
  into: Uint8Array,
  at: number,
  host: Uint8Array,
  hostStart: number,
  hostLength: number,
  physicalOffset: number,
): number {
  const next = writeHex(into, at, host, hostStart, hostLength)
  const high = Math.floor(physicalOffset / 0x1_0000_0000)
  return writeHexNumber(into, writeHexNumber(into, next, high, 8), physicalOffset | 0, 8)
}

/** The offsetMsgId of a message stored at `physicalOffset` by `host`. */
export function formatOffsetMsgId(host: Host, physicalOffset: number): string {
  const bytes = hostBytes(host)
  assert(bytes !== null, 'store host is an IP address and a port', host.address, host.port)
  assert(Number.isSafeInteger(physicalOffset), 'physical offset', physicalOffset)
  const text = Buffer.alloc(offsetMsgIdSize(bytes.length))
  writeOffsetMsgId(text, 0, bytes, 0, bytes.length, physicalOffset)
  return text.toString('latin1')
}

/** What an offsetMsgId says. */
export interface OffsetMsgId {
  readonly storeHost: Host
  readonly physicalOffset: number
}

/** Reads an offsetMsgId of either case. Errors: MSG_ID_ILLEGAL. */
export function parseOffsetMsgId(text: string): Decoded<OffsetMsgId> {
  if (text.length !== 32 && text.length !== 56) {
    return new Malformed('MSG_ID_ILLEGAL', `${text.length} characters, not 32 or 56`)
  }
  const bytes = parseHex(text)
  if (bytes === null) return new Malformed('MSG_ID_ILLEGAL', 'not hex digits')
  const hostLength = bytes.length - 8
  const storeHost = readHost(bytes, 0, hostLength)
  const physicalOffset = readInt64(bytes, hostLength)
  if (storeHost === null) return new Malformed('MSG_ID_ILLEGAL', 'port out of range')
  if (physicalOffset < 0 || !Number.isSafeInteger(physicalOffset)) {
    return new Malformed('MSG_ID_ILLEGAL', 'offset out of range')
  }
  return { storeHost, physicalOffset }
}
