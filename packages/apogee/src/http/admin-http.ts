import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface AdminHttpOptions {
  host: string
  port: number
}

export interface AdminHttpSources {
  /** `null` when ready, or why not. */
  notReady(): string | null
  /** The Prometheus text. */
  metrics(): string
}

/** Longest time a client may take for its request, and most connections: probes and scrapers are few and quick. */
const REQUEST_TIMEOUT_MS = 10_000
const CONNECTIONS_MAX = 64

/** Probes and metrics: GET /livez, /readyz, /healthz, /metrics. Nothing here changes anything. */
export class AdminHttp {
  private readonly server: Server
  private readonly options: AdminHttpOptions
  private readonly sources: AdminHttpSources

  constructor(options: AdminHttpOptions, sources: AdminHttpSources) {
    this.options = options
    this.sources = sources
    this.server = createServer((request, response) => this.answer(request, response))
    this.server.requestTimeout = REQUEST_TIMEOUT_MS
    this.server.headersTimeout = REQUEST_TIMEOUT_MS
    this.server.maxConnections = CONNECTIONS_MAX
    this.server.unref()
  }

  /** Resolves with the real port; rejects with the bind error. */
  start(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject)
      this.server.listen(this.options.port, this.options.host, () => {
        this.server.off('error', reject)
        resolve((this.server.address() as AddressInfo).port)
      })
    })
  }

  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.server.close(() => resolve())
      this.server.closeAllConnections()
    })
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url?.split('?')[0]
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return send(response, 405, 'only GET\n')
    if (path === '/livez') return send(response, 200, 'ok\n')
    if (path === '/readyz' || path === '/healthz') {
      const reason = this.sources.notReady()
      return reason === null ? send(response, 200, 'ok\n') : send(response, 503, `${reason}\n`)
    }
    if (path === '/metrics')
      return send(response, 200, this.sources.metrics(), 'text/plain; version=0.0.4; charset=utf-8')
    send(response, 404, 'not found; try /livez, /readyz, /metrics\n')
  }
}

function send(
  response: ServerResponse,
  status: number,
  body: string,
  type = 'text/plain; charset=utf-8',
): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) })
  response.end(body)
}
