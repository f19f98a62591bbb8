import { totalmem } from 'node:os'
import { Broker, configKey } from '@apogee/broker'
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
  const { clientTls, env, log, shutdown, tls } = deps
  const { config } = settings
  const { values } = config
  const zoneOffsetMs = -new Date().getTimezoneOffset() * 60_000
  const file = sources.path === undefined ? null : new ConfFileWriter(sources.path, env)
  const broker = new Broker(config, {
    env,
    log,
    machine: { processId: process.pid, zoneOffsetMs, memoryBytes: totalmem() },
    ...(tls === undefined ? {} : { tls }),
    ...(clientTls === undefined ? {} : { clientTls }),
    ...(file === null ? {} : { keepConfig: (changes) => file.keep(changes) }),
  })
  broker.onFailure(deps.failed)
  const ports = await broker.start()
  shutdown.onReload(reloader(settings, sources, deps))
  await registered(broker, shutdown)
  return {
    name: `broker ${values.brokerName}`,
    addresses: [{ what: 'broker', address: `${values.brokerIP1}:${ports.port}` }],
    host: values.bindAddress,
    ports: { broker: ports.port, fast: ports.fastPort },
    store: values.storePathRootDir,
    notReady: () => notReady(broker),
    metrics: () => samples(broker),
    isIdle: () => [...(broker.services?.requests.latencies() ?? [])].length === 0,
    leave: () => void broker.leave(),
    stop: async (graceMs) => {
      await broker.stop(graceMs)
      await file?.settled()
    },
  }
}

function reloader(
  { config, entries }: BrokerSettings,
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
      const [problem] = config.update(changes)
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
  return nameServerCount > 0 && registeredCount === 0 ? 'not registered with any NameServer' : null
}

/** Who waits for `boot success` wants to send: until a NameServer knows this broker, no client finds it. */
async function registered(broker: Broker, shutdown: Shutdown): Promise<void> {
  const endMs = performance.now() + REGISTERED_MS
  while (notReady(broker) !== null && performance.now() < endMs && !shutdown.stopping) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
}
