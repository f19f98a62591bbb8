import type { Env, Timer } from '@apogee/env'
import type { ClientRequest, Connection } from '@apogee/remoting'
import type { ClientLogger } from '../api/options.ts'
import type { RemoteCalls } from './remote-calls.ts'

/** Connections are looked at this often, or five times per idle time, whichever is more often. */
const TICK_MAX_MS = 1_000

export interface LivenessOptions {
  /** A connection that brought nothing for this long is asked for a sign of life. */
  idleMs: number
  /** One that brings none within this is cut. */
  timeoutMs: number
}

export interface LivenessDeps {
  env: Pick<Env, 'clock'>
  log: ClientLogger
  remote: RemoteCalls
  /** A request that costs this server next to nothing, and changes nothing. */
  ping(address: string): ClientRequest
  /** Servers that a connection is wanted to, whether there is one or not. */
  wanted(): readonly string[]
}

/**
 * Finds half-open connections: the peer's machine is gone, or a firewall has forgotten the stream, and TCP would
 * notice only minutes later. What waits on a connection that is cut fails at once, and the next request connects
 * anew.
 */
export class Liveness {
  private readonly options: LivenessOptions
  private readonly deps: LivenessDeps
  /** When each connection that is asked was asked. */
  private readonly asked = new Map<Connection, number>()
  private timer: Timer | null = null

  constructor(options: LivenessOptions, deps: LivenessDeps) {
    this.options = options
    this.deps = deps
    this.arm()
  }

  close(): void {
    this.timer?.cancel()
    this.timer = null
    this.asked.clear()
  }

  private arm(): void {
    const tickMs = Math.min(TICK_MAX_MS, this.options.idleMs / 5)
    this.timer = this.deps.env.clock.after(tickMs, () => {
      this.arm()
      this.look()
    })
  }

  private look(): void {
    const nowMs = this.deps.env.clock.monotonicMs()
    for (const connection of this.deps.remote.client.connections) {
      if (!connection.open || !connection.established) continue
      const askedMs = this.asked.get(connection)
      if (askedMs === undefined) {
        if (nowMs - connection.receivedMs >= this.options.idleMs) this.ask(connection, nowMs)
      } else if (connection.receivedMs >= askedMs) this.asked.delete(connection)
      // A process that stood still finds its timers due before what the sockets hold: one more turn shows which it was.
      else if (nowMs - askedMs >= this.options.timeoutMs) {
        this.deps.env.clock.soon(() => this.decide(connection, askedMs))
      }
    }
    this.reconnect()
    for (const connection of this.asked.keys()) if (!connection.open) this.asked.delete(connection)
  }

  /** Nobody sends to a broker that is down while there are others; whether it is back has to be tried. */
  private reconnect(): void {
    const { remote } = this.deps
    if (remote.hasDown)
      for (const address of this.deps.wanted()) if (remote.isDown(address)) remote.open(address)
  }

  private ask(connection: Connection, nowMs: number): void {
    this.asked.set(connection, nowMs)
    const { code, fields = null, body = null } = this.deps.ping(connection.name)
    const signed = this.deps.remote.fieldsOf(fields, body)
    // What counts is that something came, which `receivedMs` says; also a refusal is a sign of life.
    connection.request(code, signed, body, this.options.timeoutMs, () => {})
  }

  private decide(connection: Connection, askedMs: number): void {
    if (this.asked.get(connection) !== askedMs) return
    this.asked.delete(connection)
    if (!connection.open || connection.receivedMs >= askedMs) return
    const quietMs = Math.round(this.deps.env.clock.monotonicMs() - connection.receivedMs)
    this.deps.log.warn({ event: 'connection_half_open', address: connection.name, quietMs })
    connection.abort('no_sign_of_life')
  }
}
