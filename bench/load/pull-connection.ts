// One connection that pulls some queues of a topic, one request in flight for each queue, as a push consumer does.
import { connect, type Socket } from 'node:net'
import {
  encodeFrame,
  patchOpaque,
  type Reply,
  ReplyReader,
  RequestCode,
  ResponseCode,
  replyField,
} from './frames.ts'

export interface PullConnectionOptions {
  host: string
  port: number
  group: string
  topic: string
  /** Queue ids and the offsets to begin at. */
  queues: readonly { queueId: number; offset: number }[]
  batchMax: number
}

export interface PullListener {
  /** A whole record at [at, at + size) of a buffer that is valid only during the call. */
  record(buffer: Buffer, at: number, size: number): void
  /** Asked after each answer: whether this queue is to be pulled on, from the next offset. */
  wantsMore(queueId: number, nextOffset: number): boolean
}

// MessageExtEncoder's record, IPv4: total size at 0, ..., length of the body at 84, body at 88.
export const RECORD_BODY_AT = 88
const SYS_FLAG_SUSPEND = 2
const SYS_FLAG_SUBSCRIPTION = 4
const SUSPEND_MS = 15_000
/** A slave of Apache's that has sent all does not hold the request: without a pause it would do nothing but answer. */
const RETRY_PAUSE_MS = 1

export class PullConnection {
  readonly #options: PullConnectionOptions
  readonly #listener: PullListener
  readonly #reader: ReplyReader
  #socket: Socket | null = null
  #open = false

  constructor(options: PullConnectionOptions, listener: PullListener) {
    this.#options = options
    this.#listener = listener
    this.#reader = new ReplyReader('binary', (reply) => this.#replied(reply))
  }

  async start(): Promise<void> {
    const { host, port, queues } = this.#options
    await new Promise<void>((resolve, reject) => {
      const socket = connect({ host, port, noDelay: true }, resolve)
      this.#socket = socket
      socket.on('error', reject)
      socket.on('close', () => {
        if (this.#open) throw new Error('the server closed a connection of the consumer')
      })
      socket.on('data', (chunk) => {
        if (typeof chunk !== 'string') this.#reader.push(chunk)
      })
    })
    this.#open = true
    for (const { queueId, offset } of queues) this.#pull(queueId, offset)
  }

  close(): void {
    this.#open = false
    this.#socket?.destroy()
  }

  #pull(queueId: number, offset: number): void {
    const { group, topic, batchMax } = this.#options
    const fields = {
      consumerGroup: group,
      topic,
      queueId: String(queueId),
      queueOffset: String(offset),
      maxMsgNums: String(batchMax),
      sysFlag: String(SYS_FLAG_SUSPEND | SYS_FLAG_SUBSCRIPTION),
      commitOffset: '0',
      suspendTimeoutMillis: String(SUSPEND_MS),
      subscription: '*',
      subVersion: '0',
      expressionType: 'TAG',
    }
    const { bytes, opaqueAt } = encodeFrame({ code: RequestCode.PULL_MESSAGE, fields })
    patchOpaque(bytes, opaqueAt, queueId, 'binary')
    this.#socket?.write(bytes)
  }

  #replied(reply: Reply): void {
    if (!this.#open) return
    const queueId = reply.opaque
    const next = replyField(reply, 'nextBeginOffset')
    const waits =
      reply.code === ResponseCode.PULL_NOT_FOUND ||
      reply.code === ResponseCode.PULL_RETRY_IMMEDIATELY
    if (next === null || (reply.code !== ResponseCode.SUCCESS && !waits)) {
      throw new Error(`pull of queue ${queueId} answered with code ${reply.code}`)
    }
    if (reply.code === ResponseCode.SUCCESS) this.#records(reply)
    if (!this.#listener.wantsMore(queueId, Number(next))) return
    if (reply.code === ResponseCode.PULL_RETRY_IMMEDIATELY) {
      setTimeout(() => this.#pull(queueId, Number(next)), RETRY_PAUSE_MS)
    } else this.#pull(queueId, Number(next))
  }

  #records({ buffer, bodyAt, end }: Reply): void {
    let at = bodyAt
    while (at < end) {
      const size = buffer.readInt32BE(at)
      this.#listener.record(buffer, at, size)
      at += size
    }
  }
}
