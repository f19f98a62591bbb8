// A consumer that is behind: fills a topic with --bytes, sends alone, reads the filled part alone, then reads it again
// while sending. Sends go on --connections x --inflight; the reader pulls all queues over one connection.
//   node bench/load/catch-up-load.ts --port 10911 --bytes 1073741824 --queues 8 --topic T --seconds 5
// The topic must exist and be empty. Its last line is a JSON object, CatchUpReport.
import { Worker } from 'node:worker_threads'
import type { CatchUpResult, CatchUpWork } from './catch-up-reader.ts'
import { pause } from './measured-window.ts'
import { type LoadOptions, loadOptions } from './options.ts'
import { RawClient } from './raw-client.ts'
import { isStored, type SendConnection } from './send-connection.ts'
import { sendConnections } from './send-connections.ts'

export interface CatchUpReport {
  bytes: number
  messages: number
  /** MiB of records read per second, with nothing else going on. */
  readAloneMiBs: number
  /** The same while sending. */
  readWithSendsMiBs: number
  sendsAlonePerSecond: number
  sendsWithReadPerSecond: number
}

const MIB = 1 << 20

class CatchUpLoad {
  readonly #options: LoadOptions
  #stored = 0
  #sending = false
  #connections: SendConnection[] = []

  constructor(options: LoadOptions) {
    this.#options = options
  }

  async run(): Promise<CatchUpReport> {
    const { bytes, bodySize, seconds, warmupSeconds } = this.#options
    await this.#connect()
    this.#start()
    while (this.#stored * bodySize < bytes) await pause(0.02)
    await this.#stop()
    await pause(warmupSeconds) // Dispatch catches up: what was stored becomes readable.
    const ends = await this.#ends()
    const alone = await this.#read(ends)
    this.#start()
    await pause(warmupSeconds)
    const sendsAlone = await this.#sendRate(pause(seconds))
    let withSends = alone
    const sendsWithRead = await this.#sendRate(
      this.#read(ends).then((result) => {
        withSends = result
      }),
    )
    await this.#stop()
    for (const connection of this.#connections) connection.close()
    return {
      bytes: alone.bytes,
      messages: alone.messages,
      readAloneMiBs: alone.bytes / MIB / alone.seconds,
      readWithSendsMiBs: withSends.bytes / MIB / withSends.seconds,
      sendsAlonePerSecond: Math.round(sendsAlone),
      sendsWithReadPerSecond: Math.round(sendsWithRead),
    }
  }

  async #connect(): Promise<void> {
    const listener = {
      answered: (_stampMs: number, _nowMs: number, code: number): void => {
        if (isStored(code)) this.#stored++
      },
      closed: (): void => {
        throw new Error('the server closed a connection of the producer')
      },
    }
    this.#connections = sendConnections(this.#options, listener)
    for (const connection of this.#connections) {
      connection.onAnswers = (answers) => {
        if (this.#sending) connection.send(answers, performance.now())
      }
      await connection.open()
    }
  }

  #start(): void {
    this.#sending = true
    for (const connection of this.#connections) {
      connection.send(this.#options.inFlight - connection.inFlight, performance.now())
    }
  }

  async #stop(): Promise<void> {
    this.#sending = false
    while (this.#connections.some(({ inFlight }) => inFlight > 0)) await pause(0.01)
  }

  async #sendRate(during: Promise<void>): Promise<number> {
    const [before, startedMs] = [this.#stored, performance.now()]
    await during
    return ((this.#stored - before) * 1000) / (performance.now() - startedMs)
  }

  async #ends(): Promise<number[]> {
    const { host, port, topic, queues } = this.#options
    const client = await RawClient.connect(port, host)
    const ends: number[] = []
    for (let queueId = 0; queueId < queues; queueId++) {
      ends.push(await client.maxOffset(topic, queueId))
    }
    client.close()
    return ends
  }

  /** Reads every queue from its beginning to the given end, in a thread of its own: sends must not wait for the reader. */
  #read(ends: readonly number[]): Promise<CatchUpResult> {
    const { host, port, topic } = this.#options
    const workerData: CatchUpWork = { host, port, topic, ends }
    return new Promise((resolve, reject) => {
      const worker = new Worker(new URL('./catch-up-reader.ts', import.meta.url), { workerData })
      worker.once('message', resolve)
      worker.once('error', reject)
    })
  }
}

console.log(JSON.stringify(await new CatchUpLoad(loadOptions()).run()))
