// Addresses as RocketMQ stores and prints them: an IPv4 peer of an IPv6 socket is an IPv4 peer.

/** The 4 or 16 bytes of an address as text; `0.0.0.0` for what is none (a socket that is already gone has no address). */
export function addressBytes(address: string): Uint8Array {
  const plain = plainAddress(address)
  return ipv4Bytes(plain) ?? ipv6Bytes(plain) ?? new Uint8Array(4)
}

/** "10.0.0.1:10911", "[::1]:10911". */
export function hostAndPort(address: string, port: number): string {
  const plain = plainAddress(address)
  return plain.includes(':') ? `[${plain}]:${port}` : `${plain}:${port}`
}

/** Splits "host:port" or "[v6]:port"; `null` when it is neither. */
export function parseAddress(address: string): { host: string; port: number } | null {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):([0-9]{1,5})$/.exec(address.trim())
  if (match === null) return null
  const port = Number(match[3])
  return port > 0xffff ? null : { host: (match[1] ?? match[2])!, port }
}

function plainAddress(address: string): string {
  const zone = address.indexOf('%')
  const bare = zone < 0 ? address : address.slice(0, zone)
  return /^::ffff:[0-9.]+$/i.test(bare) ? bare.slice(7) : bare
}

function ipv4Bytes(text: string): Uint8Array | null {
  const parts = text.split('.')
  if (parts.length !== 4) return null
  const bytes = new Uint8Array(4)
  for (let i = 0; i < 4; i++) {
    const part = parts[i]!
    if (!/^[0-9]{1,3}$/.test(part) || Number(part) > 255) return null
    bytes[i] = Number(part)
  }
  return bytes
}

function ipv6Bytes(text: string): Uint8Array | null {
  const halves = text.split('::')
  if (!text.includes(':') || halves.length > 2) return null
  const head = groupsOf(halves[0]!)
  const tail = groupsOf(halves[1] ?? '')
  if (head === null || tail === null) return null
  const missing = 8 - head.length - tail.length
  if (halves.length === 1 ? missing !== 0 : missing < 1) return null
  const groups = [...head, ...Array.from({ length: missing }, () => 0), ...tail]
  const bytes = new Uint8Array(16)
  for (let i = 0; i < 8; i++) {
    bytes[i * 2] = groups[i]! >> 8
    bytes[i * 2 + 1] = groups[i]! & 0xff
  }
  return bytes
}

/** The 16-bit groups of one side of `::`; an IPv4 tail counts as two. */
function groupsOf(text: string): number[] | null {
  if (text === '') return []
  const groups: number[] = []
  for (const part of text.split(':')) {
    const tail = ipv4Bytes(part)
    if (tail !== null) groups.push((tail[0]! << 8) | tail[1]!, (tail[2]! << 8) | tail[3]!)
    else if (/^[0-9a-f]{1,4}$/i.test(part)) groups.push(Number.parseInt(part, 16))
    else return null
  }
  return groups
}
