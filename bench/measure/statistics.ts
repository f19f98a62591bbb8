/** The middle value; the mean of the two middle ones when their number is even; NaN when there is none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? Number.NaN
  if (sorted.length % 2 === 1) return upper
  return ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

/** Largest over smallest value: how much a measurement varied from round to round. */
export function spread(values: readonly number[]): number {
  return Math.max(...values) / Math.min(...values)
}
