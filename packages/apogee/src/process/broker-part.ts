import { Broker, type BrokerConfig } from '@apogee/broker'
import type { Env } from '@apogee/env'
import type { Logger } from '@apogee/remoting'
import type { Part } from './server-process.ts'

/** Starts a broker. `failed` is called when it must end: its store has failed. */
export async function startBroker(
  config: BrokerConfig,
  deps: { env: Env; log: Logger; failed: (error: Error) => void },
): Promise<Part> {
  const broker = new Broker(config, { env: deps.env, log: deps.log, processId: process.pid })
  broker.onFailure(deps.failed)
  const ports = await broker.start()
  const { values } = config
  return {
    name: `broker ${values.brokerName}`,
    addresses: [{ what: 'broker', address: `${values.brokerIP1}:${ports.port}` }],
    ports: { broker: ports.port, fast: ports.fastPort },
    store: values.storePathRootDir,
    notReady: () => broker.notReady(),
    metrics: () => broker.metrics(),
    stop: (graceMs) => broker.stop(graceMs),
  }
}
