import { createRequire } from 'node:module'
import type { Env } from '@apogee/env'
import { nodeEnv } from '@apogee/env/node'
import type { Logger } from 'pino'
import { ExitCode, type ServerOptions } from '../commands/options.ts'
import { formatProblem, isFatal, type PlacedProblem } from '../config/placed-problem.ts'
import type { MetricSample } from '../http/prometheus-text.ts'
import type { TlsPorts } from '../tls/process-tls.ts'
import { announce } from './banner.ts'
import { createLogger } from './logging.ts'
import { type Ports, removePortsFile, writePortsFile } from './ports-file.ts'
import { processSamples } from './process-samples.ts'
import { Shutdown, type Stoppable } from './shutdown.ts'

/** A server that runs in this process. */
export interface Part extends Stoppable {
  addresses: readonly { what: string; address: string }[]
  /** Where it listens: `127.0.0.1`. */
  host: string
  ports: Ports
  store: string | null
  /** `null` when it serves, or why not. */
  notReady(): string | null
  metrics(): Iterable<MetricSample>
  /** Nobody has asked for anything yet. */
  isIdle(): boolean
  /** Sends clients elsewhere, and serves on. */
  leave(): void
}

/** What every part is made with. */
export type PartDeps = TlsPorts & { log: Logger }

const { version } = createRequire(import.meta.url)('../../package.json') as { version: string }
const HTTP = 'http'
/** When a start is over: not while whoever waited for it begins. */
const SETTLE_MS = 2000

/** What every server command does around its parts: log, signals, TLS, probes, banner, ports file. */
export class ServerProcess {
  readonly log: Logger
  readonly env: Env
  readonly shutdown: Shutdown
  private readonly options: ServerOptions
  private readonly defaultHttpPort: number | null
  private readonly parts: Part[] = []
  private starting: Promise<void> | null = null
  private left = false

  private constructor(options: ServerOptions, defaultHttpPort: number | null, log: Logger) {
    this.options = options
    this.defaultHttpPort = defaultHttpPort
    this.log = log
    this.env = nodeEnv()
    this.shutdown = new Shutdown(options.shutdownTimeout * 1000, {
      log,
      // The last one started goes first: a broker leaves before the NameServer that its clients ask.
      parts: () => this.parts.toReversed(),
      started: () => this.starting,
    })
    this.shutdown.onLeave(() => {
      this.left = true
      for (const part of this.parts) part.leave()
    })
    this.shutdown.listen()
  }

  /** `defaultHttpPort`: where probes are when nobody said; null for nowhere. */
  static async create(
    options: ServerOptions,
    defaultHttpPort: number | null = null,
  ): Promise<ServerProcess> {
    if (options.portsFile !== undefined) removePortsFile(options.portsFile)
    const { logFormat: format, logLevel: level } = options
    return new ServerProcess(options, defaultHttpPort, await createLogger({ level, format }))
  }

  /** Logs problems of a configuration; ends the process when it cannot be used. */
  report(problems: readonly PlacedProblem[]): void {
    for (const problem of problems) {
      const place = problem.origin?.name
      const fields = { event: 'config_problem', code: problem.code, key: problem.key, place }
      if (problem.severity === 'error') this.log.error(fields, formatProblem(problem))
      else if (problem.severity === 'warning') this.log.warn(fields, formatProblem(problem))
      else this.log.debug(fields, formatProblem(problem))
    }
    if (!isFatal(problems, this.options.strict)) return
    this.log.error({ event: 'config_invalid' }, 'the configuration cannot be used')
    process.exit(ExitCode.CONFIG)
  }

  /** What parts are made with; `encrypt`: whether connections to NameServers are to be encrypted in any case. */
  async partDeps(encrypt: boolean): Promise<PartDeps> {
    const { env, log, options } = this
    const { hasTlsFlags, tlsSettings } = await import('../tls/tls-settings.ts')
    if (!encrypt && !hasTlsFlags(options)) return { env, log }
    const { tls, problems } = tlsSettings(options)
    this.report(problems)
    const { ProcessTls } = await import('../tls/process-tls.ts')
    const processTls = new ProcessTls(
      { ...tls, clientEnabled: tls.clientEnabled || encrypt },
      env,
      log,
    )
    this.shutdown.onReload(() => processTls.reload())
    return { ...processTls.ports, log }
  }

  /** Probes answer to the end: theirs is the last place. */
  add(part: Part): void {
    if (part.name === HTTP) this.parts.unshift(part)
    else this.parts.push(part)
    if (isLoopback(part.host)) return
    const fields = { event: 'no_access_control', part: part.name, host: part.host }
    this.log.warn(fields, 'whoever reaches this address can read, write and administer everything')
  }

  /** Runs `start`, then tells people and machines that everything serves. Rejects with what `start` rejects with. */
  async run(name: string, start: () => Promise<void>): Promise<void> {
    this.starting = start()
    await this.starting
    if (!this.shutdown.stopping) await this.serving(name)
  }

  private async serving(name: string): Promise<void> {
    const ports: Ports = Object.assign({}, ...this.parts.map((part) => part.ports))
    const addresses = this.parts.flatMap((part) => part.addresses)
    const store = this.parts.find((part) => part.store !== null)?.store ?? null
    const httpPort = this.options.httpPort ?? this.defaultHttpPort
    if (httpPort !== null) {
      const { host, port } = await this.startHttp(httpPort)
      ports.http = port
      addresses.push({ what: 'http', address: `http://${host}:${port}/readyz` })
    }
    if (this.options.portsFile !== undefined) writePortsFile(this.options.portsFile, ports)
    const terminal = process.stdout.isTTY && this.options.logFormat !== 'json'
    announce({ name, version, addresses, store, readyMs: performance.now() }, this.log, terminal)
    this.shutdown.serving()
    setTimeout(() => void this.settle(), SETTLE_MS).unref()
  }

  private async settle(): Promise<void> {
    const { settle } = await import('./settle.ts')
    settle(this.parts.every((part) => part.isIdle()))
  }

  private async startHttp(port: number): Promise<{ host: string; port: number }> {
    // Not before it is needed: HTTP is a good part of the time to ready.
    const { startAdminHttp } = await import('../http/admin-http.ts')
    const { prometheusText } = await import('../http/prometheus-text.ts')
    const host = this.options.httpHost
    const sources = {
      notReady: () => this.notReady(),
      metrics: () => prometheusText(this.samples()),
    }
    const isPortAsked = this.options.httpPort !== undefined
    const http = await startAdminHttp({ host, port }, sources, isPortAsked, this.log)
    this.add({ ...NO_PART, name: HTTP, host, stop: () => http.stop() })
    return { host, port: http.port }
  }

  private notReady(): string | null {
    if (this.shutdown.stopping) return 'stopping'
    if (this.left) return 'leaving'
    for (const part of this.parts) {
      const reason = part.notReady()
      if (reason !== null) return `${part.name}: ${reason}`
    }
    return null
  }

  private *samples(): Iterable<MetricSample> {
    yield* processSamples(version)
    for (const part of this.parts) yield* part.metrics()
  }
}

const NO_PART: Omit<Part, 'name' | 'host' | 'stop'> = {
  addresses: [],
  ports: {},
  store: null,
  notReady: () => null,
  metrics: () => [],
  isIdle: () => true,
  leave: () => {},
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.')
}
