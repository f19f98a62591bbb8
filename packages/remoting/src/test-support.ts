import type { Clock, ConnectOptions, Listener, Net, Socket, SocketEvents, Timer } from '@apogee/env'
import {
  CURRENT_VERSION,
  type ExtFields,
  encodeFrame,
  Frame,
  FrameScanner,
  LanguageCode,
  RequestCode,
  writeEmptyReply,
} from '@apogee/protocol'
import { success } from './answer.ts'
import type { Connection } from './connection.ts'
import type { FrameHandler, Handler, Lane } from './handler.ts'
import { HandlerRegistry } from './handler.ts'
import type { Logger } from './logger.ts'
import type { RemotingServerOptions } from './options.ts'
import { RemotingServer } from './remoting-server.ts'

// What the tests of this package stand on: time that moves when told, and sockets whose other end is the test.

/** Time moves only by `advance`; `soon` tasks run by `turn`, or as time moves. */
export class ManualClock implements Clock {
  nowMs = 1_000
  private soonTasks: (() => void)[] = []
  private timers: { atMs: number; task: (() => void) | null }[] = []

  monotonicMs(): number {
    return this.nowMs
  }

  wallMs(): number {
    return this.nowMs
  }

  after(delayMs: number, task: () => void): Timer {
    const timer: { atMs: number; task: (() => void) | null } = { atMs: this.nowMs + delayMs, task }
    this.timers.push(timer)
    return {
      cancel: () => {
        timer.task = null
      },
    }
  }

  soon(task: () => void): void {
    this.soonTasks.push(task)
  }

  endOfEvent(task: () => void): void {
    this.soon(task)
  }

  /** Runs what waits for this turn's end; false when there was nothing. */
  turn(): boolean {
    const tasks = this.soonTasks
    this.soonTasks = []
    for (const task of tasks) task()
    return tasks.length > 0
  }

  settle(): void {
    while (this.turn()) {}
  }

  advance(byMs: number): void {
    const endMs = this.nowMs + byMs
    this.settle()
    while (true) {
      const due = this.timers.filter((timer) => timer.task !== null && timer.atMs <= endMs)
      if (due.length === 0) break
      const next = due.reduce((a, b) => (b.atMs < a.atMs ? b : a))
      this.timers.splice(this.timers.indexOf(next), 1)
      this.nowMs = Math.max(this.nowMs, next.atMs)
      next.task!()
      this.settle()
    }
    this.nowMs = endMs
  }
}

/** A socket whose peer is the test: `deliver` is what the peer sends, `output` what it got. */
export class FakeSocket implements Socket {
  events: SocketEvents = { data() {}, drained() {}, closed() {} }
  remoteAddress = '10.0.0.7'
  remotePort = 4711
  localAddress = '10.0.0.1'
  localPort = 10911
  encrypted = false
  paused = false
  ended = false
  gone = false
  /** The peer takes nothing while it is set. */
  stuck = false
  writes = 0
  pendingBytes = 0
  private taken: Buffer[] = []
  private held: { bytes: Uint8Array; sent: (() => void) | undefined }[] = []

  deliver(bytes: Buffer): void {
    if (!this.gone) this.events.data(bytes)
  }

  write(bytes: Uint8Array, sent?: () => void): boolean {
    this.writes++
    if (this.gone) {
      sent?.()
      return true
    }
    this.held.push({ bytes, sent })
    this.pendingBytes += bytes.length
    if (!this.stuck) this.take()
    return this.pendingBytes === 0
  }

  /** The peer takes everything that waits. */
  take(): void {
    const held = this.held
    this.held = []
    this.pendingBytes = 0
    for (const { bytes, sent } of held) {
      this.taken.push(Buffer.from(bytes))
      sent?.()
    }
  }

  drain(): void {
    this.stuck = false
    this.take()
    this.events.drained()
  }

  /** What the peer got since the last call. */
  output(): Buffer {
    const bytes = Buffer.concat(this.taken)
    this.taken = []
    return bytes
  }

  pause(): void {
    this.paused = true
  }

  resume(): void {
    this.paused = false
  }

  end(): void {
    this.ended = true
    this.take()
  }

  destroy(error?: Error): void {
    this.peerCloses(error ?? null)
  }

  peerCloses(error: Error | null = null): void {
    if (this.gone) return
    this.gone = true
    for (const { sent } of this.held) sent?.()
    this.held = []
    this.pendingBytes = 0
    this.events.closed(error)
  }
}

/** Accepts sockets that a test makes, and records those a client asks for. */
export class FakeNet implements Net {
  readonly connecting: { options: ConnectOptions; socket: FakeSocket }[] = []
  private accept: (socket: Socket) => void = () => {}

  listen(
    options: { port: number },
    accept: (socket: Socket) => void,
    ready: (error: Error | null, port: number) => void,
  ): Listener {
    this.accept = accept
    const port = options.port === 0 ? 10911 : options.port
    ready(null, port)
    return { port, close: (done) => done?.() }
  }

  connect(options: ConnectOptions): Socket {
    const socket = new FakeSocket()
    this.connecting.push({ options, socket })
    return socket
  }

  /** A peer connects to the server. */
  open(remoteAddress = '10.0.0.7'): FakeSocket {
    const socket = new FakeSocket()
    socket.remoteAddress = remoteAddress
    this.accept(socket)
    return socket
  }
}

export interface TestFrame {
  code: number
  opaque: number
  flag?: number
  serializeType?: 0 | 1
  remark?: string | null
  fields?: ExtFields | null
  body?: Buffer | null
}

export function frameOf(content: TestFrame): Buffer {
  return encodeFrame({
    flag: 0,
    serializeType: 0,
    language: LanguageCode.JAVA,
    version: CURRENT_VERSION,
    ...content,
  })
}

/** Every frame in some output; fails on bytes that are none. */
export function framesIn(bytes: Buffer): Required<TestFrame>[] {
  const scanner = new FrameScanner({ frameMax: 64 << 20 })
  const frame = new Frame()
  const found: Required<TestFrame>[] = []
  scanner.push(bytes)
  while (scanner.next(frame) === true) {
    found.push({
      code: frame.code,
      opaque: frame.opaque,
      flag: frame.flag,
      serializeType: frame.serializeType,
      remark: frame.remark() as string | null,
      fields: frame.fields() as ExtFields,
      body: Buffer.from(frame.body()),
    })
  }
  if (scanner.buffered > 0) throw new Error(`${scanner.buffered} bytes are no frame`)
  return found
}

/** A logger that remembers. */
export function recordingLogger(): Logger & { events: Record<string, unknown>[] } {
  const events: Record<string, unknown>[] = []
  const record =
    (level: string) =>
    (fields: object): void => {
      events.push({ level, ...fields })
    }
  return {
    events,
    debug: record('debug'),
    info: record('info'),
    warn: record('warn'),
    error: record('error'),
  }
}

export interface FakeServer {
  clock: ManualClock
  net: FakeNet
  log: ReturnType<typeof recordingLogger>
  server: RemotingServer
  /** What was refused unheard: lane and reason. */
  shed: [Lane, string][]
  /** What typed handlers answered: request and response code. */
  done: [number, number][]
}

/** A started server whose clients are fake sockets. */
export function serve(
  handlers: Handler[],
  options: Partial<RemotingServerOptions> = {},
): FakeServer {
  const clock = new ManualClock()
  const net = new FakeNet()
  const log = recordingLogger()
  const shed: [Lane, string][] = []
  const done: [number, number][] = []
  const server = new RemotingServer(
    { host: '127.0.0.1', port: 0, ...options },
    {
      env: { clock, net },
      registry: new HandlerRegistry().add(...handlers),
      log,
      observe: {
        requestDone: (code, responseCode) => done.push([code, responseCode]),
        shed: (lane, reason) => shed.push([lane, reason]),
      },
    },
  )
  void server.start()
  return { clock, net, log, server, shed, done }
}

/** Calls `work`, then answers with a body of so many bytes. */
export function hotHandler(
  code: number,
  lane: Lane,
  bodySize: number,
  work: () => void = () => {},
): FrameHandler {
  return {
    code,
    lane,
    permission: 'client',
    handleFrame(frame, connection) {
      work()
      connection.answer(frame.opaque, frame.serializeType, success(Buffer.alloc(bodySize)))
    },
  }
}

/** Parks every send; `finish` answers so many of them. */
export function parking(): {
  send: FrameHandler
  finish: (count: number) => void
  parked: number[]
} {
  const parked: number[] = []
  const owners: Connection[] = []
  const send: FrameHandler = {
    code: RequestCode.SEND_MESSAGE_V2,
    lane: 'send',
    permission: 'client',
    handleFrame(frame, connection) {
      parked.push(frame.opaque)
      owners.push(connection)
      connection.requestParked()
    },
  }
  const finish = (count: number): void => {
    for (const opaque of parked.splice(0, count)) {
      const connection = owners.shift()!
      connection.requestFinished()
      const buffer = connection.reserve(200)
      const at = connection.outputEnd
      connection.commit(writeEmptyReply(buffer, at, 0, 0, opaque, null) - at)
    }
  }
  return { send, finish, parked }
}

export function frames(
  count: number,
  code: number = RequestCode.SEND_MESSAGE_V2,
  bodySize = 0,
): Buffer {
  const body = Buffer.alloc(bodySize)
  return Buffer.concat(
    Array.from({ length: count }, (_, opaque) => frameOf({ code, opaque, body })),
  )
}

const never = Number.POSITIVE_INFINITY
/** Nothing is refused for its age. */
export const noAgeLimits: Record<Lane, number> = {
  send: never,
  pull: never,
  ack: never,
  heartbeat: never,
  route: never,
  admin: never,
}
