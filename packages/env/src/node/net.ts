import {
  connect as connectTcp,
  createServer,
  type Server,
  type Socket as StreamSocket,
} from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import { NetFailure } from '../net-failure.ts'
import type { ConnectOptions, Listener, ListenOptions, Net, Socket } from '../ports.ts'
import { LentReads } from './lent-reads.ts'
import { NodeSocket, type NodeSocketOptions } from './net-socket.ts'
import { HandshakeGate, TLS_HANDSHAKE, TlsUpgrade } from './tls-upgrade.ts'

export interface NodeNetOptions {
  /** Bytes waiting in a socket at which `write` returns false. Default 1 MiB. */
  highWaterMark?: number
  /** TLS handshakes of accepted sockets that may run at once; more are closed with EBUSY. Default 200. */
  tlsHandshakesMax?: number
  /** How long after `end` the peer may take to close too, before the socket is destroyed. Default 10,000. */
  lingerMs?: number
  /** An accept that failed (too many open files, say). The listener goes on. */
  acceptFailed?: (error: Error) => void
}

const TLS_HANDSHAKE_TIMEOUT_MS = 10_000
const CONNECT_TIMEOUT_MS = 3_000
const BACKLOG = 1024

/** TCP and TLS of this machine. */
export class NodeNet implements Net {
  private readonly socketOptions: NodeSocketOptions
  private readonly gate: HandshakeGate
  private readonly acceptFailed: (error: Error) => void
  private readonly reads = new LentReads()

  constructor(options: NodeNetOptions = {}) {
    this.socketOptions = {
      highWaterMark: options.highWaterMark ?? 1024 * 1024,
      lingerMs: options.lingerMs ?? 10_000,
    }
    this.gate = new HandshakeGate(options.tlsHandshakesMax ?? 200)
    this.acceptFailed = options.acceptFailed ?? (() => {})
  }

  listen(
    options: ListenOptions,
    accept: (socket: Socket) => void,
    ready: (error: Error | null, port: number) => void,
  ): Listener {
    const server = createServer({ noDelay: true })
    const listener = new NodeListener(server)
    const tls = options.tls
    if (tls === undefined) {
      server.on('connection', (transport) => {
        const socket = new NodeSocket(transport, this.socketOptions)
        accept(socket)
        socket.openPlain(this.reads)
      })
    } else {
      const timeoutMs = options.tlsHandshakeTimeoutMs ?? TLS_HANDSHAKE_TIMEOUT_MS
      const upgrade = new TlsUpgrade(this.gate, timeoutMs)
      server.on('connection', (transport) => {
        const socket = new NodeSocket(transport, this.socketOptions)
        accept(socket)
        byFirstByte(transport, socket, upgrade, tls, this.reads)
      })
    }
    const failed = (error: Error): void => ready(error, 0)
    server.once('error', failed)
    const { host, port, backlog = BACKLOG } = options
    server.listen({ host, port, backlog, exclusive: true }, () => {
      server.off('error', failed)
      if (listener.closed) {
        server.close()
        ready(new NetFailure('ECANCELED', 'closed before it listened'), 0)
        return
      }
      server.on('error', this.acceptFailed)
      const address = server.address()
      listener.port = typeof address === 'object' && address !== null ? address.port : 0
      ready(null, listener.port)
    })
    return listener
  }

  connect(options: ConnectOptions): Socket {
    const { host, port, tls } = options
    const stream =
      tls === undefined
        ? connectTcp({ host, port, noDelay: true })
        : connectTls({ host, port, ...tlsOptions(tls) })
    stream.setNoDelay(true)
    const socket = new NodeSocket(stream, this.socketOptions)
    const timeoutMs = options.timeoutMs ?? CONNECT_TIMEOUT_MS
    const timer = setTimeout(() => {
      const where = `${host}:${port}`
      socket.destroy(new NetFailure('ETIMEDOUT', `no connection to ${where} in ${timeoutMs} ms`))
    }, timeoutMs).unref()
    stream.once('close', () => clearTimeout(timer))
    stream.once(tls === undefined ? 'connect' : 'secureConnect', () => {
      clearTimeout(timer)
      socket.readAddresses()
      if (tls === undefined) socket.openPlain()
      else socket.openTls(stream)
      socket.events.connected?.()
    })
    return socket
  }
}

class NodeListener implements Listener {
  port = 0
  closed = false
  private readonly server: Server

  constructor(server: Server) {
    this.server = server
  }

  close(done?: () => void): void {
    this.closed = true
    // The server's own callback waits for every open socket; the port is free as soon as this returns.
    if (this.server.listening) this.server.close()
    if (done !== undefined) setImmediate(done)
  }
}

/** Decides by the first byte of an accepted socket; later chunks come straight from the stream. */
function byFirstByte(
  transport: StreamSocket,
  socket: NodeSocket,
  upgrade: TlsUpgrade,
  tls: NonNullable<ListenOptions['tls']>,
  reads: LentReads,
): void {
  transport.once('data', (first: Buffer) => {
    const identity = first[0] === TLS_HANDSHAKE ? tls() : null
    if (identity === null) {
      socket.openPlain(reads)
      socket.events.data(first)
    } else {
      transport.pause()
      transport.unshift(first)
      upgrade.upgrade(transport, socket, identity)
    }
  })
}

function tlsOptions(tls: NonNullable<ConnectOptions['tls']>): ConnectionOptions {
  const options: ConnectionOptions = {}
  for (const name of ['ca', 'cert', 'key'] as const) {
    const value = tls[name]
    if (value !== undefined) options[name] = typeof value === 'string' ? value : Buffer.from(value)
  }
  if (tls.rejectUnauthorized !== undefined) options.rejectUnauthorized = tls.rejectUnauthorized
  if (tls.servername !== undefined) options.servername = tls.servername
  return options
}
