// Sends unique messages one after the other over a few connections and keeps how each one ended and how long it took.
// Bodies are those of ../kill/load.ts, so that its `readAll` and a History can judge them.
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Frame } from '../harness/frames.ts'
import { codes, type Fields, RawClient } from '../harness/raw-client.ts'
import type { History } from '../kill/history.ts'
import { queues, topic } from '../kill/load.ts'

export interface SteadySenderOptions {
  history: History
  firstId: number
  connections: number
  inFlightPerConnection: number
  bodySize: number
  /** Between two sends of one slot. */
  pauseMs: number
  /** Before a slot tries again after a refusal. */
  refusedPauseMs: number
}

export class SteadySender {
  acknowledged = 0
  unanswered = 0
  /** Message number to what the broker said. */
  readonly refused: Map<number, string> = new Map()
  /** Of every answered send, in the order of the answers. */
  readonly latenciesMs: number[] = []
  readonly #options: SteadySenderOptions
  #nextId: number
  #running = true
  #clients: RawClient[] = []
  #slots: Promise<void>[] = []

  constructor(options: SteadySenderOptions) {
    this.#options = options
    this.#nextId = options.firstId
  }

  get nextId(): number {
    return this.#nextId
  }

  async start(brokerAddr: string): Promise<void> {
    const { connections, inFlightPerConnection } = this.#options
    for (let number = 0; number < connections; number++) {
      const client = await RawClient.connect(brokerAddr)
      this.#clients.push(client)
      for (let slot = 0; slot < inFlightPerConnection; slot++) this.#slots.push(this.#run(client))
    }
  }

  /** No further sends; waits for the answers of those under way, or for the end of their connections. */
  async stop(): Promise<void> {
    this.#running = false
    await Promise.all(this.#slots)
    for (const client of this.#clients) client.close()
  }

  /** Resolves once `count` more messages are acknowledged; rejects when that takes too long. */
  async acknowledges(count: number, timeoutMs: number): Promise<void> {
    const wanted = this.acknowledged + count
    await this.#until(() => this.acknowledged >= wanted, `${count} acknowledgements`, timeoutMs)
  }

  /** The same for refusals. */
  async isRefused(count: number, timeoutMs: number): Promise<void> {
    const wanted = this.refused.size + count
    await this.#until(() => this.refused.size >= wanted, `${count} refusals`, timeoutMs)
  }

  /** How many messages were refused in which words. */
  refusals(): Map<string, number> {
    const counts = new Map<string, number>()
    for (const reason of this.refused.values()) counts.set(reason, (counts.get(reason) ?? 0) + 1)
    return counts
  }

  async #until(reached: () => boolean, what: string, timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs
    while (!reached()) {
      if (performance.now() > deadline) {
        const said = JSON.stringify([...this.refusals()])
        throw new Error(`no ${what} in ${timeoutMs} ms; refusals: ${said}`)
      }
      await sleep(10)
    }
  }

  async #run(client: RawClient): Promise<void> {
    while (this.#running && !client.closed) {
      const wasRefused = await this.#sendOne(client)
      await sleep(wasRefused ? this.#options.refusedPauseMs : this.#options.pauseMs)
    }
  }

  async #sendOne(client: RawClient): Promise<boolean> {
    const { history, bodySize } = this.#options
    const id = this.#nextId++
    const body = Buffer.alloc(bodySize, `${id}:`, 'latin1')
    history.recordSend(id, createHash('sha1').update(body).digest('base64url'))
    const began = performance.now()
    const frame = await new Promise<Frame | null>((resolve) => {
      client.send(codes.sendMessageV2, sendFields(id), body, resolve)
    })
    if (frame === null) {
      this.unanswered++
      return false
    }
    this.latenciesMs.push(performance.now() - began)
    if (frame.code !== 0) {
      this.refused.set(id, `${frame.code} ${frame.remark ?? ''}`)
      return true
    }
    this.acknowledged++
    const queueId = Number(frame.fields['queueId'])
    history.recordAcknowledgement({ id, queueId, queueOffset: Number(frame.fields['queueOffset']) })
    return false
  }
}

function sendFields(id: number): Fields {
  const properties = `KEYS\u0001${id}\u0002WAIT\u0001true\u0002`
  const names = { a: 'steady_producer', b: topic, c: 'TBW102', d: 4, e: id % queues, f: 0 }
  return { ...names, g: Date.now(), h: 0, i: properties, j: 0, k: false, l: 0, m: false }
}

/** The latency that `share` of the answers stayed below. */
export function percentile(latenciesMs: readonly number[], share: number): number {
  const sorted = latenciesMs.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}
