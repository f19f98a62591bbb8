import { Broker, type BrokerConfig } from '@apogee/broker'
import type { Env } from '@apogee/env'
import type { Logger } from '@apogee/remoting'
import type { Part } from './server-process.ts'

/**
 * Starts a broker. `failed` is called when it must end: its store has failed. Rejects with the codes of Broker.start
 * (STORE_LOCKED, STORE_CORRUPT, REMOTING_BIND_FAILED, …).
 */
export async function startBroker(
  config: BrokerConfig,
  deps: { env: Env; log: Logger; failed: (error: Error) => void },
): Promise<Part> {
  const { env, log } = deps
  const zoneOffsetMs = -new Date().getTimezoneOffset() * 60_000
  const broker = new Broker(config, { env, log, machine: { processId: process.pid, zoneOffsetMs } })
  broker.onFailure(deps.failed)
  const ports = await broker.start()
  const { values } = config
  return {
    name: `broker ${values.brokerName}`,
    addresses: [{ what: 'broker', address: `${values.brokerIP1}:${ports.port}` }],
    ports: { broker: ports.port, fast: ports.fastPort },
    store: values.storePathRootDir,
    notReady: () => (broker.services?.store.failure ? 'the store has failed' : null),
    metrics: () => broker.metrics(),
    stop: (graceMs) => broker.stop(graceMs),
  }
}
