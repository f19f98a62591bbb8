import { totalmem } from 'node:os'
import { Broker, BrokerConfig, type BrokerPorts, configKey } from '@apogee/broker'
import {
  type BrokerSettings,
  type BrokerSources,
  brokerSettings,
} from '../config/broker-settings.ts'
import { ConfigReload } from '../config/reload.ts'
import type { MetricSample } from '../http/prometheus-text.ts'
import { queueLag } from '../http/queue-lag.ts'
import { ConfFileWriter } from './conf-file-writer.ts'
import type { Part, PartDeps } from './server-process.ts'
import type { Shutdown } from './shutdown.ts'

/** How long a start waits for the first answer of a NameServer before it says that it serves. */
const REGISTERED_MS = 500
const LOOK_MS = 3

export interface BrokerPartDeps extends PartDeps {
  shutdown: Shutdown
  /** The broker must end: its store has failed. */
  failed: () => void
}

/**
 * Starts a broker. Rejects with the codes of Broker.start (STORE_LOCKED, STORE_CORRUPT, REMOTING_BIND_FAILED, …). Changes
 * made at runtime go into the file of `sources`, and SIGHUP reads it again.
 */
export async function startBroker(
  settings: BrokerSettings,
  sources: BrokerSources,
  deps: BrokerPartDeps,
): Promise<Part> {
  const { shutdown } = deps
  const { values } = settings.config
  const file = sources.path === undefined ? null : new ConfFileWriter(sources.path, deps.env)
  const running = new RunningBroker(settings.config, file, deps)
  const ports = await running.start()
  shutdown.onReload(reloader(running, settings.entries, sources, deps))
  await registered(running, shutdown)
  return {
    name: `broker ${values.brokerName}`,
    addresses: [{ what: 'broker', address: `${values.brokerIP1}:${ports.port}` }],
    host: values.bindAddress,
    ports: { broker: ports.port, fast: ports.fastPort, ...haPort(ports) },
    store: values.storePathRootDir,
    notReady: () => running.notReady(),
    metrics: () => samples(running.broker),
    isIdle: () => [...(running.broker.services?.requests.latencies() ?? [])].length === 0,
    leave: () => void running.broker.leave(),
    stop: async (graceMs) => {
      await running.stop(graceMs)
      await file?.settled()
    },
  }
}

/** A slave listens for none. */
function haPort({ haPort: port }: BrokerPorts): { ha?: number } {
  return port === 0 ? {} : { ha: port }
}

/** The broker of this process: another one after its log was cut, with the same configuration and ports. */
class RunningBroker {
  broker: Broker
  private readonly file: ConfFileWriter | null
  private readonly deps: BrokerPartDeps
  private starting: Promise<BrokerPorts> | null = null

  constructor(config: BrokerConfig, file: ConfFileWriter | null, deps: BrokerPartDeps) {
    this.file = file
    this.deps = deps
    this.broker = this.make(config)
  }

  start(): Promise<BrokerPorts> {
    this.starting = this.broker.start()
    return this.starting
  }

  async stop(graceMs: number): Promise<void> {
    // What is half made cannot be stopped; how its start ended is told by whoever waits for it.
    await this.starting?.catch(() => undefined)
    await this.broker.stop(graceMs)
  }

  /** Why it does not serve; null when it does. */
  notReady(): string | null {
    return notReady(this.broker)
  }

  private make(config: BrokerConfig): Broker {
    const { file } = this
    const { clientTls, env, failed, log, tls } = this.deps
    const zoneOffsetMs = -new Date().getTimezoneOffset() * 60_000
    const broker = new Broker(config, {
      env,
      log,
      machine: { processId: process.pid, zoneOffsetMs, memoryBytes: totalmem() },
      ...(tls === undefined ? {} : { tls }),
      ...(clientTls === undefined ? {} : { clientTls }),
      ...(file === null ? {} : { keepConfig: (changes) => file.keep(changes) }),
    })
    broker.onFailure(failed)
    broker.onRestartNeeded(() => void this.restart())
    return broker
  }

  private async restart(): Promise<void> {
    const { failed, log, shutdown } = this.deps
    if (shutdown.stopping) return
    const { port } = await this.starting!
    log.warn({ event: 'broker_restart', port }, 'the log was cut: the broker starts anew')
    // Values, not files: what was changed at runtime holds on, and what waits for a restart of the process goes on waiting.
    const { values } = this.broker.config
    this.broker = this.make(BrokerConfig.of({ ...values, listenPort: port }))
    try {
      await this.start()
      log.info({ event: 'broker_restarted', port })
    } catch (err) {
      log.error({ event: 'broker_restart_failed', err })
      failed()
    }
  }
}

function reloader(
  running: RunningBroker,
  entries: BrokerSettings['entries'],
  sources: BrokerSources,
  { log }: BrokerPartDeps,
): () => void {
  const target = {
    name: 'broker',
    read: () => {
      const fresh = brokerSettings(sources)
      return { ...fresh, values: fresh.config.dump() }
    },
    isReloadable: (key: string) => configKey(key)?.reloadable === true,
    update: (changes: ReadonlyMap<string, string>) => {
      const [problem] = running.broker.config.update(changes)
      return problem === undefined ? null : `${problem.key}: ${problem.message}`
    },
  }
  const reload = new ConfigReload(target, entries, log)
  return () => reload.reload()
}

function* samples(broker: Broker): Iterable<MetricSample> {
  yield* broker.metrics()
  if (broker.services !== null) yield* queueLag(broker.services)
}

function notReady(broker: Broker): string | null {
  const { services } = broker
  if (services === null) return 'starting'
  if (services.store.failure !== null) return 'the store has failed'
  const { nameServerCount, registeredCount } = services.outer
  if (nameServerCount > 0 && registeredCount === 0) return 'not registered with any NameServer'
  const slave = services.ha.slave?.status
  return slave?.problem == null ? null : `does not follow its master: ${slave.problem.code}`
}

/** Who waits for `boot success` wants to send: until a NameServer knows this broker, no client finds it. */
async function registered(running: RunningBroker, shutdown: Shutdown): Promise<void> {
  const endMs = performance.now() + REGISTERED_MS
  while (running.notReady() !== null && performance.now() < endMs && !shutdown.stopping) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
}
