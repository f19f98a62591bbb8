import { RequestCode } from '@apogee/protocol'
import type { Lane, RequestObserver } from '@apogee/remoting'
import { LatencyHistogram } from './latency-histogram.ts'

/** Upper bounds of rocketmq_rpc_latency, ms (Java: RemotingMetricsManager). */
const LATENCY_BOUNDS_MS: readonly number[] = [1, 3, 5, 7, 10, 100, 1000, 2000, 3000]
/** Upper bounds of the put times of GET_BROKER_RUNTIME_INFO, ms (Java: StoreStatsService). */
const PUT_BOUNDS_MS: readonly number[] = [
  0, 10, 50, 100, 200, 500, 1000, 2000, 3000, 4000, 5000, 10_000,
]
/** Pairs of request and response code with a histogram of their own; codes come from peers. */
const PAIRS_MAX = 1024
const RESPONSE_CODES = 65_536

const SENDS: ReadonlySet<number> = new Set([
  RequestCode.SEND_MESSAGE,
  RequestCode.SEND_MESSAGE_V2,
  RequestCode.SEND_BATCH_MESSAGE,
])

/** A histogram with the codes it is of. */
export interface RequestLatency {
  readonly requestCode: number
  readonly responseCode: number
  readonly histogram: LatencyHistogram
}

/** How long requests take, and how many are shed. One for all ports of a broker. */
export class RequestMetrics implements RequestObserver {
  /** Sends from their frame to their acknowledgement, ms. */
  readonly putTimes: LatencyHistogram = new LatencyHistogram(PUT_BOUNDS_MS)
  readonly shedCounts: Map<string, number> = new Map()
  private readonly byCodes = new Map<number, RequestLatency>()

  requestDone(requestCode: number, responseCode: number, micros: number): void {
    const ms = micros / 1000
    if (SENDS.has(requestCode)) this.putTimes.add(ms)
    const key = requestCode * RESPONSE_CODES + (responseCode & 0xffff)
    let latency = this.byCodes.get(key)
    if (latency === undefined) {
      if (this.byCodes.size >= PAIRS_MAX) return
      const histogram = new LatencyHistogram(LATENCY_BOUNDS_MS)
      latency = { requestCode, responseCode, histogram }
      this.byCodes.set(key, latency)
    }
    latency.histogram.add(ms)
  }

  shed(lane: Lane, reason: string): void {
    const key = `${lane} ${reason}`
    this.shedCounts.set(key, (this.shedCounts.get(key) ?? 0) + 1)
  }

  latencies(): IterableIterator<RequestLatency> {
    return this.byCodes.values()
  }
}
