/**
 * What is wrong with an entry. `error`: the entry has no effect though it should have one. `warning`: unknown or not
 * available here. `info`: known, needs nothing.
 */
export interface ConfigProblem {
  readonly code:
    | 'CONFIG_UNKNOWN_KEY'
    | 'CONFIG_BAD_VALUE'
    | 'CONFIG_KEY_IGNORED'
    | 'CONFIG_KEY_LATER'
    | 'CONFIG_NOT_RELOADABLE'
    | 'BROKER_ROLE_UNSUPPORTED'
    | 'BROKER_ROLE_INVALID'
  readonly severity: 'error' | 'warning' | 'info'
  readonly key: string
  readonly value: string
  readonly message: string
  /** The key that was probably meant. */
  readonly suggestion?: string
}

/** The name of `known` that is nearest to `word`, if any is near enough to be a slip of the pen. */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  const lower = word.toLowerCase()
  let best: string | undefined
  let bestDistance = Math.max(2, Math.floor(word.length / 4)) + 1
  for (const name of known) {
    if (Math.abs(name.length - word.length) >= bestDistance) continue
    const distance = editDistance(lower, name.toLowerCase(), bestDistance)
    if (distance < bestDistance) {
      best = name
      bestDistance = distance
    }
  }
  return best
}

/** Levenshtein distance, or `limit` when it is not below. */
function editDistance(a: string, b: string, limit: number): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    let smallest = i
    for (let j = 1; j <= b.length; j++) {
      const change = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      const value = Math.min(change, previous[j]! + 1, row[j - 1]! + 1)
      row.push(value)
      smallest = Math.min(smallest, value)
    }
    if (smallest >= limit) return limit
    previous = row
  }
  return Math.min(previous[b.length]!, limit)
}
