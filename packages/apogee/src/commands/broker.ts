import type { Command } from 'commander'
import type { Flag } from '../config/broker-settings.ts'
import { addServerOptions, ExitCode, port, type ServerOptions } from './options.ts'

interface BrokerOptions extends ServerOptions {
  config?: string
  namesrvAddr?: string
  port?: number
  host?: string
  store?: string
  printConfigItem: boolean
  printConfig?: string | true
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
    .option('-p, --print-config-item', 'print every key with its value, and end', false)
    .option('--print-config [format]', 'the same; json tells where each value came from')
  addServerOptions(command).addHelpText(
    'after',
    '\nExamples:\n  apogee broker -n 127.0.0.1:9876\n  apogee broker -c conf/broker.conf --set flushDiskType=SYNC_FLUSH\n',
  )
  command.action((options: BrokerOptions) => run(options))
}

async function run(options: BrokerOptions): Promise<void> {
  const [{ nodeEnv }, { brokerSettings }, { startBroker }, { ServerProcess }] = await Promise.all([
    import('@apogee/env/node'),
    import('../config/broker-settings.ts'),
    import('../process/broker-part.ts'),
    import('../process/server-process.ts'),
  ])
  const settings = brokerSettings(options.config, await flagsOf(options), process.env)
  if (options.printConfigItem || options.printConfig !== undefined) {
    const { printConfig } = await import('../config/print-config.ts')
    printConfig(settings, options.printConfig === 'json')
    return
  }
  const server = await ServerProcess.create(options)
  server.report(settings.problems)
  server.add(
    await startBroker(settings.config, {
      env: nodeEnv(),
      log: server.log,
      failed: () => server.shutdown.begin('store failed', ExitCode.FAILURE),
    }),
  )
  await server.serving(`broker ${settings.config.values.brokerName}`)
}

async function flagsOf(options: BrokerOptions): Promise<Flag[]> {
  const flags: Flag[] = options.set.map((one) => ({ ...one, flag: '--set' }))
  const add = (key: string, value: string | number | undefined, flag: string): void => {
    if (value !== undefined) flags.push({ key, value: String(value), flag })
  }
  add('namesrvAddr', options.namesrvAddr, '-n')
  add('listenPort', options.port, '--port')
  add('bindAddress', options.host, '--host')
  if (options.store !== undefined) {
    const { resolve } = await import('node:path')
    add('storePathRootDir', resolve(options.store), '--store')
  }
  return flags
}
