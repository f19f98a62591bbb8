// Send-to-receive latency: one process sends at a fixed rate and pulls every queue, so that one clock measures both ends.
//   node bench/load/latency-load.ts --port 10911 --rate 20000 --connections 4 --inflight 256 --queues 8 --topic T
// The topic must exist. With --pull-port it is pulled from there, a slave: how far this is behind. Its last line is a
// JSON object, LatencyReport.
import { Histogram, type LatencySummary } from './histogram.ts'
import { MeasuredWindow, pause, type WindowReport } from './measured-window.ts'
import { type LoadOptions, loadOptions } from './options.ts'
import { Pacer } from './pacer.ts'
import { PullConnection, RECORD_BODY_AT } from './pull-connection.ts'
import { RawClient } from './raw-client.ts'
import { isStored, type SendConnection } from './send-connection.ts'
import { sendConnections } from './send-connections.ts'

export interface LatencyReport extends WindowReport {
  /** Messages that were sent in the measured time, and how many of them came. */
  sent: number
  received: number
  perSecond: number
  sendToReceive: LatencySummary
  sendToAck: LatencySummary
  failed: Record<number, number>
  owed: number
}

const STRAGGLERS_SECONDS = 2
const PULL_BATCH_MAX = 32

class LatencyLoad {
  readonly #options: LoadOptions
  readonly #received = new Histogram()
  readonly #acknowledged = new Histogram()
  readonly #failed: Record<number, number> = {}
  #fromMs = Number.POSITIVE_INFINITY
  #untilMs = Number.POSITIVE_INFINITY
  #sent = 0
  #running = true

  constructor(options: LoadOptions) {
    this.#options = options
  }

  async run(): Promise<LatencyReport> {
    const { warmupSeconds, seconds, serverPid } = this.#options
    const consumers = await this.#consume()
    const { pacer, connections } = await this.#produce()
    await pause(warmupSeconds)
    const window = new MeasuredWindow(serverPid)
    this.#fromMs = performance.now()
    await pause(seconds)
    this.#untilMs = performance.now()
    const report = window.report()
    const owed = pacer.owed
    pacer.stop()
    await pause(STRAGGLERS_SECONDS)
    this.#running = false
    for (const one of [...connections, ...consumers]) one.close()
    return {
      sent: this.#sent,
      received: this.#received.count,
      perSecond: Math.round(this.#sent / report.seconds),
      sendToReceive: this.#received.summary(),
      sendToAck: this.#acknowledged.summary(),
      failed: this.#failed,
      owed,
      ...report,
    }
  }

  #counts(stampMs: number): boolean {
    return stampMs >= this.#fromMs && stampMs < this.#untilMs
  }

  async #consume(): Promise<PullConnection[]> {
    const { host, pullPort: port, topic, queues, consumers: count } = this.#options
    const client = await RawClient.connect(port, host)
    const ends: { queueId: number; offset: number }[] = []
    for (let queueId = 0; queueId < queues; queueId++) {
      ends.push({ queueId, offset: await client.maxOffset(topic, queueId) })
    }
    client.close()
    const listener = {
      record: (buffer: Buffer, at: number): void => {
        const stampMs = buffer.readDoubleBE(at + RECORD_BODY_AT)
        if (this.#counts(stampMs)) this.#received.recordMs(performance.now() - stampMs)
      },
      wantsMore: (): boolean => this.#running,
    }
    const common = { host, port, topic, group: 'bench_latency', batchMax: PULL_BATCH_MAX }
    const connections = Array.from({ length: count }, (_, index) => {
      const mine = ends.filter(({ queueId }) => queueId % count === index)
      return new PullConnection({ ...common, queues: mine }, listener)
    })
    await Promise.all(connections.map((connection) => connection.start()))
    return connections
  }

  async #produce(): Promise<{ pacer: Pacer; connections: SendConnection[] }> {
    const { connections: count, inFlight, rate } = this.#options
    const listener = {
      answered: (stampMs: number, nowMs: number, code: number): void => {
        if (!this.#counts(stampMs)) return
        if (isStored(code)) this.#acknowledged.recordMs(nowMs - stampMs)
        else this.#failed[code] = (this.#failed[code] ?? 0) + 1
      },
      closed: (): void => {
        if (this.#running) throw new Error('the server closed a connection of the producer')
      },
    }
    const connections = sendConnections(this.#options, listener, { stampBodies: true })
    await Promise.all(connections.map((connection) => connection.open()))
    let turn = 0
    const pacer = new Pacer(rate, (stampMs) => {
      const first = turn++
      for (let tried = 0; tried < count; tried++) {
        const connection = connections[(first + tried) % count]
        if (connection === undefined || connection.inFlight >= inFlight) continue
        connection.send(1, stampMs)
        if (this.#counts(stampMs)) this.#sent++
        return true
      }
      return false
    })
    for (const connection of connections) connection.onAnswers = () => pacer.pump()
    return { pacer, connections }
  }
}

console.log(JSON.stringify(await new LatencyLoad(loadOptions()).run()))
