import type { Env } from '@apogee/env'
import { NameServer, type NamesrvConfig } from '@apogee/namesrv'
import type { Logger } from '@apogee/remoting'
import type { Part } from './server-process.ts'

/** Starts a NameServer. Rejects with REMOTING_BIND_FAILED, TEXT_FILE_MALFORMED or a DiskError. */
export async function startNamesrv(
  config: Partial<NamesrvConfig>,
  deps: { env: Env; log: Logger },
): Promise<Part> {
  const server = new NameServer(config, deps)
  const { port } = await server.start()
  return {
    name: 'namesrv',
    addresses: [{ what: 'namesrv', address: `${server.config.bindAddress}:${port}` }],
    ports: { namesrv: port },
    store: null,
    notReady: () => null,
    metrics: () => [],
    stop: (graceMs) => server.stop(graceMs),
  }
}
