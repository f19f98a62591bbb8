/** A batch may hold this many messages: brokers answer one id for each, in one header. */
export const BATCH_MESSAGES_MAX = 4_096

/**
 * Cuts a row of messages into frames of at most `maxBytes`, in order: `[from, to)` of each. A message that is longer
 * has a frame of its own; whether it may be sent at all is asked elsewhere.
 */
export function splitBatch(sizes: readonly number[], maxBytes: number): [number, number][] {
  const frames: [number, number][] = []
  let from = 0
  let bytes = 0
  for (let i = 0; i < sizes.length; i++) {
    const isFull = bytes + sizes[i]! > maxBytes || i - from === BATCH_MESSAGES_MAX
    if (i > from && isFull) {
      frames.push([from, i])
      from = i
      bytes = 0
    }
    bytes += sizes[i]!
  }
  if (from < sizes.length) frames.push([from, sizes.length])
  return frames
}
