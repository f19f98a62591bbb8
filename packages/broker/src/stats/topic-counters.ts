import { WindowCounter } from './window-counter.ts'

/** Upper bounds of the message size histogram, bytes (Java: BrokerMetricsManager). */
export const MESSAGE_SIZE_BOUNDS: readonly number[] = [
  1024,
  4 * 1024,
  512 * 1024,
  1024 * 1024,
  2 * 1024 * 1024,
  4 * 1024 * 1024,
]

/** What is counted per topic; hangs on its TopicConfig, so that a send finds it without a lookup. */
export class TopicCounters {
  readonly putNums: WindowCounter = new WindowCounter()
  readonly putSize: WindowCounter = new WindowCounter()
  /** Messages by size: one place per bound, and one for larger ones. Made with the first message. */
  sizes: Float64Array | null = null

  /** `count` messages of `bytes` bytes in all. */
  addSizes(count: number, bytes: number): void {
    this.sizes ??= new Float64Array(MESSAGE_SIZE_BOUNDS.length + 1)
    const size = bytes / count
    let place = 0
    while (place < MESSAGE_SIZE_BOUNDS.length && size > MESSAGE_SIZE_BOUNDS[place]!) place++
    this.sizes[place]! += count
  }
}

/** What is counted per topic and consumer group. */
export class GroupCounters {
  readonly getNums: WindowCounter = new WindowCounter()
  readonly getSize: WindowCounter = new WindowCounter()
  readonly sendBackNums: WindowCounter = new WindowCounter()
  /** Milliseconds that pulls took. */
  readonly getLatency: WindowCounter = new WindowCounter()
}
