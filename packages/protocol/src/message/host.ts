import { assert, readInt32, writeInt32 } from '@apogee/base'

// A host field: the address, 4 bytes (IPv4) or 16 (IPv6), then the port as i32.

/** An IP address as text and a port. */
export interface Host {
  readonly address: string
  readonly port: number
}

/**
 * The bytes of an address, 4 or 16, or `null` when the text is no IP address (names are not resolved). An IPv4 address
 * written as IPv6 (`::ffff:1.2.3.4`, what a dual-stack socket reports) gives 4 bytes. A zone (`%eth0`) is dropped.
 */
export function addressBytes(address: string): Uint8Array | null {
  if (address.length > 64) return null
  if (!address.includes(':')) return ipv4Bytes(address)
  const zone = address.indexOf('%')
  const bytes = ipv6Bytes(zone < 0 ? address : address.slice(0, zone))
  if (bytes === null) return null
  return isMappedIpv4(bytes) ? bytes.slice(12) : bytes
}

function ipv4Bytes(text: string): Uint8Array | null {
  const parts = text.split('.')
  if (parts.length !== 4) return null
  const bytes = new Uint8Array(4)
  for (const [i, part] of parts.entries()) {
    if (!/^\d{1,3}$/.test(part) || Number(part) > 255) return null
    bytes[i] = Number(part)
  }
  return bytes
}

function ipv6Bytes(text: string): Uint8Array | null {
  const halves = text.split('::')
  if (halves.length > 2) return null
  const head = groupsOf(halves[0]!, halves.length === 1)
  const tail = halves.length === 2 ? groupsOf(halves[1]!, true) : []
  if (head === null || tail === null) return null
  const missing = 8 - head.length - tail.length
  if (halves.length === 2 ? missing < 1 : missing !== 0) return null
  const bytes = new Uint8Array(16)
  for (const [i, group] of head.entries()) writeGroup(bytes, i, group)
  for (const [i, group] of tail.entries()) writeGroup(bytes, 8 - tail.length + i, group)
  return bytes
}

/** The 16-bit groups of one side of `::`; the last part may be an IPv4 address when the side ends the text. */
function groupsOf(text: string, endsTheText: boolean): number[] | null {
  if (text === '') return []
  const groups: number[] = []
  const parts = text.split(':')
  for (const [i, part] of parts.entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      groups.push(Number.parseInt(part, 16))
      continue
    }
    const four = endsTheText && i === parts.length - 1 ? ipv4Bytes(part) : null
    if (four === null) return null
    groups.push((four[0]! << 8) | four[1]!, (four[2]! << 8) | four[3]!)
  }
  return groups.length > 8 ? null : groups
}

function writeGroup(bytes: Uint8Array, index: number, group: number): void {
  bytes[index * 2] = group >> 8
  bytes[index * 2 + 1] = group
}

function isMappedIpv4(bytes: Uint8Array): boolean {
  for (let i = 0; i < 10; i++) if (bytes[i] !== 0) return false
  return bytes[10] === 0xff && bytes[11] === 0xff
}

/** The text of an address of 4 or 16 bytes; IPv6 in the short form of RFC 5952. */
export function formatAddress(bytes: Uint8Array, start: number, length: number): string {
  if (length === 4) {
    return `${bytes[start]!}.${bytes[start + 1]!}.${bytes[start + 2]!}.${bytes[start + 3]!}`
  }
  assert(length === 16, 'an address has 4 or 16 bytes', length)
  const groups: number[] = []
  for (let i = 0; i < 16; i += 2) groups.push((bytes[start + i]! << 8) | bytes[start + i + 1]!)
  const [runStart, runLength] = longestZeroRun(groups)
  const hex = groups.map((group) => group.toString(16))
  if (runLength < 2) return hex.join(':')
  return `${hex.slice(0, runStart).join(':')}::${hex.slice(runStart + runLength).join(':')}`
}

function longestZeroRun(groups: readonly number[]): [start: number, length: number] {
  let best: [number, number] = [0, 0]
  let start = 0
  for (let i = 0; i <= groups.length; i++) {
    if (groups[i] === 0) continue
    if (i - start > best[1]) best = [start, i - start]
    start = i + 1
  }
  return best
}

/** The bytes of a host field (8 or 20), or `null` when the address is no IP address or the port out of range. */
export function hostBytes(host: Host): Uint8Array | null {
  const address = addressBytes(host.address)
  if (address === null || !isPort(host.port)) return null
  const bytes = new Uint8Array(address.length + 4)
  bytes.set(address)
  writeInt32(bytes, address.length, host.port)
  return bytes
}

/** Reads the host field of 8 or 20 bytes at `start`; `null` when its port is out of range. */
export function readHost(bytes: Uint8Array, start: number, length: number): Host | null {
  const port = readInt32(bytes, start + length - 4)
  if (!isPort(port)) return null
  return { address: formatAddress(bytes, start, length - 4), port }
}

/** `1.2.3.4:10911` or `[::1]:10911`. */
export function formatHost(host: Host): string {
  return host.address.includes(':')
    ? `[${host.address}]:${host.port}`
    : `${host.address}:${host.port}`
}

/** Reads `1.2.3.4:10911` or `[::1]:10911`; `null` when it is neither. Names are not accepted. */
export function parseHost(text: string): Host | null {
  const colon = text.lastIndexOf(':')
  if (colon < 0 || !/^\d{1,5}$/.test(text.slice(colon + 1))) return null
  const port = Number(text.slice(colon + 1))
  const bracketed = text.startsWith('[') && text[colon - 1] === ']'
  const address = bracketed ? text.slice(1, colon - 1) : text.slice(0, colon)
  if (!bracketed && address.includes(':')) return null
  const bytes = addressBytes(address)
  if (bytes === null || !isPort(port)) return null
  return { address: formatAddress(bytes, 0, bytes.length), port }
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 0 && port <= 65535
}
