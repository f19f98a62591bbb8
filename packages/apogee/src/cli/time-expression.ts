// Spans and points in time as people write them: `10m`, `90`, `2026-01-31T08:00:00Z`, `first`.
import { usageError } from './cli-error.ts'

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}
const SPAN = /^([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)?$/
/** A year: no wait is longer. */
const SPAN_MAX_MS = 366 * 86_400_000
/** From here on a plain number is milliseconds since 1970 (September 2001), not an offset. */
const TIMESTAMP_MIN = 1_000_000_000_000

/** `500ms`, `10s`, `5m`, `2h`, `1d`; a number alone is seconds. `what` names the option in the error. Throws CLI_USAGE. */
export function readSpan(what: string, text: string): number {
  const match = SPAN.exec(text.trim())
  const ms = match === null ? Number.NaN : Number(match[1]) * UNIT_MS[match[2] ?? 's']!
  if (!(ms <= SPAN_MAX_MS)) {
    throw usageError(`${what}: ${quoted(text)} is no span of time (500ms, 10s, 5m, 2h, 1d)`)
  }
  return Math.round(ms)
}

/** `10m` ago, an ISO 8601 time, or milliseconds since 1970. Throws CLI_USAGE. */
export function readPointInTime(what: string, text: string, nowMs: number): number {
  const found = pointInTime(text.trim(), nowMs)
  if (found !== null) return found
  throw usageError(
    `${what}: ${quoted(text)} is no time (10m = ten minutes ago, 2026-01-31T08:00:00Z, ms since 1970)`,
  )
}

function pointInTime(text: string, nowMs: number): number | null {
  if (text === 'now') return nowMs
  if (/^[0-9]+$/.test(text)) {
    const value = Number(text)
    return value >= TIMESTAMP_MIN && Number.isSafeInteger(value) ? value : null
  }
  if (SPAN.exec(text)?.[2] !== undefined) return nowMs - readSpan('time', text)
  const ms = /^[0-9]{4}-/.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(ms) ? null : ms
}

/** Where reading begins in each queue. */
export type StartPoint =
  | { readonly kind: 'first' }
  | { readonly kind: 'last' }
  /** So many messages before the end. */
  | { readonly kind: 'back'; readonly count: number }
  | { readonly kind: 'offset'; readonly offset: number }
  | { readonly kind: 'time'; readonly timeMs: number }

/** `first`, `last`, `-10`, an offset, or a point in time. Throws CLI_USAGE. */
export function readStartPoint(what: string, text: string, nowMs: number): StartPoint {
  const word = text.trim()
  if (word === 'first' || word === 'last') return { kind: word }
  if (/^-[0-9]{1,9}$/.test(word)) return { kind: 'back', count: Number(word.slice(1)) }
  const timeMs = pointInTime(word, nowMs)
  if (timeMs !== null) return { kind: 'time', timeMs }
  if (/^[0-9]{1,12}$/.test(word)) return { kind: 'offset', offset: Number(word) }
  throw usageError(
    `${what}: ${quoted(text)} is none of first, last, -10 (before the end), an offset, a time, 10m (ago)`,
  )
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text)
}
