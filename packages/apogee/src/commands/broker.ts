import type { Command } from 'commander'
import type { BrokerSources } from '../config/broker-settings.ts'
import {
  addServerOptions,
  ExitCode,
  examples,
  flagsOf,
  port,
  type ServerOptions,
} from './options.ts'
import { addPrintOptions, type PrintFlags, printFormat } from './print-options.ts'

interface BrokerOptions extends ServerOptions, PrintFlags {
  config?: string
  namesrvAddr?: string
  port?: number
  host?: string
  store?: string
}

export function addBrokerCommand(program: Command): void {
  const command = program
    .command('broker')
    .description('run a broker')
    .option('-c, --config <file>', 'broker.conf, as RocketMQ has it')
    .option('-n, --namesrv-addr <list>', 'NameServers, host:port separated by ; (namesrvAddr)')
    .option('--port <port>', 'port to listen on; 0 = any free one (listenPort, 10911)', port)
    .option('--host <address>', 'address to listen on (bindAddress, 127.0.0.1)')
    .option('--store <folder>', 'where messages are kept (storePathRootDir, ~/store)')
  addPrintOptions(command)
  addServerOptions(command).addHelpText(
    'after',
    examples(
      'apogee broker -n 127.0.0.1:9876',
      'apogee broker -c conf/broker.conf --set flushDiskType=SYNC_FLUSH',
      "apogee broker -n '10.0.0.1:9876;10.0.0.2:9876' --host 0.0.0.0",
      'apogee broker -c conf/broker.conf --print-config=json',
    ),
  )
  command.action((options: BrokerOptions) => run(options))
}

async function run(options: BrokerOptions): Promise<void> {
  const { brokerSettings } = await import('../config/broker-settings.ts')
  const sources = await sourcesOf(options)
  const settings = brokerSettings(sources)
  const format = printFormat(options)
  if (format !== null) {
    const { printConfig } = await import('../config/print-config.ts')
    printConfig(settings.config.dump(), settings.origins, format)
    return
  }
  const { startBroker } = await import('../process/broker-part.ts')
  const { ServerProcess } = await import('../process/server-process.ts')
  const server = await ServerProcess.create(options)
  server.report(settings.problems)
  const { brokerName, useTLS } = settings.config.values
  await server.run(`broker ${brokerName}`, async () => {
    const { shutdown } = server
    const failed = (): void => shutdown.begin('store failed', ExitCode.FAILURE)
    const deps = { ...(await server.partDeps(useTLS)), shutdown, failed }
    server.add(await startBroker(settings, sources, deps))
  })
}

async function sourcesOf(options: BrokerOptions): Promise<BrokerSources> {
  const { config: path, host, namesrvAddr, set, store } = options
  const { resolve } = await import('node:path')
  const flags = flagsOf(set, [
    ['namesrvAddr', namesrvAddr, '-n'],
    ['listenPort', options.port, '--port'],
    ['bindAddress', host, '--host'],
    ['storePathRootDir', store === undefined ? undefined : resolve(store), '--store'],
  ])
  return { path, flags, environment: process.env }
}
