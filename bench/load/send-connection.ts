// One connection that keeps a number of sends in flight.
import { connect, type Socket } from 'node:net'
import { type HeaderForm, patchOpaque, type Reply, ReplyReader, ResponseCode } from './frames.ts'
import { patchKey, type SendTemplate } from './send-templates.ts'

export interface SendConnectionOptions {
  host: string
  port: number
  form: HeaderForm
  templates: readonly SendTemplate[]
  /** The first template this connection uses; it takes every `templateStep`th. */
  templateStart: number
  templateStep: number
  body: Buffer
  /** Most sends in flight; below 65,536. */
  inFlightMax: number
  /** Write the stamp of each send into the first eight bytes of its body, as a double. */
  stampBodies?: boolean
}

export interface SendListener {
  /** A send was answered: how long after `stampMs`, and whether it was stored. `stampMs` is what send() was given. */
  answered(stampMs: number, nowMs: number, code: number): void
  closed(error: Error | null): void
}

const OPAQUE_MASK = 0xffff

export class SendConnection {
  inFlight = 0
  readonly #options: SendConnectionOptions
  readonly #listener: SendListener
  readonly #stamps = new Float64Array(OPAQUE_MASK + 1)
  readonly #reader: ReplyReader
  /**
   * Frames are written one after another round this ring. It holds more than twice what is in flight, so the bytes that a
   * new frame overwrites belong to a send after which a whole window of later ones has been answered: they have left.
   */
  readonly #ring: Buffer
  #ringAt = 0
  #pendingFrom = 0
  #next = 0
  #template: number
  #socket: Socket | null = null
  #answeredNow = 0

  constructor(options: SendConnectionOptions, listener: SendListener) {
    this.#options = options
    this.#listener = listener
    this.#template = options.templateStart % options.templates.length
    let frameMax = 0
    for (const { size } of options.templates) if (size > frameMax) frameMax = size
    this.#ring = Buffer.alloc(frameMax * (2 * options.inFlightMax + 2))
    this.#reader = new ReplyReader(options.form, (reply) => this.#replied(reply))
  }

  async open(): Promise<void> {
    const { host, port } = this.#options
    await new Promise<void>((resolve, reject) => {
      const socket = connect({ host, port, noDelay: true }, resolve)
      this.#socket = socket
      socket.on('error', (error) => {
        reject(error)
        this.#listener.closed(error)
      })
      socket.on('close', () => this.#listener.closed(null))
      socket.on('data', (chunk) => {
        if (typeof chunk !== 'string') this.#received(chunk)
      })
    })
  }

  /** Told after each chunk of replies how many there were: the moment to send as many again. */
  onAnswers: (count: number) => void = () => {}

  close(): void {
    this.#socket?.removeAllListeners('close')
    this.#socket?.on('error', () => {})
    this.#socket?.destroy()
  }

  /** Sends `count` messages in one write (two where the ring wraps). */
  send(count: number, stampMs: number): void {
    const { templates, templateStep, body, form, stampBodies = false } = this.#options
    for (let sent = 0; sent < count; sent++) {
      const template = templates[this.#template] as SendTemplate
      this.#template = (this.#template + templateStep) % templates.length
      if (this.#ringAt + template.size > this.#ring.length) this.#wrap()
      const at = this.#ringAt
      const opaque = this.#next & OPAQUE_MASK
      template.head.copy(this.#ring, at)
      patchOpaque(this.#ring, at + template.opaqueAt, opaque, form)
      patchKey(this.#ring, at + template.keyAt, this.#next)
      body.copy(this.#ring, at + template.head.length)
      if (stampBodies) this.#ring.writeDoubleBE(stampMs, at + template.head.length)
      this.#stamps[opaque] = stampMs
      this.#next++
      this.#ringAt = at + template.size
    }
    this.inFlight += count
    this.#write()
  }

  #wrap(): void {
    this.#write()
    this.#ringAt = 0
    this.#pendingFrom = 0
  }

  #write(): void {
    if (this.#pendingFrom === this.#ringAt) return
    this.#socket?.write(this.#ring.subarray(this.#pendingFrom, this.#ringAt))
    this.#pendingFrom = this.#ringAt
  }

  #received(chunk: Buffer): void {
    this.#answeredNow = 0
    this.#reader.push(chunk)
    const answered = this.#answeredNow
    if (answered > 0) this.onAnswers(answered)
  }

  #replied(reply: Reply): void {
    this.inFlight--
    this.#answeredNow++
    const stamp = this.#stamps[reply.opaque & OPAQUE_MASK] ?? 0
    this.#listener.answered(stamp, performance.now(), reply.code)
  }
}

export function isStored(code: number): boolean {
  return code === ResponseCode.SUCCESS
}
