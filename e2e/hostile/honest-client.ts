// The client that must not notice: it sends, consumes, asks for routes, beats its heart, and comes in anew now and then.
import { setTimeout as sleep } from 'node:timers/promises'
import { percentile, SteadySender } from '../faults/steady-sender.ts'
import { codes, RawClient } from '../harness/raw-client.ts'
import { parseRecords } from '../harness/records.ts'
import type { History } from '../kill/history.ts'
import { queues, topic } from '../kill/load.ts'

const HEARTBEAT = 34
const PAUSE_MS = 10
const SUSPEND_AND_SUBSCRIPTION = 6

export interface HonestReport {
  acknowledged: number
  refused: number
  consumed: number
  newcomers: number
  sendP50Ms: number
  sendP99Ms: number
  otherP99Ms: number
  slowestMs: number
  /** Anything that went wrong but a refused send. */
  errors: string[]
}

export class HonestClient {
  readonly #broker: string
  readonly #namesrv: string
  readonly #sender: SteadySender
  readonly #latenciesMs: number[] = []
  readonly #errors: string[] = []
  readonly #loops: Promise<void>[] = []
  readonly #clients: RawClient[] = []
  #running = true
  #consumed = 0
  #newcomers = 0

  constructor(broker: string, namesrv: string, history: History) {
    this.#broker = broker
    this.#namesrv = namesrv
    const shape = { connections: 2, inFlightPerConnection: 2, bodySize: 1000 }
    const pauses = { pauseMs: PAUSE_MS, refusedPauseMs: PAUSE_MS }
    this.#sender = new SteadySender({ history, firstId: 0, ...shape, ...pauses })
  }

  async start(): Promise<void> {
    await this.#sender.start(this.#broker)
    const broker = await RawClient.connect(this.#broker)
    const consumer = await RawClient.connect(this.#broker)
    const namesrv = await RawClient.connect(this.#namesrv)
    this.#clients.push(broker, consumer, namesrv)
    this.#repeat(PAUSE_MS, async () => await this.#timed(namesrv, codes.routeByTopic, { topic }))
    this.#repeat(200, async () => await this.#beat(broker))
    for (let queueId = 0; queueId < queues; queueId++) this.#consume(consumer, queueId)
    this.#repeat(100, async () => await this.#comeAnew())
  }

  async stop(): Promise<HonestReport> {
    this.#running = false
    await this.#sender.stop()
    await Promise.all(this.#loops)
    for (const client of this.#clients) client.close()
    const sends = this.#sender.latenciesMs
    if (this.#sender.unanswered > 0) this.#errors.push(`${this.#sender.unanswered} unanswered`)
    return {
      acknowledged: this.#sender.acknowledged,
      refused: this.#sender.refused.size,
      consumed: this.#consumed,
      newcomers: this.#newcomers,
      sendP50Ms: Math.round(percentile(sends, 0.5)),
      sendP99Ms: Math.round(percentile(sends, 0.99)),
      otherP99Ms: Math.round(percentile(this.#latenciesMs, 0.99)),
      slowestMs: Math.round(Math.max(...sends, ...this.#latenciesMs)),
      errors: this.#errors.slice(0, 5),
    }
  }

  #repeat(pauseMs: number, step: () => Promise<void>): void {
    const loop = async (): Promise<void> => {
      while (this.#running) {
        try {
          await step()
        } catch (error) {
          if (this.#running) this.#errors.push(String(error))
        }
        await sleep(pauseMs)
      }
    }
    this.#loops.push(loop())
  }

  async #timed(
    client: RawClient,
    code: number,
    fields: Record<string, string>,
    body?: Buffer,
  ): Promise<void> {
    const began = performance.now()
    const answer = await client.request(code, fields, body)
    this.#latenciesMs.push(performance.now() - began)
    if (answer.code !== 0) throw new Error(`code ${code}: ${answer.code} ${answer.remark}`)
  }

  async #beat(client: RawClient): Promise<void> {
    const heartbeat = {
      clientID: 'honest',
      producerDataSet: [{ groupName: 'steady_producer' }],
      consumerDataSet: [],
    }
    await this.#timed(client, HEARTBEAT, {}, Buffer.from(JSON.stringify(heartbeat)))
  }

  async #comeAnew(): Promise<void> {
    for (const [address, code, fields] of [
      [this.#namesrv, codes.routeByTopic, { topic }],
      [this.#broker, codes.maxOffset, { topic, queueId: '0' }],
    ] as const) {
      const client = await RawClient.connect(address)
      try {
        await this.#timed(client, code, fields)
        this.#newcomers++
      } finally {
        client.close()
      }
    }
  }

  /** Long polls from the newest message on. They are left waiting when the client stops. */
  #consume(client: RawClient, queueId: number): void {
    let queueOffset = -1
    const pullNext = (): void => {
      if (!this.#running || client.closed) return
      const names = { consumerGroup: 'honest_group', topic, queueId, queueOffset, maxMsgNums: 32 }
      const flags = { sysFlag: SUSPEND_AND_SUBSCRIPTION, commitOffset: 0 }
      const rest = { suspendTimeoutMillis: 1000, subscription: '*', subVersion: 0 }
      const fields = { ...names, ...flags, ...rest, expressionType: 'TAG' }
      client.send(codes.pullMessage, fields, Buffer.alloc(0), (frame) => {
        if (frame === null) return
        if (frame.code === 0) this.#consumed += parseRecords(frame.body).length
        queueOffset = Number(frame.fields['nextBeginOffset'] ?? queueOffset)
        if (frame.code === 2) setTimeout(pullNext, PAUSE_MS)
        else pullNext()
      })
    }
    client.send(codes.maxOffset, { topic, queueId }, Buffer.alloc(0), (frame) => {
      queueOffset = Number(frame?.fields['offset'] ?? 0)
      pullNext()
    })
  }
}
