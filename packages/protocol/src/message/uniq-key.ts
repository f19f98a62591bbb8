import { assert, type Decoded, isMalformed, Malformed, readInt32 } from '@apogee/base'
import { parseHex, writeHex, writeHexNumber } from './hex.ts'

// UNIQ_KEY (Java MessageClientIDSetter), upper-case hex, 32 characters or 56 with an IPv6 address:
//   ip 4 or 16 | process id 16 bit | a hash of the process 32 bit | ms since the month began 32 bit | counter 16 bit

const DAY_MS = 86_400_000
/** A clock set back by less than this counts as standing still, as in Java. */
const CLOCK_SLACK_MS = 1_000_000

/** Makes unique keys for one process. 65,536 a millisecond are distinct. */
export class UniqKeySource {
  /** Characters of every key. */
  readonly size: number
  private readonly prefix: Uint8Array
  private readonly zoneOffsetMs: number
  private monthStartMs = 0
  private nextMonthStartMs = 0
  private counter = 0

  /**
   * `ip` has 4 or 16 bytes; `pid` and `hash` tell processes on one host apart. Months begin at midnight UTC plus
   * `zoneOffsetMs`; Java takes its local zone, and readers of the time in a key should take the same.
   */
  constructor(ip: Uint8Array, pid: number, hash: number, zoneOffsetMs = 0) {
    assert(ip.length === 4 || ip.length === 16, 'an address has 4 or 16 bytes', ip.length)
    this.prefix = new Uint8Array(ip.length * 2 + 12)
    const next = writeHex(this.prefix, 0, ip, 0, ip.length)
    writeHexNumber(this.prefix, writeHexNumber(this.prefix, next, pid, 4), hash, 8)
    this.size = this.prefix.length + 12
    this.zoneOffsetMs = zoneOffsetMs
  }

  /** Writes the next key as ASCII at `at`; returns where it ends. Allocates nothing. */
  write(into: Uint8Array, at: number, nowMs: number): number {
    const prefix = this.prefix
    for (let i = 0; i < prefix.length; i++) into[at++] = prefix[i]!
    const counter = this.counter
    this.counter = (counter + 1) & 0xffff
    return writeHexNumber(into, writeHexNumber(into, at, this.sinceMonthMs(nowMs), 8), counter, 4)
  }

  /** The next key as text. */
  next(nowMs: number): string {
    const text = Buffer.alloc(this.size)
    this.write(text, 0, nowMs)
    return text.toString('latin1')
  }

  /** As 32 bits: a month has more than 2^31 ms. */
  private sinceMonthMs(nowMs: number): number {
    if (nowMs >= this.nextMonthStartMs) {
      this.monthStartMs = monthStartMs(nowMs, this.zoneOffsetMs, 0)
      this.nextMonthStartMs = monthStartMs(nowMs, this.zoneOffsetMs, 1)
    }
    const sinceMs = nowMs - this.monthStartMs
    return sinceMs < 0 && sinceMs > -CLOCK_SLACK_MS ? 0 : sinceMs | 0
  }
}

/** What a unique key is made of. */
export interface UniqKeyParts {
  /** 4 or 16 bytes. */
  readonly ip: Uint8Array
  readonly pid: number
  readonly sinceMonthMs: number
  readonly counter: number
}

/** Takes a unique key apart. Errors: UNIQ_KEY_ILLEGAL. */
export function parseUniqKey(text: string): Decoded<UniqKeyParts> {
  const bytes = text.length === 32 || text.length === 56 ? parseHex(text) : null
  if (bytes === null) return new Malformed('UNIQ_KEY_ILLEGAL', 'not 32 or 56 hex digits')
  const ipLength = bytes.length - 12
  return {
    ip: bytes.slice(0, ipLength),
    pid: (bytes[ipLength]! << 8) | bytes[ipLength + 1]!,
    sinceMonthMs: readInt32(bytes, ipLength + 6) >>> 0,
    counter: (bytes[ipLength + 10]! << 8) | bytes[ipLength + 11]!,
  }
}

/**
 * The time in a unique key, in ms since 1970: the last moment before `nowMs` that it can mean (the month is not part of
 * the key). Errors: UNIQ_KEY_ILLEGAL.
 */
export function uniqKeyTimeMs(text: string, nowMs: number, zoneOffsetMs = 0): Decoded<number> {
  const parts = parseUniqKey(text)
  if (isMalformed(parts)) return parts
  const thisMonth = monthStartMs(nowMs, zoneOffsetMs, 0) + parts.sinceMonthMs
  if (thisMonth < nowMs) return thisMonth
  return monthStartMs(nowMs, zoneOffsetMs, -1) + parts.sinceMonthMs
}

/**
 * When the month of `nowMs`, moved by `months`, begins. The calendar is done by hand because the wall clock's own type
 * is off limits here (only the env package touches it). Days since 1970 to civil date and back: H. Hinnant's algorithms.
 */
function monthStartMs(nowMs: number, zoneOffsetMs: number, months: number): number {
  const days = Math.floor((nowMs + zoneOffsetMs) / DAY_MS) + 719_468
  const era = Math.floor(days / 146_097)
  const dayOfEra = days - era * 146_097
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  )
  const dayOfYear =
    dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  // Months count from March, so that the leap day is the last of a year.
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153)
  const monthIndex = (era * 400 + yearOfEra) * 12 + marchMonth + months
  return firstDayOf(monthIndex) * DAY_MS - zoneOffsetMs
}

/** Days since 1970 of the first of a month counted from March of year 0. */
function firstDayOf(monthIndex: number): number {
  const year = Math.floor(monthIndex / 12)
  const era = Math.floor(year / 400)
  const yearOfEra = year - era * 400
  const dayOfYear = Math.floor((153 * (monthIndex - year * 12) + 2) / 5)
  const dayOfEra =
    yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * 146_097 + dayOfEra - 719_468
}
