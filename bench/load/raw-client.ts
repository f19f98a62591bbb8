// Requests one at a time, by promise: topic creation and questions before and after a load.
import { connect, type Socket } from 'node:net'
import {
  encodeFrame,
  patchOpaque,
  type Reply,
  ReplyReader,
  RequestCode,
  type RequestFrame,
  ResponseCode,
  replyField,
} from './frames.ts'

export interface RawReply {
  code: number
  fields: (name: string) => string | null
  body: Buffer
}

const REPLY_TIMEOUT_MS = 30_000

export class RawClient {
  readonly #socket: Socket
  readonly #waiting = new Map<number, (reply: RawReply) => void>()
  #next = 0

  private constructor(socket: Socket) {
    this.#socket = socket
    const reader = new ReplyReader('binary', (reply) => this.#replied(reply))
    socket.on('data', (chunk) => {
      if (typeof chunk !== 'string') reader.push(chunk)
    })
    socket.on('error', () => {}) // Shows as requests that time out.
  }

  static async connect(port: number, host = '127.0.0.1'): Promise<RawClient> {
    return await new Promise((resolve, reject) => {
      const socket = connect({ host, port, noDelay: true }, () => resolve(new RawClient(socket)))
      socket.once('error', reject)
    })
  }

  async request(request: Omit<RequestFrame, 'form'>): Promise<RawReply> {
    const { bytes, opaqueAt } = encodeFrame(request)
    const opaque = this.#next++
    patchOpaque(bytes, opaqueAt, opaque, 'binary')
    return await new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        this.#waiting.delete(opaque)
        reject(new Error(`no reply to request ${request.code} in ${REPLY_TIMEOUT_MS} ms`))
      }, REPLY_TIMEOUT_MS)
      this.#waiting.set(opaque, (reply) => {
        clearTimeout(late)
        resolve(reply)
      })
      this.#socket.write(bytes)
    })
  }

  async createTopic(topic: string, queues: number): Promise<void> {
    const count = String(queues)
    const fields = {
      topic,
      defaultTopic: 'TBW102',
      readQueueNums: count,
      writeQueueNums: count,
      perm: '6',
      topicFilterType: 'SINGLE_TAG',
      topicSysFlag: '0',
      order: 'false',
    }
    const reply = await this.request({ code: RequestCode.UPDATE_AND_CREATE_TOPIC, fields })
    if (reply.code !== ResponseCode.SUCCESS) {
      throw new Error(`topic ${topic} was not created: code ${reply.code}`)
    }
  }

  async maxOffset(topic: string, queueId: number): Promise<number> {
    const fields = { topic, queueId: String(queueId) }
    const reply = await this.request({ code: RequestCode.GET_MAX_OFFSET, fields })
    return Number(reply.fields('offset') ?? -1)
  }

  close(): void {
    this.#socket.destroy()
  }

  #replied(reply: Reply): void {
    const done = this.#waiting.get(reply.opaque)
    if (done === undefined) return
    this.#waiting.delete(reply.opaque)
    const { buffer, bodyAt, end, code } = reply
    const copy: Reply = { ...reply, buffer: Buffer.from(buffer.subarray(reply.headerAt, end)) }
    copy.headerAt = 0
    copy.bodyAt = bodyAt - reply.headerAt
    copy.end = end - reply.headerAt
    const body = copy.buffer.subarray(copy.bodyAt)
    done({ code, fields: (name) => replyField(copy, name), body })
  }
}

/** Creates the topics that sendTemplates names, a few requests at a time. */
export async function createTopics(
  port: number,
  names: readonly string[],
  queues: number,
): Promise<void> {
  const client = await RawClient.connect(port)
  const AT_ONCE = 50
  for (let from = 0; from < names.length; from += AT_ONCE) {
    const some = names.slice(from, from + AT_ONCE)
    await Promise.all(some.map((name) => client.createTopic(name, queues)))
  }
  client.close()
}
