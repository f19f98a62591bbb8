import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ApogeeError } from '@apogee/base'
import type { Logger } from '@apogee/remoting'

// An import of node:http names all its exports, and one of them loads a whole HTTP client (30 ms, 10 MB).
const { createServer } = process.getBuiltinModule('node:http')

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

  /** The real port, once it listens. */
  get port(): number {
    return (this.server.address() as AddressInfo).port
  }

  /** Rejects with HTTP_BIND_FAILED. */
  start(): Promise<void> {
    const { host, port } = this.options
    return new Promise((resolve, reject) => {
      const failed = (cause: Error): void => {
        const text = `cannot listen on ${host}:${port}: ${cause.message}`
        reject(new ApogeeError('HTTP_BIND_FAILED', text, { cause }))
      }
      this.server.once('error', failed)
      this.server.listen(port, host, () => {
        this.server.off('error', failed)
        resolve()
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
    send(response, 404, 'not found; try /livez, /readyz, /healthz, /metrics\n')
  }
}

/**
 * Starts it. A port that nobody asked for must not stop a start: when it is taken, any free one serves. Rejects with
 * HTTP_BIND_FAILED.
 */
export async function startAdminHttp(
  options: AdminHttpOptions,
  sources: AdminHttpSources,
  isPortAsked: boolean,
  log: Logger,
): Promise<AdminHttp> {
  const http = new AdminHttp(options, sources)
  try {
    await http.start()
    return http
  } catch (error) {
    if (isPortAsked) throw error
    const { host, port } = options
    log.warn({ event: 'http_port_taken', port }, `port ${port} is taken: probes are on another one`)
    const other = new AdminHttp({ host, port: 0 }, sources)
    await other.start()
    return other
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
