import { type Decoded, Malformed } from '@apogee/base'

/** One network of haAllowedPeers: an address is in it when its first `bits` bits are the same. */
interface AllowedNetwork {
  readonly address: Uint8Array
  readonly bits: number
}

/** haAllowedPeers: who may connect to the replication port at all. */
export class AllowedPeers {
  private readonly networks: readonly AllowedNetwork[]

  constructor(networks: readonly AllowedNetwork[]) {
    this.networks = networks
  }

  /** Whether an address, IPv4 or IPv6, may connect. What is no address may not. */
  allows(address: string): boolean {
    const bytes = parseAddress(address)
    if (bytes === null) return false
    return this.networks.some((network) => contains(network, bytes))
  }
}

/** Reads addresses and networks (`10.1.2.3`, `10.0.0.0/8`, `::1`, `fd00::/8`). Malformed: HA_ALLOWED_PEERS_INVALID. */
export function parseAllowedPeers(entries: readonly string[]): Decoded<AllowedPeers> {
  const networks: AllowedNetwork[] = []
  for (const entry of entries) {
    const text = entry.trim()
    if (text === '') continue
    const [host = '', prefix, rest] = text.split('/')
    const address = parseAddress(host)
    const bitsMax = (address?.length ?? 0) * 8
    const bits = prefix === undefined ? bitsMax : wholeNumber(prefix, bitsMax)
    if (address === null || bits < 0 || rest !== undefined) {
      const detail = `${text} is no address and no network (a.b.c.d/n)`
      return new Malformed('HA_ALLOWED_PEERS_INVALID', detail)
    }
    networks.push({ address, bits })
  }
  return new AllowedPeers(networks)
}

function contains({ address, bits }: AllowedNetwork, other: Uint8Array): boolean {
  if (address.length !== other.length) return false
  const whole = bits >> 3
  for (let i = 0; i < whole; i++) if (address[i] !== other[i]) return false
  const rest = bits & 7
  return rest === 0 || (address[whole]! ^ other[whole]!) >> (8 - rest) === 0
}

/** Four or sixteen bytes; IPv4 in IPv6 is IPv4. Null when it is no address. */
function parseAddress(text: string): Uint8Array | null {
  const bare = text.split('%', 1)[0]!
  if (!bare.includes(':')) return parseIpv4(bare)
  const bytes = parseIpv6(bare)
  const isMapped = bytes?.every((byte, i) => i >= 12 || byte === (i < 10 ? 0 : 0xff)) ?? false
  return isMapped ? bytes!.subarray(12) : bytes
}

function parseIpv4(text: string): Uint8Array | null {
  const parts = text.split('.')
  const bytes = parts.map((part) => wholeNumber(part, 255))
  return parts.length === 4 && !bytes.includes(-1) ? Uint8Array.from(bytes) : null
}

function parseIpv6(text: string): Uint8Array | null {
  const halves = text.split('::')
  if (halves.length > 2) return null
  const head = groupBytes(halves[0]!)
  const tail = halves.length === 2 ? groupBytes(halves[1]!) : []
  if (head === null || tail === null) return null
  const missing = 16 - head.length - tail.length
  if (halves.length === 2 ? missing < 2 : missing !== 0) return null
  return Uint8Array.from([...head, ...new Array<number>(missing).fill(0), ...tail])
}

function groupBytes(text: string): number[] | null {
  if (text === '') return []
  const bytes: number[] = []
  const groups = text.split(':')
  for (const [i, group] of groups.entries()) {
    if (group.includes('.')) {
      const last = i === groups.length - 1 ? parseIpv4(group) : null
      if (last === null) return null
      bytes.push(...last)
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return null
      const value = Number.parseInt(group, 16)
      bytes.push(value >> 8, value & 0xff)
    }
  }
  return bytes
}

function wholeNumber(text: string, max: number): number {
  const value = /^\d{1,3}$/.test(text) ? Number(text) : -1
  return value <= max ? value : -1
}
