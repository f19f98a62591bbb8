// The smallest client that can load a broker and read it back, over a plain socket, sharing no code with what it tests.
import { connect, type Socket } from 'node:net'
import { type Frame, FrameSplitter, flagResponse } from './frames.ts'

export type Fields = Readonly<Record<string, string | number | boolean>>

export const codes = {
  sendMessageV2: 310,
  pullMessage: 11,
  createTopic: 17,
  maxOffset: 30,
  minOffset: 31,
  routeByTopic: 105,
  createGroup: 200,
} as const

const REQUEST_TIMEOUT_MS = 30_000

export class RawClient {
  readonly #socket: Socket
  readonly #waiting = new Map<number, (frame: Frame | null) => void>()
  #opaque = 1
  #closed = false

  private constructor(socket: Socket) {
    this.#socket = socket
    const splitter = new FrameSplitter()
    socket.on('data', (chunk: Buffer) => {
      for (const frame of splitter.push(chunk)) {
        if ((frame.flag & flagResponse) === 0) continue
        const done = this.#waiting.get(frame.opaque)
        this.#waiting.delete(frame.opaque)
        done?.(frame)
      }
    })
    socket.on('error', () => {}) // The close event follows and ends every request.
    socket.on('close', () => {
      this.#closed = true
      for (const done of this.#waiting.values()) done(null)
      this.#waiting.clear()
    })
  }

  static async connect(address: string): Promise<RawClient> {
    const [host = '', port] = address.split(':')
    return await new Promise((resolve, reject) => {
      const socket = connect({ host, port: Number(port), noDelay: true })
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        resolve(new RawClient(socket))
      })
    })
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Sends without waiting; `done` gets the answer, or null when the connection ended first. */
  send(code: number, fields: Fields, body: Buffer, done: (frame: Frame | null) => void): void {
    if (this.#closed) {
      done(null)
      return
    }
    const opaque = this.#opaque++
    this.#waiting.set(opaque, done)
    this.#socket.write(encodeRequest(code, opaque, fields, body))
  }

  async request(code: number, fields: Fields, body: Buffer = Buffer.alloc(0)): Promise<Frame> {
    return await new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.close()
        reject(new Error(`request ${code} was not answered`))
      }, REQUEST_TIMEOUT_MS)
      this.send(code, fields, body, (frame) => {
        clearTimeout(timer)
        if (frame === null)
          reject(new Error(`connection ended before request ${code} was answered`))
        else resolve(frame)
      })
    })
  }

  /** Waits until the peer's end closed the connection and everything it had sent is read; closes it when time is up. */
  async ended(timeoutMs: number): Promise<void> {
    if (this.#closed) return
    const timer = setTimeout(() => this.#socket.destroy(), timeoutMs)
    await new Promise((resolve) => this.#socket.once('close', resolve))
    clearTimeout(timer)
  }

  close(): void {
    this.#socket.destroy()
  }
}

/** A request with the JSON header, which every peer understands. */
export function encodeRequest(code: number, opaque: number, fields: Fields, body: Buffer): Buffer {
  const extFields = Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [key, String(value)]),
  )
  const serializeTypeCurrentRPC = 'JSON'
  const header = Buffer.from(
    JSON.stringify({
      code,
      flag: 0,
      language: 'OTHER',
      opaque,
      serializeTypeCurrentRPC,
      version: 401,
      extFields,
    }),
  )
  const frame = Buffer.allocUnsafe(8 + header.length + body.length)
  frame.writeInt32BE(4 + header.length + body.length, 0)
  frame.writeInt32BE(header.length, 4)
  header.copy(frame, 8)
  body.copy(frame, 8 + header.length)
  return frame
}

export async function createTopic(
  brokerAddr: string,
  topic: string,
  queues: number,
): Promise<void> {
  const client = await RawClient.connect(brokerAddr)
  const fields = { topic, defaultTopic: 'TBW102', readQueueNums: queues, writeQueueNums: queues }
  const rest = { perm: 6, topicFilterType: 'SINGLE_TAG', topicSysFlag: 0, order: false }
  try {
    const answer = await client.request(codes.createTopic, { ...fields, ...rest })
    if (answer.code !== 0) throw new Error(`createTopic: ${answer.code} ${answer.remark}`)
  } finally {
    client.close()
  }
}

export async function createGroup(
  brokerAddr: string,
  groupName: string,
  consumeEnable = true,
): Promise<void> {
  const client = await RawClient.connect(brokerAddr)
  try {
    const body = Buffer.from(JSON.stringify({ groupName, consumeEnable, retryQueueNums: 1 }))
    const answer = await client.request(codes.createGroup, {}, body)
    if (answer.code !== 0) throw new Error(`createGroup: ${answer.code} ${answer.remark}`)
  } finally {
    client.close()
  }
}

/** Waits until the NameServer shows a topic's queues; ali-ons asks once and gives up. */
export async function waitForRoute(
  namesrvAddr: string,
  topic: string,
  timeoutMs = 10_000,
): Promise<void> {
  const client = await RawClient.connect(namesrvAddr)
  const deadline = Date.now() + timeoutMs
  try {
    while ((await client.request(codes.routeByTopic, { topic })).code !== 0) {
      if (Date.now() > deadline) throw new Error(`no route for ${topic} in ${timeoutMs} ms`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  } finally {
    client.close()
  }
}
