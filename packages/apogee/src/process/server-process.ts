import { createRequire } from 'node:module'
import type { Logger } from 'pino'
import { ExitCode, type ServerOptions } from '../commands/options.ts'
import type { PlacedProblem } from '../config/broker-settings.ts'
import { formatProblem, isFatal } from '../config/report-problems.ts'
import type { MetricSample } from '../http/prometheus-text.ts'
import { announce } from './banner.ts'
import { createLogger } from './logging.ts'
import { type Ports, writePortsFile } from './ports-file.ts'
import { installShutdown, type Shutdown, type Stoppable } from './shutdown.ts'

/** A server that runs in this process. */
export interface Part extends Stoppable {
  addresses: readonly { what: string; address: string }[]
  ports: Ports
  store: string | null
  /** `null` when it serves, or why not. */
  notReady(): string | null
  metrics(): Iterable<MetricSample>
}

const { version } = createRequire(import.meta.url)('../../package.json') as { version: string }

/** What every server command does around its parts: log, signals, probes, banner, ports file. */
export class ServerProcess {
  readonly log: Logger
  readonly shutdown: Shutdown
  private readonly options: ServerOptions
  private readonly parts: Part[] = []

  private constructor(options: ServerOptions, log: Logger) {
    this.options = options
    this.log = log
    // The last one started goes first: a broker leaves before the NameServer that its clients ask.
    this.shutdown = installShutdown(log, options.shutdownTimeout * 1000, () =>
      this.parts.toReversed(),
    )
  }

  static async create(options: ServerOptions): Promise<ServerProcess> {
    return new ServerProcess(
      options,
      await createLogger({ level: options.logLevel, format: options.logFormat }),
    )
  }

  /** Logs problems of a configuration; ends the process when it cannot be used. */
  report(problems: readonly PlacedProblem[]): void {
    for (const problem of problems) {
      const fields = {
        event: 'config_problem',
        code: problem.code,
        key: problem.key,
        place: problem.origin?.name,
      }
      if (problem.severity === 'error') this.log.error(fields, formatProblem(problem))
      else if (problem.severity === 'warning') this.log.warn(fields, formatProblem(problem))
      else this.log.debug(fields, formatProblem(problem))
    }
    if (!isFatal(problems, this.options.strict)) return
    this.log.error({ event: 'config_invalid' }, 'the configuration cannot be used')
    process.exit(ExitCode.CONFIG)
  }

  add(part: Part): void {
    this.parts.push(part)
  }

  /** Everything runs: tells so, to people and to machines. */
  async serving(name: string): Promise<void> {
    const ports: Ports = Object.assign({}, ...this.parts.map((part) => part.ports))
    const addresses = this.parts.flatMap((part) => part.addresses)
    if (this.options.httpPort !== undefined) {
      ports.http = await this.startHttp(this.options.httpPort)
      addresses.push({
        what: 'http',
        address: `http://${this.options.httpHost}:${ports.http}/readyz`,
      })
    }
    if (this.options.portsFile !== undefined) writePortsFile(this.options.portsFile, ports)
    const store = this.parts.find((part) => part.store !== null)?.store ?? null
    const terminal = process.stdout.isTTY && this.options.logFormat !== 'json'
    announce({ name, version, addresses, store, readyMs: performance.now() }, this.log, terminal)
  }

  private async startHttp(port: number): Promise<number> {
    // Not before it is needed: node:http is a good part of the time to ready.
    const { AdminHttp } = await import('../http/admin-http.ts')
    const { prometheusText } = await import('../http/prometheus-text.ts')
    const http = new AdminHttp(
      { host: this.options.httpHost, port },
      {
        notReady: () => this.notReady(),
        metrics: () => prometheusText(this.samples()),
      },
    )
    const bound = await http.start()
    this.parts.push({ ...NO_PART, name: 'http', stop: () => http.stop() })
    return bound
  }

  private notReady(): string | null {
    if (this.shutdown.stopping) return 'stopping'
    for (const part of this.parts) {
      const reason = part.notReady()
      if (reason !== null) return `${part.name}: ${reason}`
    }
    return null
  }

  private *samples(): Iterable<MetricSample> {
    yield {
      name: 'process_resident_memory_bytes',
      type: 'gauge',
      labels: {},
      value: process.memoryUsage.rss(),
    }
    const { user, system } = process.cpuUsage()
    yield {
      name: 'process_cpu_seconds_total',
      type: 'counter',
      labels: {},
      value: (user + system) / 1e6,
    }
    for (const part of this.parts) yield* part.metrics()
  }
}

const NO_PART: Omit<Part, 'name' | 'stop'> = {
  addresses: [],
  ports: {},
  store: null,
  notReady: () => null,
  metrics: () => [],
}
