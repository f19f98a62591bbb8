import { NameServer, namesrvConfigTable } from '@apogee/namesrv'
import {
  type NamesrvSettings,
  type NamesrvSources,
  namesrvDump,
  namesrvSettings,
} from '../config/namesrv-settings.ts'
import { ConfigReload } from '../config/reload.ts'
import { ConfFileWriter } from './conf-file-writer.ts'
import type { Part, PartDeps } from './server-process.ts'
import type { Shutdown } from './shutdown.ts'

/**
 * Starts a NameServer. Rejects with REMOTING_BIND_FAILED, CONFIG_FILE_DAMAGED or a DiskError. SIGHUP reads its file
 * again.
 */
export async function startNamesrv(
  settings: NamesrvSettings,
  sources: NamesrvSources,
  deps: PartDeps & { shutdown: Shutdown },
): Promise<Part> {
  const { log, shutdown, ...ports } = deps
  const path = settings.config.configStorePath ?? ''
  const file = path === '' ? null : new ConfFileWriter(path, deps.env)
  const server = new NameServer(settings.config, {
    log,
    ...ports,
    ...(file === null ? {} : { keepConfig: (changes) => file.keep(changes) }),
  })
  const { port } = await server.start()
  const target = {
    name: 'namesrv',
    read: () => {
      const fresh = namesrvSettings(sources)
      return { ...fresh, values: namesrvDump(fresh.config) }
    },
    isReloadable: (key: string) =>
      namesrvConfigTable.some((row) => row.key === key && row.reloadable),
    update: (changes: ReadonlyMap<string, string>) => server.updateConfig(changes)?.detail ?? null,
  }
  const reload = new ConfigReload(target, settings.entries, log)
  shutdown.onReload(() => reload.reload())
  return {
    name: 'namesrv',
    addresses: [{ what: 'namesrv', address: `${server.config.bindAddress}:${port}` }],
    host: server.config.bindAddress,
    ports: { namesrv: port },
    store: null,
    notReady: () => null,
    metrics: () => [],
    isIdle: () => true,
    leave: () => {},
    stop: async (graceMs) => {
      await server.stop(graceMs)
      await file?.settled()
    },
  }
}
