import { isMalformed, type LimitedLog, RingQueue } from '@apogee/base'
import type { Clock } from '@apogee/env'
import { Frame } from '@apogee/protocol'
import type { Connection } from './connection.ts'
import { type ConnectionHost, Pause } from './connection-host.ts'
import type { Dispatcher } from './dispatcher.ts'

/** Hot frames between two looks at the clock. */
const FRAMES_PER_LOOK = 32

/** The queue is served for this many slices, then the event loop has its turn: other sockets, disk. */
const SLICES_PER_TURN = 4

/**
 * Takes frames out of connections and hands them to the dispatcher. What a connection sends is handled as it comes, up to a
 * slice of time; what is left waits, and waiting connections are served in turn. So one that floods gets a share, and one
 * that sends little does not notice. A request that waited longer than its lane allows is refused (Java:
 * BrokerFastFailure).
 */
export class Inbound {
  private readonly host: ConnectionHost
  private readonly clock: Clock
  private readonly dispatcher: Dispatcher
  private readonly log: LimitedLog
  private readonly frame = new Frame()
  /** Nothing younger than this is refused, in whatever lane. */
  private readonly ageLimitMinMs: number
  private readonly waiting = new RingQueue<Connection>()
  private turnComes = false
  private running = false
  private readonly takeTurn: () => void

  /** `turnDone` is called after each turn of the queue. */
  constructor(host: ConnectionHost, dispatcher: Dispatcher, log: LimitedLog, turnDone: () => void) {
    this.host = host
    this.clock = host.clock
    this.dispatcher = dispatcher
    this.log = log
    this.ageLimitMinMs = Math.min(...Object.values(host.limits.laneAgeLimitMs))
    this.takeTurn = () => {
      this.serveWaiting()
      turnDone()
    }
  }

  /** `lent`: the bytes are gone when this returns; what is not handled by then is copied. */
  receive(connection: Connection, bytes: Buffer, lent: boolean): void {
    if (!connection.open) return
    const nowMs = this.clock.monotonicMs()
    const { input } = connection
    connection.receivedMs = nowMs
    // Bytes that wait go first, even when what they waited for is over and nobody has noticed yet.
    const waits = input.queued || input.backlogBytes > 0
    if (waits || this.running || !connection.handles) {
      input.wait(lent ? Buffer.from(bytes) : bytes, nowMs)
      if (input.backlogBytes > this.host.limits.inputPauseBytes) connection.pause(Pause.INPUT)
      if (connection.handles) this.enqueue(connection)
      this.host.account(connection)
      return
    }
    input.push(bytes, nowMs)
    this.run(connection, nowMs)
    if (lent) input.keep()
  }

  /** The connection may have frames that wait. */
  enqueue(connection: Connection): void {
    if (connection.input.queued) return
    connection.input.queued = true
    this.waiting.push(connection)
    if (this.turnComes) return
    this.turnComes = true
    this.clock.soon(this.takeTurn)
  }

  get size(): number {
    return this.waiting.size
  }

  /**
   * Refuses what has waited too long on a connection that may not go on because its earlier requests are unanswered:
   * their callers should hear of it before they time out.
   */
  sweep(connection: Connection, nowMs: number): void {
    if (connection.pauses & Pause.OUTPUT || (connection.pauses & Pause.UNANSWERED) === 0) return
    while (connection.open && this.sweepOne(connection, nowMs)) {}
    this.easeInput(connection)
  }

  private sweepOne(connection: Connection, nowMs: number): boolean {
    const { input } = connection
    let frame = input.held
    if (frame === null) {
      if (input.bytes === 0) return false
      frame = new Frame()
      if (!this.next(connection, frame)) return false
    }
    const ageMs = nowMs - input.arrivedMs
    const limitMs = this.dispatcher.ageLimitMs(frame)
    if (ageMs <= limitMs) {
      input.held = frame
      return false
    }
    input.held = null
    this.dispatcher.shed(frame, connection, ageMs, limitMs)
    return true
  }

  private serveWaiting(): void {
    this.turnComes = false
    const startMs = this.clock.monotonicMs()
    const untilMs = startMs + this.host.limits.sliceMs * SLICES_PER_TURN
    let nowMs = startMs
    for (let count = this.waiting.size; count > 0 && nowMs <= untilMs; count--) {
      const connection = this.waiting.shift()!
      connection.input.queued = false
      this.run(connection, nowMs)
      nowMs = this.clock.monotonicMs()
    }
    if (this.waiting.size > 0 && !this.turnComes) {
      this.turnComes = true
      this.clock.soon(this.takeTurn)
    }
  }

  /** Handles frames of one connection for a slice of time. */
  private run(connection: Connection, startMs: number): void {
    const { input } = connection
    const { sliceMs } = this.host.limits
    let nowMs = startMs
    let credit = FRAMES_PER_LOOK
    this.running = true
    try {
      while (connection.handles) {
        const held = input.held
        let frame = this.frame
        if (held !== null) {
          frame = held
          input.held = null
        } else if (!this.next(connection, frame)) break
        credit -= this.handle(frame, connection, nowMs)
        if (credit > 0) continue
        credit = FRAMES_PER_LOOK
        nowMs = this.clock.monotonicMs()
        if (nowMs - startMs < sliceMs) continue
        this.enqueue(connection)
        break
      }
    } finally {
      this.running = false
      this.frame.release()
    }
    if (!connection.open) input.clear()
    this.easeInput(connection)
    this.host.account(connection)
  }

  /** Reads on once enough of what waited is gone. */
  private easeInput(connection: Connection): void {
    if ((connection.pauses & Pause.INPUT) === 0) return
    const { inputPauseBytes } = this.host.limits
    if (connection.input.backlogBytes <= inputPauseBytes / 2) connection.resume(Pause.INPUT)
  }

  private handle(frame: Frame, connection: Connection, nowMs: number): number {
    const ageMs = nowMs - connection.input.arrivedMs
    if (ageMs > this.ageLimitMinMs) {
      const limitMs = this.dispatcher.ageLimitMs(frame)
      if (ageMs > limitMs) {
        this.dispatcher.shed(frame, connection, ageMs, limitMs)
        return 1
      }
    }
    return this.dispatcher.dispatch(frame, connection)
  }

  /** Reads the next whole frame; false when there is none, or the connection has been closed for its bytes. */
  private next(connection: Connection, frame: Frame): boolean {
    const { input } = connection
    while (true) {
      const found = input.scanner.next(frame)
      if (found === true) {
        input.frames++
        input.partialSinceMs = -1
        return true
      }
      if (isMalformed(found)) {
        const { code, detail } = found
        this.log.warn('frame_malformed', { peer: connection.remoteAddress, code, detail })
        connection.flush()
        connection.abort('frame_malformed')
        return false
      }
      if (!input.advance()) {
        if (input.partialSinceMs < 0 && input.scanner.buffered > 0) {
          input.partialSinceMs = input.arrivedMs
        }
        return false
      }
    }
  }
}
