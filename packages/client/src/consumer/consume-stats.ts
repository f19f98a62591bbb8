/** Samples are taken this often at most; rates are over the last minute of them. */
const SAMPLE_INTERVAL_MS = 10_000
const SAMPLES = 7
/** Failures are told for about an hour. */
const FAILED_INTERVAL_MS = 600_000

/** Java: ConsumeStatus, which tools show for each topic. Times in ms, rates per second. */
export interface ConsumeStatus {
  readonly pullRT: number
  readonly pullTPS: number
  readonly consumeRT: number
  readonly consumeOKTPS: number
  readonly consumeFailedTPS: number
  /** Of the last hour. */
  readonly consumeFailedMsgs: number
}

class Counters {
  pulls = 0
  pullMs = 0
  messages = 0
  handled = 0
  handleMs = 0
  failed = 0
}

class Sample extends Counters {
  readonly atMs: number

  constructor(atMs: number, of: Counters) {
    super()
    this.atMs = atMs
    Object.assign(this, of)
  }
}

class TopicStats {
  readonly now: Counters = new Counters()
  readonly minute: Sample[] = []
  readonly hour: Sample[] = []
}

/**
 * Counters of one consumer by topic (Java: ConsumerStatsManager). Samples are taken when `sample` is called, about
 * every 10 s.
 */
export class ConsumeStats {
  private readonly byTopic = new Map<string, TopicStats>()
  private last: TopicStats | null = null
  private lastTopic = ''

  pulled(topic: string, ms: number): void {
    const { now } = this.of(topic)
    now.pulls++
    now.pullMs += ms
  }

  received(topic: string, messages: number): void {
    this.of(topic).now.messages += messages
  }

  consumed(topic: string, messages: number, ms: number): void {
    const { now } = this.of(topic)
    now.handled += messages
    now.handleMs += ms
  }

  failed(topic: string, messages: number): void {
    this.of(topic).now.failed += messages
  }

  sample(nowMs: number): void {
    for (const topic of this.byTopic.values()) {
      add(topic.minute, topic.now, nowMs, SAMPLE_INTERVAL_MS)
      add(topic.hour, topic.now, nowMs, FAILED_INTERVAL_MS)
    }
  }

  statuses(nowMs: number): Map<string, ConsumeStatus> {
    const statuses = new Map<string, ConsumeStatus>()
    for (const [topic, stats] of this.byTopic) statuses.set(topic, statusOf(stats, nowMs))
    return statuses
  }

  private of(topic: string): TopicStats {
    if (this.last !== null && this.lastTopic === topic) return this.last
    let stats = this.byTopic.get(topic)
    if (stats === undefined) {
      stats = new TopicStats()
      this.byTopic.set(topic, stats)
    }
    this.last = stats
    this.lastTopic = topic
    return stats
  }
}

function add(samples: Sample[], now: Counters, nowMs: number, everyMs: number): void {
  const last = samples.at(-1)
  if (last !== undefined && nowMs - last.atMs < everyMs) return
  samples.push(new Sample(nowMs, now))
  if (samples.length > SAMPLES) samples.shift()
}

function statusOf({ now, minute, hour }: TopicStats, nowMs: number): ConsumeStatus {
  const from = minute[0] ?? new Sample(nowMs, new Counters())
  const seconds = Math.max(1, (nowMs - from.atMs) / 1000)
  const pulls = now.pulls - from.pulls
  const handled = now.handled - from.handled
  const failed = now.failed - from.failed
  return {
    pullRT: pulls === 0 ? 0 : (now.pullMs - from.pullMs) / pulls,
    pullTPS: (now.messages - from.messages) / seconds,
    consumeRT: handled + failed === 0 ? 0 : (now.handleMs - from.handleMs) / (handled + failed),
    consumeOKTPS: handled / seconds,
    consumeFailedTPS: failed / seconds,
    consumeFailedMsgs: now.failed - (hour[0]?.failed ?? 0),
  }
}
