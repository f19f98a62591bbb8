// Why an address that a broker advertises may not work from here.
import { isIP } from 'node:net'
import { parseAddress } from '@apogee/remoting'

export type AddressKind = 'name' | 'loopback' | 'container' | 'private' | 'public' | 'unspecified'

/** What kind of host an address names; `container` is what Docker's bridge gives by default. */
export function addressKind(host: string): AddressKind {
  if (host === 'localhost') return 'loopback'
  switch (isIP(host)) {
    case 4:
      return ipv4Kind(host.split('.').map(Number))
    case 6: {
      if (host === '::1') return 'loopback'
      if (host === '::') return 'unspecified'
      return /^f[cde]/i.test(host) ? 'private' : 'public'
    }
    default:
      return 'name'
  }
}

function ipv4Kind([a, b]: readonly number[]): AddressKind {
  if (a === 127) return 'loopback'
  if (a === 0) return 'unspecified'
  if (a === 172 && b! >= 17 && b! <= 31) return 'container'
  if (a === 10 || (a === 192 && b === 168) || (a === 172 && b === 16)) return 'private'
  return 'public'
}

/** One sentence on what to set, for an address that could not be reached. */
export function unreachableHint(address: string, brokerName: string): string {
  const parsed = parseAddress(address)
  const where = `in the configuration of ${brokerName}`
  if (parsed === null) return `set brokerIP1 ${where} to an address that clients reach`
  switch (addressKind(parsed.host)) {
    case 'loopback':
      return `${parsed.host} means each client's own machine: set brokerIP1 ${where} to an address that clients reach`
    case 'unspecified':
      return `${parsed.host} is no address to connect to: set brokerIP1 ${where}`
    case 'container':
      return `${parsed.host} looks like an address inside a container: set brokerIP1 ${where} to the host's, and publish port ${parsed.port} as ${parsed.port}`
    case 'name':
      return `does ${parsed.host} resolve here, and is port ${parsed.port} open? else set brokerIP1 ${where}`
    default:
      return `is the broker running, and port ${parsed.port} open? else set brokerIP1 ${where} to an address that clients reach`
  }
}

/** A loopback address is fine as long as the NameServer is on this machine too. */
export function isLoopbackOfElsewhere(address: string, nameservers: readonly string[]): boolean {
  const isLoopback = (one: string): boolean => {
    const parsed = parseAddress(one)
    return parsed !== null && addressKind(parsed.host) === 'loopback'
  }
  return isLoopback(address) && !nameservers.every(isLoopback)
}

/** Where the fast port of a broker is: two below its port. Null when that is none. */
export function fastAddress(address: string): string | null {
  const parsed = parseAddress(address)
  if (parsed === null || parsed.port <= 2) return null
  const host = parsed.host.includes(':') ? `[${parsed.host}]` : parsed.host
  return `${host}:${parsed.port - 2}`
}
