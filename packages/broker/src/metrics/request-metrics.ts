import { RequestCode } from '@apogee/protocol'
import type { Lane, RequestObserver } from '@apogee/remoting'
import { LatencyHistogram } from './latency-histogram.ts'

/** Upper bounds of rocketmq_rpc_latency, ms (Java: RemotingMetricsManager). */
const LATENCY_BOUNDS_MS: readonly number[] = [1, 3, 5, 7, 10, 100, 1000, 2000, 3000]
/** Upper bounds of the put times of GET_BROKER_RUNTIME_INFO, ms (Java: StoreStatsService). */
const PUT_BOUNDS_MS: readonly number[] = [
  0, 10, 50, 100, 200, 500, 1000, 2000, 3000, 4000, 5000, 10_000,
]
/** Kinds of answers with a histogram of their own; codes come from peers. */
const KINDS_MAX = 1024
const RESPONSE_CODES = 65_536
/** Kinds that are found by one comparison: a power of two. */
const RECENT = 64

const SENDS: ReadonlySet<number> = new Set([
  RequestCode.SEND_MESSAGE,
  RequestCode.SEND_MESSAGE_V2,
  RequestCode.SEND_BATCH_MESSAGE,
])
const PULLS: ReadonlySet<number> = new Set([
  RequestCode.PULL_MESSAGE,
  RequestCode.LITE_PULL_MESSAGE,
])

/** A histogram with what it is of. */
export class RequestLatency {
  readonly requestCode: number
  readonly responseCode: number
  /** The request waited for a message. */
  readonly isLongPolling: boolean
  readonly isSend: boolean
  readonly histogram: LatencyHistogram = new LatencyHistogram(LATENCY_BOUNDS_MS)

  constructor(requestCode: number, responseCode: number, isLongPolling: boolean) {
    this.requestCode = requestCode
    this.responseCode = responseCode
    this.isLongPolling = isLongPolling
    this.isSend = SENDS.has(requestCode)
  }
}

/** How long requests take, and how many are shed. One for all ports of a broker. */
export class RequestMetrics implements RequestObserver {
  /** Sends from their frame to their acknowledgement, ms. */
  readonly putTimes: LatencyHistogram = new LatencyHistogram(PUT_BOUNDS_MS)
  readonly shedCounts: Map<string, number> = new Map()
  private readonly byCodes = new Map<number, RequestLatency>()
  private readonly recent: RequestLatency[]

  constructor() {
    this.recent = new Array(RECENT).fill(new RequestLatency(-1, -1, false))
  }

  /** Longest pull that did not wait for a message, ms. */
  get pullTimeMax(): number {
    let max = 0
    for (const { requestCode, isLongPolling, histogram } of this.byCodes.values()) {
      if (!isLongPolling && PULLS.has(requestCode)) max = Math.max(max, histogram.max)
    }
    return max
  }

  /** A request was answered. Called for every message: it only counts. */
  requestDone(
    requestCode: number,
    responseCode: number,
    micros: number,
    isLongPolling = false,
  ): void {
    const place = (requestCode + responseCode * 7 + (isLongPolling ? 31 : 0)) & (RECENT - 1)
    let latency: RequestLatency | null = this.recent[place]!
    if (
      latency.requestCode !== requestCode ||
      latency.responseCode !== responseCode ||
      latency.isLongPolling !== isLongPolling
    ) {
      latency = this.latencyOf(requestCode, responseCode, isLongPolling)
      if (latency === null) return
      this.recent[place] = latency
    }
    const ms = micros / 1000
    latency.histogram.add(ms)
    if (latency.isSend) this.putTimes.add(ms)
  }

  shed(lane: Lane, reason: string): void {
    const key = `${lane} ${reason}`
    this.shedCounts.set(key, (this.shedCounts.get(key) ?? 0) + 1)
  }

  latencies(): IterableIterator<RequestLatency> {
    return this.byCodes.values()
  }

  private latencyOf(
    requestCode: number,
    responseCode: number,
    isLongPolling: boolean,
  ): RequestLatency | null {
    const kind = requestCode * 2 + Number(isLongPolling)
    const key = kind * RESPONSE_CODES + (responseCode & 0xffff)
    const known = this.byCodes.get(key)
    if (known !== undefined) return known
    if (this.byCodes.size >= KINDS_MAX) return null
    const latency = new RequestLatency(requestCode, responseCode, isLongPolling)
    this.byCodes.set(key, latency)
    return latency
  }
}
