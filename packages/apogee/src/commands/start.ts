import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { BrokerConfigValues } from '@apogee/broker'
import type { Command } from 'commander'
import type { BrokerSources } from '../config/broker-settings.ts'
import type { NamesrvSources } from '../config/namesrv-settings.ts'
import type { PartDeps, ServerProcess } from '../process/server-process.ts'
import {
  addServerOptions,
  ExitCode,
  examples,
  flagsOf,
  port,
  type ServerOptions,
} from './options.ts'

interface StartOptions extends ServerOptions {
  config?: string
  port?: number
  namesrvPort: number
  host?: string
  store?: string
}

const NAMESRV_PORT = 9876
const HTTP_PORT = 8082

export function addStartCommand(program: Command): void {
  const command = program
    .command('start')
    .description('run a NameServer and a broker in one process')
    .option('-c, --config <file>', 'broker.conf, as RocketMQ has it')
    .option('--port <port>', 'port of the broker; 0 = any free one (listenPort, 10911)', port)
    .option('--namesrv-port <port>', 'port of the NameServer; 0 = any free one', port, NAMESRV_PORT)
    .option('--host <address>', 'address that both listen on (bindAddress, 127.0.0.1)')
    .option('--store <folder>', 'where messages are kept (storePathRootDir, ./store)')
  addServerOptions(command).addHelpText(
    'after',
    examples(
      'apogee start',
      'apogee start --store /var/lib/apogee --set flushDiskType=SYNC_FLUSH',
      'apogee start --host 0.0.0.0 --set brokerIP1=broker.example',
      'apogee start --port 0 --namesrv-port 0 --http-port 0 --ports-file ports.json',
    ),
  )
  command.action((options: StartOptions) => run(options))
}

async function run(options: StartOptions): Promise<void> {
  const { ServerProcess: Server } = await import('../process/server-process.ts')
  const { brokerSettings } = await import('../config/broker-settings.ts')
  const server = await Server.create(options, HTTP_PORT)
  const sources = brokerSources(options)
  const first = brokerSettings(sources)
  const { values } = first.config
  await server.run('broker and namesrv', async () => {
    const deps = await server.partDeps(false)
    const port = await startNameServer(options.namesrvPort, values, server, deps)
    const address = `${loopback(values.bindAddress)}:${port}`
    const flag = { key: 'namesrvAddr', value: address, flag: 'start' }
    await startItsBroker({ ...sources, flags: [...sources.flags, flag] }, server, deps)
  })
}

function brokerSources(options: StartOptions): BrokerSources {
  const { config: path, host, port: brokerPort, set, store } = options
  const flags = flagsOf(set, [
    ['bindAddress', host, '--host'],
    ['storePathRootDir', store === undefined ? undefined : resolve(store), '--store'],
    ['listenPort', brokerPort, '--port'],
  ])
  const defaults = flagsOf([], [['storePathRootDir', resolve('store'), 'start']])
  return { path, flags, environment: process.env, defaults }
}

/** It listens where the broker does; its KV config, and changes of its configuration at runtime, are kept in the store. */
async function startNameServer(
  port: number,
  { bindAddress, storePathRootDir }: BrokerConfigValues,
  server: ServerProcess,
  deps: PartDeps,
): Promise<number> {
  const { namesrvSettings } = await import('../config/namesrv-settings.ts')
  const { startNamesrv } = await import('../process/namesrv-part.ts')
  const folder = `${storePathRootDir}/namesrv`
  const kept = `${folder}/namesrv.conf`
  const flags = flagsOf(
    [],
    [
      ['bindAddress', bindAddress, '--host'],
      ['listenPort', port, '--namesrv-port'],
      ['kvConfigPath', `${folder}/kvConfig.json`, '--store'],
      ['configStorePath', kept, '--store'],
    ],
  )
  const sources: NamesrvSources = {
    get path() {
      return existsSync(kept) ? kept : undefined
    },
    flags,
    environment: {},
  }
  const settings = namesrvSettings(sources)
  server.report(settings.problems)
  const part = await startNamesrv(settings, sources, { ...deps, shutdown: server.shutdown })
  server.add(part)
  return part.ports.namesrv!
}

async function startItsBroker(
  sources: BrokerSources,
  server: ServerProcess,
  deps: PartDeps,
): Promise<void> {
  const { brokerSettings } = await import('../config/broker-settings.ts')
  const { startBroker } = await import('../process/broker-part.ts')
  const settings = brokerSettings(sources)
  server.report(settings.problems)
  const { shutdown } = server
  const failed = (): void => shutdown.begin('store failed', ExitCode.FAILURE)
  // Under --tls-mode enforcing the NameServer takes nothing else; it is this very process, so nothing is to be verified.
  const clientTls = deps.clientTls ?? (deps.tls === undefined ? undefined : WITHIN_PROCESS)
  const brokerDeps = { ...deps, ...(clientTls === undefined ? {} : { clientTls }) }
  server.add(await startBroker(settings, sources, { ...brokerDeps, shutdown, failed }))
}

const WITHIN_PROCESS = { rejectUnauthorized: false }

/** Where this process reaches what it listens on. */
function loopback(host: string): string {
  if (host === '::') return '[::1]'
  return host === '0.0.0.0' ? '127.0.0.1' : host
}
