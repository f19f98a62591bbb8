import type { Socket as StreamSocket } from 'node:net'
import type { Socket, SocketEvents } from '../ports.ts'
import type { LentReads } from './lent-reads.ts'

const NO_EVENTS: SocketEvents = { data() {}, drained() {}, closed() {} }

export interface NodeSocketOptions {
  /** `write` returns false once this much waits. */
  highWaterMark: number
  /** How long after `end` the peer may take to close its side too. */
  lingerMs: number
}

interface HeldWrite {
  bytes: Uint8Array
  sent: (() => void) | undefined
}

/**
 * A TCP or TLS stream behind the Socket port. `transport` is the TCP socket, `stream` what carries the bytes: the same
 * for plain text, the TLSSocket around it after a handshake, `null` while the handshake of an accepted socket runs.
 */
export class NodeSocket implements Socket {
  events: SocketEvents = NO_EVENTS
  remoteAddress = ''
  remotePort = 0
  localAddress = ''
  localPort = 0
  encrypted = false
  private transport: StreamSocket
  private readonly options: NodeSocketOptions
  private stream: StreamSocket | null
  /** Writes made while the handshake runs, their bytes counted. */
  private held: HeldWrite[] = []
  private heldBytes = 0
  private paused = false
  private ended = false
  private gone = false
  /** `write` has returned false and `drained` is owed. */
  private blocked = false
  private failure: Error | null = null
  private linger: NodeJS.Timeout | undefined

  constructor(transport: StreamSocket, options: NodeSocketOptions) {
    this.transport = transport
    this.stream = transport
    this.options = options
    this.readAddresses()
    this.watch(transport)
  }

  /** What is not yet with the kernel. */
  get pendingBytes(): number {
    return this.stream === null ? this.heldBytes : this.stream.writableLength
  }

  write(bytes: Uint8Array, sent?: () => void): boolean {
    if (this.ended || this.gone) {
      if (sent !== undefined) setImmediate(sent)
      return true
    }
    if (this.stream === null) {
      this.held.push({ bytes, sent })
      this.heldBytes += bytes.length
    } else {
      this.stream.write(bytes, sent)
    }
    if (this.pendingBytes < this.options.highWaterMark) return true
    // Node counts from a lower mark of its own; without it there would be no 'drain' to wait for.
    if (this.stream !== null && !this.stream.writableNeedDrain) return true
    this.blocked = true
    return false
  }

  pause(): void {
    this.paused = true
    this.stream?.pause()
  }

  resume(): void {
    this.paused = false
    this.stream?.resume()
  }

  end(): void {
    if (this.ended || this.gone) return
    this.ended = true
    this.stream?.end()
    // A peer that never closes its side would hold the descriptor for ever.
    this.linger = setTimeout(() => this.destroy(), this.options.lingerMs).unref()
  }

  destroy(error?: Error): void {
    if (error !== undefined) this.failure ??= error
    if (this.stream === null) this.transport.destroy()
    else this.stream.destroy()
  }

  /** Node tells the addresses only while connected. */
  readAddresses(): void {
    this.remoteAddress = plainAddress(this.transport.remoteAddress)
    this.remotePort = this.transport.remotePort ?? 0
    this.localAddress = plainAddress(this.transport.localAddress)
    this.localPort = this.transport.localPort ?? 0
  }

  /** Reads and writes the transport as it is; by lent buffers where the owner takes them. */
  openPlain(reads?: LentReads): void {
    if (reads !== undefined && this.events.lent !== undefined && !this.gone && !this.ended) {
      const adopted = reads.adopt(this.transport, (bytes) => this.events.lent!(bytes))
      if (adopted !== null) {
        this.transport = adopted
        this.watch(adopted)
      }
    }
    this.open(this.transport)
  }

  /** Takes the bytes off the transport until `openTls`. */
  startHandshake(): void {
    this.stream = null
  }

  openTls(stream: StreamSocket): void {
    this.encrypted = true
    if (stream !== this.transport) {
      stream.on('error', (error) => this.fail(error))
      stream.on('close', () => this.finish())
    }
    this.open(stream)
  }

  fail(error: Error): void {
    this.failure ??= error
  }

  private watch(transport: StreamSocket): void {
    transport.on('error', (error) => {
      if (transport === this.transport) this.fail(error)
    })
    transport.on('close', () => {
      if (transport === this.transport) this.transportClosed()
    })
  }

  private open(stream: StreamSocket): void {
    this.stream = stream
    stream.on('data', (bytes) => this.events.data(bytes as Buffer))
    stream.on('drain', () => this.drained())
    if (this.paused) stream.pause()
    for (const { bytes, sent } of this.held) stream.write(bytes, sent)
    if (this.ended) stream.end()
    const owed = this.held.length > 0
    this.held = []
    this.heldBytes = 0
    if (owed && stream.writableLength === 0) this.drained()
  }

  private drained(): void {
    if (!this.blocked) return
    this.blocked = false
    this.events.drained()
  }

  /** Under TLS the transport closes first, but only the TLSSocket knows why. */
  private transportClosed(): void {
    if (this.stream === null || this.stream === this.transport) this.finish()
  }

  private finish(): void {
    if (this.gone) return
    this.gone = true
    clearTimeout(this.linger)
    for (const { sent } of this.held) sent?.()
    this.held = []
    this.heldBytes = 0
    this.events.closed(this.failure)
  }
}

/** An IPv4 peer of an IPv6 socket is shown as what it is. */
function plainAddress(address: string | undefined): string {
  if (address === undefined) return ''
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
}
