// A TCP proxy that hands every frame of both directions to a listener, and otherwise changes nothing.
import { connect, createServer, type Server, type Socket } from 'node:net'
import { type Frame, FrameSplitter, flagResponse } from './frames.ts'

export interface RecordedFrame {
  frame: Frame
  /** Who sent it, as seen from the proxy. */
  from: 'client' | 'server'
  kind: 'request' | 'response'
  /** The request's code; of a response, that of the request it answers. */
  requestCode: number
}

export interface ProxyOptions {
  listenHost: string
  port: number
  targetHost: string
  targetPort: number
  onFrame: (recorded: RecordedFrame) => void
}

export class RecordingProxy {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(options: ProxyOptions) {
    this.#server = createServer({ noDelay: true }, (client) => this.#accept(client, options))
  }

  static async start(options: ProxyOptions): Promise<RecordingProxy> {
    const proxy = new RecordingProxy(options)
    await new Promise<void>((resolve, reject) => {
      proxy.#server.once('error', reject)
      proxy.#server.listen(options.port, options.listenHost, resolve)
    })
    return proxy
  }

  #accept(client: Socket, options: ProxyOptions): void {
    const server = connect({ host: options.targetHost, port: options.targetPort, noDelay: true })
    const asked = { client: new Map<number, number>(), server: new Map<number, number>() }
    const pump = (from: 'client' | 'server', source: Socket, target: Socket): void => {
      const splitter = new FrameSplitter()
      this.#sockets.add(source)
      source.on('data', (chunk: Buffer) => {
        for (const frame of splitter.push(chunk)) {
          options.onFrame(classify(from, frame, asked))
        }
        target.write(chunk)
      })
      source.on('error', () => target.destroy())
      source.on('close', () => {
        this.#sockets.delete(source)
        target.destroy()
      })
    }
    pump('client', client, server)
    pump('server', server, client)
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve())
    })
  }
}

function classify(
  from: 'client' | 'server',
  frame: Frame,
  asked: { client: Map<number, number>; server: Map<number, number> },
): RecordedFrame {
  if ((frame.flag & flagResponse) === 0) {
    asked[from].set(frame.opaque, frame.code)
    return { frame, from, kind: 'request', requestCode: frame.code }
  }
  const requests = from === 'client' ? asked.server : asked.client
  const requestCode = requests.get(frame.opaque) ?? -1
  return { frame, from, kind: 'response', requestCode }
}
