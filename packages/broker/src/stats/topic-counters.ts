import { WindowCounter } from './window-counter.ts'

/** What is counted per topic; hangs on its TopicConfig, so that a send finds it without a lookup. */
export class TopicCounters {
  readonly putNums: WindowCounter = new WindowCounter()
  readonly putSize: WindowCounter = new WindowCounter()
}

/** What is counted per topic and consumer group. */
export class GroupCounters {
  readonly getNums: WindowCounter = new WindowCounter()
  readonly getSize: WindowCounter = new WindowCounter()
  readonly sendBackNums: WindowCounter = new WindowCounter()
  /** Milliseconds that pulls took. */
  readonly getLatency: WindowCounter = new WindowCounter()
}
