import { assert, isMalformed } from '@apogee/base'
import type { Net, Socket } from '@apogee/env'
import { type ExtFields, Frame, FrameScanner } from '@apogee/protocol'

/** What came back over the wire. */
export interface RawResponse {
  code: number
  opaque: number
  fields: ExtFields
  body: Buffer
}

/** For tests: sends bytes as they are, and reads frames. */
export class RawClient {
  private readonly socket: Socket
  private readonly scanner = new FrameScanner()
  private readonly frame = new Frame()
  private readonly arrived: RawResponse[] = []
  private waiting: ((response: RawResponse) => void) | null = null

  constructor(net: Net, host: string, port: number) {
    this.socket = net.connect({ host, port })
    this.socket.events = {
      data: (bytes) => this.read(bytes),
      drained() {},
      closed() {},
    }
  }

  /** Sends one request and gives the next response. */
  ask(frame: Buffer): Promise<RawResponse> {
    this.socket.write(frame)
    const next = this.arrived.shift()
    if (next !== undefined) return Promise.resolve(next)
    return new Promise((resolve) => {
      this.waiting = resolve
    })
  }

  /** As when the process of the peer is killed. */
  destroy(): void {
    this.socket.destroy()
  }

  private read(bytes: Buffer): void {
    this.scanner.push(bytes)
    for (;;) {
      const found = this.scanner.next(this.frame)
      assert(!isMalformed(found), 'broken stream', found)
      if (!found) return
      const fields = this.frame.fields()
      assert(!isMalformed(fields), 'broken fields', fields)
      const { code, opaque } = this.frame
      const response = { code, opaque, fields, body: Buffer.from(this.frame.body()) }
      const resolve = this.waiting
      this.waiting = null
      if (resolve === null) this.arrived.push(response)
      else resolve(response)
    }
  }
}
