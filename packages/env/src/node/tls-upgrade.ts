import type { Socket as StreamSocket } from 'node:net'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import { NetFailure } from '../net-failure.ts'
import type { TlsIdentity } from '../ports.ts'
import type { NodeSocket } from './net-socket.ts'

/** The first byte of a TLS record that carries a handshake. No RocketMQ frame starts so: it would be over 352 MiB long. */
export const TLS_HANDSHAKE = 0x16

/** Handshakes that run at once, over all listeners of a NodeNet. */
export class HandshakeGate {
  private readonly max: number
  private running = 0

  constructor(max: number) {
    this.max = max
  }

  enter(): boolean {
    if (this.running >= this.max) return false
    this.running++
    return true
  }

  leave(): void {
    this.running--
  }
}

/**
 * Turns accepted sockets of one listener into TLS ones. Node's own TLS server does the work (client certificates,
 * timeout, tickets) without listening: sockets are handed to it. It is made anew when the identity object changes.
 */
export class TlsUpgrade {
  private readonly gate: HandshakeGate
  private readonly handshakeTimeoutMs: number
  private identity: TlsIdentity | null = null
  private server: Server | null = null
  /** Sockets in their handshake, by address: the server hands out a TLSSocket that does not name what it wraps. */
  private readonly pending = new Map<string, NodeSocket>()

  constructor(gate: HandshakeGate, handshakeTimeoutMs: number) {
    this.gate = gate
    this.handshakeTimeoutMs = handshakeTimeoutMs
  }

  /** `transport` holds the first bytes, unread. */
  upgrade(transport: StreamSocket, socket: NodeSocket, identity: TlsIdentity): void {
    if (!this.gate.enter()) {
      socket.destroy(new NetFailure('EBUSY', 'too many TLS handshakes at once'))
      return
    }
    const key = addressOf(transport)
    const settled = (): void => {
      if (this.pending.delete(key)) this.gate.leave()
    }
    this.pending.set(key, socket)
    transport.once('close', settled)
    try {
      const server = this.serverFor(identity)
      socket.startHandshake()
      server.emit('connection', transport)
    } catch (error) {
      // A broken key or certificate: this client is refused, and the next one meets whatever is configured then.
      settled()
      socket.destroy(error instanceof Error ? error : new Error(String(error)))
    }
  }

  private serverFor(identity: TlsIdentity): Server {
    if (this.server !== null && this.identity === identity) return this.server
    const wanted = identity.requireClientCert === true
    const server = createServer({
      key: toBuffer(identity.key),
      cert: toBuffer(identity.cert),
      ...(identity.ca === undefined ? {} : { ca: toBuffer(identity.ca) }),
      requestCert: wanted,
      rejectUnauthorized: wanted,
      handshakeTimeout: this.handshakeTimeoutMs,
    })
    server.on('secureConnection', (stream) => this.secured(stream))
    server.on('tlsClientError', (error, stream) => this.refused(error, stream))
    this.server = server
    this.identity = identity
    return server
  }

  private secured(stream: TLSSocket): void {
    const socket = this.take(stream)
    if (socket === undefined) stream.destroy()
    else socket.openTls(stream)
  }

  private refused(error: Error, stream: TLSSocket): void {
    const socket = this.pending.get(addressOf(stream))
    socket?.fail(error)
    socket?.destroy()
  }

  private take(stream: TLSSocket): NodeSocket | undefined {
    const key = addressOf(stream)
    const socket = this.pending.get(key)
    if (this.pending.delete(key)) this.gate.leave()
    return socket
  }
}

function addressOf(stream: StreamSocket): string {
  return `${stream.remoteAddress} ${stream.remotePort} ${stream.localAddress} ${stream.localPort}`
}

function toBuffer(pem: string | Uint8Array): string | Buffer {
  return typeof pem === 'string' ? pem : Buffer.from(pem)
}
