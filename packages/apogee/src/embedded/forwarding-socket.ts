import type { Socket, SocketEvents } from '@apogee/env'

const NO_EVENTS: SocketEvents = { data() {}, drained() {}, closed() {} }

/** A socket around another that hands everything on, both ways; who extends it changes what is to be different. */
export class ForwardingSocket implements Socket {
  events: SocketEvents = NO_EVENTS
  protected readonly inner: Socket

  constructor(inner: Socket) {
    this.inner = inner
    inner.events = {
      connected: () => this.connected(),
      data: (bytes) => this.came(bytes, false),
      lent: (bytes) => this.came(bytes, true),
      drained: () => this.drained(),
      closed: (error) => this.closed(error),
    }
  }

  get remoteAddress(): string {
    return this.inner.remoteAddress
  }

  get remotePort(): number {
    return this.inner.remotePort
  }

  get localAddress(): string {
    return this.inner.localAddress
  }

  get localPort(): number {
    return this.inner.localPort
  }

  get encrypted(): boolean {
    return this.inner.encrypted
  }

  get pendingBytes(): number {
    return this.inner.pendingBytes
  }

  write(bytes: Uint8Array, sent?: () => void): boolean {
    return this.inner.write(bytes, sent)
  }

  pause(): void {
    this.inner.pause()
  }

  resume(): void {
    this.inner.resume()
  }

  end(): void {
    this.inner.end()
  }

  destroy(error?: Error): void {
    this.inner.destroy(error)
  }

  protected connected(): void {
    this.events.connected?.()
  }

  /** `isLent`: the bytes are gone when this returns. */
  protected came(bytes: Buffer, isLent: boolean): void {
    this.deliver(bytes, isLent)
  }

  protected drained(): void {
    this.events.drained()
  }

  protected closed(error: Error | null): void {
    this.events.closed(error)
  }

  /** Gives the owner bytes; a copy of lent ones when it takes none. */
  protected deliver(bytes: Buffer, isLent: boolean): void {
    if (!isLent) this.events.data(bytes)
    else if (this.events.lent === undefined) this.events.data(Buffer.from(bytes))
    else this.events.lent(bytes)
  }
}
