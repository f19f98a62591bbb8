import { History, type HistoryOptions, type HistoryResult } from './history.ts'
import { demand } from './history-error.ts'

/** One seed in so many is run twice, and must do the same. */
const TWICE_EVERY = 50
/** Lines of the script of a failing seed that are printed. */
const SCRIPT_LINES = 250

export interface SeedsResult {
  seeds: number
  events: number
  messages: number
  /** The longest of all. */
  convergedMs: number
  counts: Map<string, number>
}

export interface SeedsOptions extends Omit<HistoryOptions, 'seed' | 'note'> {
  firstSeed: number
  seeds: number
  /** Ends the run early; never by itself. */
  isEnough?: (result: SeedsResult) => boolean
}

/** Runs one history after the other. The first that fails is run again for its script, which the error tells. */
export async function runSeeds(options: SeedsOptions): Promise<SeedsResult> {
  const { firstSeed, seeds, isEnough, ...rest } = options
  const total: SeedsResult = { seeds: 0, events: 0, messages: 0, convergedMs: 0, counts: new Map() }
  for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
    try {
      const result = await new History({ ...rest, seed }).run()
      add(total, result)
      if (seed % TWICE_EVERY === 0) checkSame(result, await new History({ ...rest, seed }).run())
    } catch (error) {
      throw await withScript({ ...rest, seed }, error)
    }
    if (isEnough?.(total) === true) break
  }
  return total
}

function checkSame(one: HistoryResult, other: HistoryResult): void {
  const marks = ({ events, messages, convergedMs }: HistoryResult): string =>
    `${events} events, ${messages} messages, at rest after ${convergedMs} ms`
  demand(marks(one) === marks(other), 'not the same twice', marks(one), marks(other))
}

function add(total: SeedsResult, one: HistoryResult): void {
  total.seeds++
  total.events += one.events
  total.messages += one.messages
  total.convergedMs = Math.max(total.convergedMs, one.convergedMs)
  for (const [what, count] of one.counts) {
    total.counts.set(what, (total.counts.get(what) ?? 0) + count)
  }
}

/** The same seed gives the same run: this time with a note of everything. */
async function withScript(options: HistoryOptions, cause: unknown): Promise<Error> {
  const lines: string[] = []
  let again = 'the second run of the same seed does not fail: it is not deterministic'
  try {
    await new History({ ...options, note: (line) => lines.push(line) }).run()
  } catch (error) {
    again = error instanceof Error ? (error.stack ?? error.message) : String(error)
  }
  const script =
    lines.length > SCRIPT_LINES ? [lines[0], '…', ...lines.slice(-SCRIPT_LINES)] : lines
  const message = cause instanceof Error ? cause.message : String(cause)
  const text = [`APOGEE_SEED=${options.seed}: ${message}`, again, ...script].join('\n')
  return new Error(text, { cause })
}

/** The figures of a run in one line. */
export function tellSeeds(result: SeedsResult, tookMs: number): string {
  const { seeds, counts, ...rest } = result
  const seconds = Math.round(tookMs) / 1000
  const perSecond = Math.round(seeds / seconds)
  return JSON.stringify({ seeds, seconds, perSecond, ...rest, ...Object.fromEntries(counts) })
}
