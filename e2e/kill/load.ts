// Full load on one broker: unique messages with a check sum inside, and consumers that read right behind them.
import { createHash } from 'node:crypto'
import { codes, type Fields, RawClient } from '../harness/raw-client.ts'
import { parseRecords, type StoredRecord } from '../harness/records.ts'
import type { History, Sighting } from './history.ts'
import type { Random } from './random.ts'

export const topic = 'KillTopic'
export const queues = 8

const STOP_TIMEOUT_MS = 2000
const PULL_SUSPEND = 2
const PULL_SUBSCRIPTION = 4
const FOUND = 0
const NOT_FOUND = 19
const RETRY_AT_ONCE = 20

export interface LoadSize {
  connections: number
  /** Sends unanswered, of each connection. */
  inFlight: number
  bodyBytesMax: number
}

const FULL: LoadSize = { connections: 4, inFlight: 24, bodyBytesMax: 4000 }
/** After a refusal: who is refused at once must not ask again at once. */
const REFUSED_PAUSE_MS = 5

export interface LoadCounts {
  acknowledged: number
  refused: number
  unanswered: number
  consumed: number
}

/** Body: `number:filler`, of any length; its digest is what the history compares. */
export class Load {
  readonly counts: LoadCounts = { acknowledged: 0, refused: 0, unanswered: 0, consumed: 0 }
  readonly refusals: Map<string, number> = new Map()
  readonly #history: History
  readonly #random: Random
  readonly #positions: Map<number, number>
  readonly #size: LoadSize
  #nextId: number
  #running = true
  #clients: RawClient[] = []

  /** `positions` are the consumers' offsets; they live on over restarts of the broker. */
  constructor(
    history: History,
    random: Random,
    nextId: number,
    positions: Map<number, number>,
    size: LoadSize = FULL,
  ) {
    this.#size = size
    this.#history = history
    this.#random = random
    this.#nextId = nextId
    this.#positions = positions
  }

  get nextId(): number {
    return this.#nextId
  }

  async start(brokerAddr: string): Promise<void> {
    for (let number = 0; number < this.#size.connections; number++) {
      const client = await RawClient.connect(brokerAddr)
      this.#clients.push(client)
      for (let slot = 0; slot < this.#size.inFlight; slot++) this.#sendNext(client)
    }
    const reader = await RawClient.connect(brokerAddr)
    this.#clients.push(reader)
    for (let queueId = 0; queueId < queues; queueId++) this.#pullNext(reader, queueId)
  }

  /**
   * No further requests. After a kill the answers that the broker had handed to the kernel still arrive, and they count:
   * so the connections end by themselves.
   */
  async stop(): Promise<void> {
    this.#running = false
    await Promise.all(this.#clients.map((client) => client.ended(STOP_TIMEOUT_MS)))
    this.#clients = []
  }

  #sendNext(client: RawClient): void {
    if (!this.#running || client.closed) return
    const id = this.#nextId++
    const length = 10 + this.#random.below(this.#size.bodyBytesMax)
    const body = Buffer.alloc(length, `${id}:`, 'latin1')
    body.write(`${id}:`, 0, 'latin1')
    this.#history.recordSend(id, digestOf(body))
    client.send(codes.sendMessageV2, sendFields(id), body, (frame) => {
      if (frame === null) {
        this.counts.unanswered++
        return
      }
      if (frame.code === 0) {
        this.counts.acknowledged++
        const queueId = Number(frame.fields['queueId'])
        const queueOffset = Number(frame.fields['queueOffset'])
        this.#history.recordAcknowledgement({ id, queueId, queueOffset })
        this.#sendNext(client)
        return
      }
      this.counts.refused++
      const reason = `${frame.code} ${frame.remark ?? ''}`.slice(0, 80)
      this.refusals.set(reason, (this.refusals.get(reason) ?? 0) + 1)
      setTimeout(() => this.#sendNext(client), REFUSED_PAUSE_MS)
    })
  }

  #pullNext(client: RawClient, queueId: number): void {
    if (!this.#running || client.closed) return
    const offset = this.#positions.get(queueId) ?? 0
    const flags = PULL_SUSPEND | PULL_SUBSCRIPTION
    client.send(codes.pullMessage, pullFields(queueId, offset, flags), Buffer.alloc(0), (frame) => {
      if (frame === null) return
      if (frame.code === FOUND) {
        for (const record of parseRecords(frame.body)) {
          this.#history.recordSighting(sightingOf(record))
          this.counts.consumed++
        }
        this.#positions.set(queueId, Number(frame.fields['nextBeginOffset']))
      }
      this.#pullNext(client, queueId)
    })
  }
}

function digestOf(body: Buffer): string {
  return createHash('sha1').update(body).digest('base64url')
}

function sightingOf(record: StoredRecord): Sighting {
  const text = record.body.toString('latin1', 0, 16)
  const id = /^\d+:/.test(text) ? Number.parseInt(text, 10) : -1
  const { queueId, queueOffset } = record
  return { id, queueId, queueOffset, digest: digestOf(record.body) }
}

function sendFields(id: number): Fields {
  const properties = `KEYS\u0001${id}\u0002UNIQ_KEY\u0001${String(id).padStart(32, '0')}\u0002WAIT\u0001true\u0002`
  const names = { a: 'kill_producer', b: topic, c: 'TBW102', d: 4, e: id % queues, f: 0 }
  return { ...names, g: Date.now(), h: 0, i: properties, j: 0, k: false, l: 0, m: false }
}

function pullFields(queueId: number, queueOffset: number, sysFlag: number): Fields {
  const names = { consumerGroup: 'kill_group', topic, queueId, queueOffset, maxMsgNums: 32 }
  const subscription = { subscription: '*', subVersion: 0, expressionType: 'TAG' }
  return { ...names, sysFlag, commitOffset: 0, suspendTimeoutMillis: 1000, ...subscription }
}

/** Everything that the broker shows of the topic, from the first offset of each queue to its last. */
export async function readAll(brokerAddr: string): Promise<Sighting[]> {
  const client = await RawClient.connect(brokerAddr)
  try {
    const perQueue = Array.from({ length: queues }, (_, queueId) => readQueue(client, queueId))
    return (await Promise.all(perQueue)).flat()
  } finally {
    client.close()
  }
}

async function readQueue(client: RawClient, queueId: number): Promise<Sighting[]> {
  const found: Sighting[] = []
  const limit = await client.request(codes.maxOffset, { topic, queueId })
  if (limit.code !== 0)
    throw new Error(`maxOffset of queue ${queueId}: ${limit.code} ${limit.remark}`)
  const end = Number(limit.fields['offset'])
  let offset = 0
  while (offset < end) {
    const fields = pullFields(queueId, offset, PULL_SUBSCRIPTION)
    const frame = await client.request(codes.pullMessage, fields)
    if (frame.code === FOUND) {
      found.push(...parseRecords(frame.body).map(sightingOf))
    } else if (frame.code !== RETRY_AT_ONCE && frame.code !== NOT_FOUND) {
      throw new Error(`pull of queue ${queueId} at ${offset}: ${frame.code} ${frame.remark}`)
    }
    const next = Number(frame.fields['nextBeginOffset'])
    if (next <= offset) {
      throw new Error(
        `pull of queue ${queueId} at ${offset} of ${end} stands still: ${frame.code} ${frame.remark}`,
      )
    }
    offset = next
  }
  return found
}
