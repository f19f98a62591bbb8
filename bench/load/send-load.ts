// A raw producer: keeps sends in flight on each connection (or sends at --rate) and counts what the server stored.
//   node bench/load/send-load.ts --port 10911 --connections 16 --inflight 4 --seconds 5 [--rate 20000] [--form json]
// Its last line is a JSON object, SendReport. Any connection that the server closes ends it with exit code 1.
import { Histogram, type LatencySummary } from './histogram.ts'
import { MeasuredWindow, pause, type WindowReport } from './measured-window.ts'
import { type LoadOptions, loadOptions } from './options.ts'
import { Pacer } from './pacer.ts'
import { isStored, type SendConnection, type SendListener } from './send-connection.ts'
import { sendConnections } from './send-connections.ts'

export interface SendReport extends WindowReport {
  perSecond: number
  stored: number
  latency: LatencySummary
  /** Answers that are not SUCCESS, by response code. */
  failed: Record<number, number>
  /** Sends that a rate asked for and that never left. */
  owed: number
}

class SendLoad implements SendListener {
  readonly #options: LoadOptions
  readonly #latency = new Histogram()
  readonly #failed: Record<number, number> = {}
  #counting = false
  #stored = 0
  #running = true

  constructor(options: LoadOptions) {
    this.#options = options
  }

  async run(): Promise<SendReport> {
    const { warmupSeconds, seconds, bytes, rate } = this.#options
    const connections = sendConnections(this.#options, this)
    await Promise.all(connections.map((connection) => connection.open()))
    const pacer = rate > 0 ? this.#pace(connections) : null
    if (pacer === null) this.#fill(connections)
    await pause(warmupSeconds)
    const window = new MeasuredWindow(this.#options.serverPid)
    this.#counting = true
    if (bytes === 0) await pause(seconds)
    else while (this.#stored * this.#options.bodySize < bytes) await pause(0.05)
    this.#counting = false
    const report = window.report()
    this.#running = false
    const owed = pacer?.owed ?? 0
    pacer?.stop()
    for (const connection of connections) connection.close()
    const perSecond = Math.round(this.#stored / report.seconds)
    const latency = this.#latency.summary()
    return { perSecond, stored: this.#stored, latency, failed: this.#failed, owed, ...report }
  }

  answered(stampMs: number, nowMs: number, code: number): void {
    if (!this.#counting) return
    if (isStored(code)) {
      this.#stored++
      this.#latency.recordMs(nowMs - stampMs)
    } else this.#failed[code] = (this.#failed[code] ?? 0) + 1
  }

  closed(error: Error | null): void {
    if (!this.#running) return
    console.error(`the server closed a connection: ${error?.message ?? 'no error'}`)
    process.exit(1)
  }

  #fill(connections: readonly SendConnection[]): void {
    for (const connection of connections) {
      connection.onAnswers = (count) => {
        if (this.#running) connection.send(count, performance.now())
      }
      connection.send(this.#options.inFlight, performance.now())
    }
  }

  #pace(connections: readonly SendConnection[]): Pacer {
    let turn = 0
    const pacer = new Pacer(this.#options.rate, (stampMs) => {
      for (let tried = 0; tried < connections.length; tried++) {
        const connection = connections[turn++ % connections.length]
        if (connection !== undefined && connection.inFlight < this.#options.inFlight) {
          connection.send(1, stampMs)
          return true
        }
      }
      return false
    })
    for (const connection of connections) connection.onAnswers = () => pacer.pump()
    return pacer
  }
}

console.log(JSON.stringify(await new SendLoad(loadOptions()).run()))
