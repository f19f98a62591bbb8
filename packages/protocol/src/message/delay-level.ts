import { type Decoded, Malformed } from '@apogee/base'

/** RocketMQ's own levels (Java MessageStoreConfig.messageDelayLevel). */
export const DEFAULT_DELAY_LEVELS = '1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h'

/** Each level is a queue of the schedule topic, so their number is limited. */
const MAX_LEVELS = 1024
const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
])
/** What Java waits for a level that it does not have. */
const UNKNOWN_LEVEL_DELAY_MS = 1000

/** The delays of the levels, from level 1. */
export class DelayLevels {
  private readonly delaysMs: readonly number[]

  constructor(delaysMs: readonly number[]) {
    this.delaysMs = delaysMs
  }

  get maxLevel(): number {
    return this.delaysMs.length
  }

  /** The level that a message asking for `level` gets: not above the highest. 0 and less mean no delay. */
  clamp(level: number): number {
    return Math.min(level, this.delaysMs.length)
  }

  /** The delay of a level in ms; 1,000 for one that there is not, as in Java. */
  delayMs(level: number): number {
    return this.delaysMs[level - 1] ?? UNKNOWN_LEVEL_DELAY_MS
  }

  /** The queue of the schedule topic that holds a level. */
  queueIdOf(level: number): number {
    return level - 1
  }
}

/** Reads `1s 5s 10m 2h 1d`. Errors: DELAY_LEVEL_ILLEGAL. */
export function parseDelayLevels(text: string): Decoded<DelayLevels> {
  const words = text.split(' ').filter((word) => word !== '')
  if (words.length === 0 || words.length > MAX_LEVELS) {
    return new Malformed('DELAY_LEVEL_ILLEGAL', `${words.length} levels, not 1 to ${MAX_LEVELS}`)
  }
  const delaysMs: number[] = []
  for (const word of words) {
    const unitMs = UNIT_MS.get(word.slice(-1))
    const amount = word.slice(0, -1)
    const delayMs = Number(amount) * (unitMs ?? Number.NaN)
    if (!/^\d{1,15}$/.test(amount) || !Number.isSafeInteger(delayMs)) {
      const detail = `${JSON.stringify(word)} is not a number followed by s, m, h or d`
      return new Malformed('DELAY_LEVEL_ILLEGAL', detail)
    }
    delaysMs.push(delayMs)
  }
  return new DelayLevels(delaysMs)
}
