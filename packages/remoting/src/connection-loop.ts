import { assert, LimitedLog } from '@apogee/base'
import type { Clock, Env, Socket, Timer } from '@apogee/env'
import type { SerializeType } from '@apogee/protocol'
import { Connection } from './connection.ts'
import { type ConnectionHost, Pause } from './connection-host.ts'
import { Dispatcher, type RequestObserver } from './dispatcher.ts'
import type { HandlerRegistry } from './handler.ts'
import { Inbound } from './inbound.ts'
import type { Logger } from './logger.ts'
import type { ConnectionLimits } from './options.ts'
import { OutputPool } from './output-pool.ts'

/** Once the total is exceeded, paused connections go on when it is below this part of it. */
const RESUME_PART = 0.8

export interface ConnectionLoopDeps {
  env: Pick<Env, 'clock'>
  registry: HandlerRegistry
  log: Logger
  observe?: RequestObserver | undefined
}

export interface ConnectionLoopOptions {
  /** See ConnectionHost. */
  pausesPeers: boolean
  serializeType: SerializeType
  /** LanguageCode of the frames we write. */
  language: number
  /** A connection must have sent a whole frame by then; Infinity for connections of ours. */
  firstFrameMs: number
  connectTimeoutMs: number
}

/**
 * All connections of one server or client: what they share (reply memory, the bound on bytes in flight), the list of those
 * with output to flush at the end of the turn, and one timer for every deadline.
 */
export class ConnectionLoop implements ConnectionHost {
  readonly connections: Set<Connection> = new Set()
  readonly limits: ConnectionLimits
  readonly pool: OutputPool
  readonly clock: Clock
  readonly pausesPeers: boolean
  readonly language: number
  readonly log: LimitedLog
  unanswered = 0
  /** How often a connection was closed for what: peer_closed, idle, frame_malformed, … */
  readonly closings: Map<string, number> = new Map()
  /** Called when a connection is gone. */
  onGone: (connection: Connection) => void = () => {}
  private readonly options: ConnectionLoopOptions
  private readonly errorLog: Logger
  private readonly inbound: Inbound
  private inFlightBytes = 0
  /** When the biggest connection was looked for last. */
  private searchedMs = -1
  private readonly pausedForTotal = new Set<Connection>()
  private readonly flushList: Connection[] = []
  /** The list will be flushed: at the end of an event of ours, or soon. */
  private flushComes = false
  private flushing = false
  private readonly flushTurn: () => void
  private timer: Timer | null = null
  private nextId = 1

  constructor(limits: ConnectionLimits, options: ConnectionLoopOptions, deps: ConnectionLoopDeps) {
    assert(limits.sliceMs > 0 && limits.tickMs > 0, 'slice and tick', limits.sliceMs, limits.tickMs)
    assert(limits.outputPauseBytes <= limits.outputCloseBytes, 'output pauses before it closes')
    this.limits = limits
    this.options = options
    this.pool = new OutputPool(limits.outputPoolBytes)
    this.clock = deps.env.clock
    this.pausesPeers = options.pausesPeers
    this.language = options.language
    this.log = new LimitedLog(deps.log, () => this.clock.monotonicMs())
    this.errorLog = deps.log
    const dispatcher = new Dispatcher(this, deps)
    this.flushTurn = () => this.flushAll()
    this.inbound = new Inbound(this, dispatcher, this.log, this.flushTurn)
  }

  add(socket: Socket, established: boolean): Connection {
    const { serializeType } = this.options
    const connection = new Connection(this.nextId++, socket, established, serializeType, this)
    this.connections.add(connection)
    if (this.timer === null) this.armTimer()
    return connection
  }

  /** Whether a connection still has something to do before it may be closed. */
  busy(connection: Connection): boolean {
    const { input } = connection
    return connection.unanswered > 0 || input.queued || connection.pendingOutput > 0
  }

  received(connection: Connection, bytes: Buffer, lent: boolean): void {
    this.flushComes = true
    try {
      this.inbound.receive(connection, bytes, lent)
    } finally {
      this.flushAll()
    }
  }

  outputWaits(connection: Connection): void {
    this.flushList.push(connection)
    if (this.flushComes) return
    this.flushComes = true
    this.clock.endOfEvent(this.flushTurn)
  }

  wake(connection: Connection): void {
    if (connection.input.bytes > 0) this.inbound.enqueue(connection)
  }

  account(connection: Connection): void {
    const bytes = connection.open ? connection.input.memory + connection.pendingOutput : 0
    this.inFlightBytes += bytes - connection.countedBytes
    connection.countedBytes = bytes
    if (this.inFlightBytes > this.limits.inFlightBytesMax) this.pauseBiggest()
    else if (this.pausedForTotal.size > 0) this.resumePaused()
  }

  closing(reason: string): void {
    this.closings.set(reason, (this.closings.get(reason) ?? 0) + 1)
  }

  gone(connection: Connection): void {
    this.connections.delete(connection)
    this.pausedForTotal.delete(connection)
    this.account(connection)
    this.onGone(connection)
  }

  callbackFailed(connection: Connection, error: unknown): void {
    this.errorLog.error({ event: 'callback_failed', peer: connection.remoteAddress, err: error })
  }

  /** Gives everything committed to the sockets. */
  flushAll(): void {
    this.flushComes = false
    if (this.flushing) return
    this.flushing = true
    const list = this.flushList
    for (let i = 0; i < list.length; i++) list[i]!.flush()
    list.length = 0
    this.flushing = false
  }

  private armTimer(): void {
    this.timer = this.clock.after(this.limits.tickMs, () => {
      this.tick()
      this.timer = null
      if (this.connections.size > 0) this.armTimer()
    })
  }

  private tick(): void {
    const nowMs = this.clock.monotonicMs()
    this.flushComes = true
    for (const connection of this.connections) {
      connection.observeOutput(nowMs)
      connection.requests.expire(nowMs, connection.remoteAddress)
      this.inbound.sweep(connection, nowMs)
      const reason = connection.open ? this.overdue(connection, nowMs) : null
      if (reason !== null) {
        this.log.warn('connection_closed', { reason, peer: connection.remoteAddress })
        connection.abort(reason)
      }
      this.account(connection)
    }
    this.flushAll()
  }

  /** Why a connection has outlived its welcome, null when it has not. */
  private overdue(connection: Connection, nowMs: number): string | null {
    const { input, openedMs } = connection
    const { frameAssemblyMs, idleMs, outputStalledMs } = this.limits
    if (!connection.established) {
      return nowMs - openedMs > this.options.connectTimeoutMs ? 'connect_timeout' : null
    }
    if (nowMs - connection.takesMs > outputStalledMs && connection.pendingOutput > 0) {
      return 'output_stalled'
    }
    if (nowMs - Math.max(connection.receivedMs, connection.sentMs) > idleMs) return 'idle'
    // What we do not read cannot become whole. (But a paused giant frame must not hold everybody's memory.)
    if ((connection.pauses & ~Pause.TOTAL) !== 0) {
      if (input.partialSinceMs >= 0) input.partialSinceMs = nowMs
      return null
    }
    if (input.frames === 0 && nowMs - openedMs > this.options.firstFrameMs) return 'no_first_frame'
    const partial = input.partialSinceMs >= 0 && nowMs - input.partialSinceMs > frameAssemblyMs
    return partial ? 'frame_incomplete' : null
  }

  /** Stops reading the connection that holds the most. At most once a millisecond: it looks at all of them. */
  /** Those above the average are the cause; the others may go on. */
  private pauseBiggest(): void {
    const nowMs = Math.floor(this.clock.monotonicMs())
    if (nowMs === this.searchedMs) return
    this.searchedMs = nowMs
    const average = this.inFlightBytes / this.connections.size
    let paused = 0
    for (const connection of this.connections) {
      if (!connection.open || (connection.pauses & Pause.TOTAL) !== 0) continue
      if (connection.countedBytes < average) continue
      this.pausedForTotal.add(connection)
      connection.pause(Pause.TOTAL)
      paused++
    }
    const total = this.inFlightBytes
    if (paused > 0) this.log.warn('connections_paused', { reason: 'total', paused, total })
  }

  private resumePaused(): void {
    if (this.inFlightBytes > this.limits.inFlightBytesMax * RESUME_PART) return
    for (const connection of this.pausedForTotal) {
      this.pausedForTotal.delete(connection)
      connection.resume(Pause.TOTAL)
    }
  }
}
