import { type SocketConstructorOpts, Socket as StreamSocket } from 'node:net'

/** Largest single read. The kernel's own receive buffers are of this order. */
const READ_SIZE = 256 * 1024

/** What net.Socket takes and its types do not name: cluster and http2 use it too. */
interface HandleOwner {
  _handle: { readStop(): number; reading: boolean } | null
}

/** One buffer that all sockets of a loop read into: a read is handled before the next one happens. */
export class LentReads {
  private readonly buffer = Buffer.allocUnsafeSlow(READ_SIZE)

  /**
   * A socket in place of `accepted` that hands out its reads by `lent`. Null when this Node has no such handle; then
   * `accepted` is as it was. Node offers shared read buffers (`onread`) to sockets that connect, not to accepted ones, so
   * the connection moves to a socket that is made with one.
   */
  adopt(accepted: StreamSocket, lent: (bytes: Buffer) => void): StreamSocket | null {
    const owner = accepted as unknown as HandleOwner
    const handle = owner._handle
    if (handle === null || typeof handle?.readStop !== 'function') return null
    handle.readStop()
    handle.reading = false
    owner._handle = null
    const options = {
      handle,
      readable: true,
      writable: true,
      allowHalfOpen: false,
      onread: {
        buffer: this.buffer,
        callback: (size: number): boolean => {
          lent(this.buffer.subarray(0, size))
          return true
        },
      },
    }
    const socket = new StreamSocket(options as unknown as SocketConstructorOpts)
    socket.setNoDelay(true)
    return socket
  }
}
