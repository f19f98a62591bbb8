import { History, type HistoryOptions, type HistoryResult } from './history.ts'

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
      add(total, await new History({ ...rest, seed }).run())
    } catch (error) {
      throw await withScript({ ...rest, seed }, error)
    }
    if (isEnough?.(total) === true) break
  }
  return total
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
