import type { Command } from 'commander'
import type { Flag } from '../config/broker-settings.ts'
import { addServerOptions, ExitCode, port, type ServerOptions } from './options.ts'

interface StartOptions extends ServerOptions {
  config?: string
  port?: number
  namesrvPort?: number
  host: string
  store: string
}

const HTTP_PORT = 8082

export function addStartCommand(program: Command): void {
  const command = program
    .command('start')
    .description('run a NameServer and a broker in one process')
    .option('-c, --config <file>', 'broker.conf, as RocketMQ has it')
    .option('--port <port>', 'port of the broker; 0 = any free one (listenPort, 10911)', port)
    .option('--namesrv-port <port>', 'port of the NameServer; 0 = any free one (9876)', port)
    .option('--host <address>', 'address that both listen on', '127.0.0.1')
    .option('--store <folder>', 'where messages are kept', 'store')
  addServerOptions(command).addHelpText(
    'after',
    '\nExamples:\n  apogee start\n  apogee start --store /var/lib/apogee --host 0.0.0.0 --set brokerIP1=broker.example\n',
  )
  command.action((options: StartOptions) => run(options))
}

async function run(options: StartOptions): Promise<void> {
  const [
    { nodeEnv },
    { brokerSettings },
    { startBroker },
    { startNamesrv },
    { ServerProcess },
    { resolve },
  ] = await Promise.all([
    import('@apogee/env/node'),
    import('../config/broker-settings.ts'),
    import('../process/broker-part.ts'),
    import('../process/namesrv-part.ts'),
    import('../process/server-process.ts'),
    import('node:path'),
  ])
  const server = await ServerProcess.create({ ...options, httpPort: options.httpPort ?? HTTP_PORT })
  const deps = { env: nodeEnv(), log: server.log }
  const store = resolve(options.store)
  const namesrv = await startNamesrv(
    {
      bindAddress: options.host,
      listenPort: options.namesrvPort ?? 9876,
      kvConfigPath: `${store}/namesrv/kvConfig.json`,
    },
    deps,
  )
  server.add(namesrv)
  const flags: Flag[] = [
    {
      key: 'namesrvAddr',
      value: `${loopback(options.host)}:${namesrv.ports.namesrv}`,
      flag: 'start',
    },
    { key: 'bindAddress', value: options.host, flag: '--host' },
    { key: 'storePathRootDir', value: store, flag: '--store' },
    ...options.set.map((one) => ({ ...one, flag: '--set' })),
  ]
  if (options.port !== undefined)
    flags.push({ key: 'listenPort', value: String(options.port), flag: '--port' })
  const settings = brokerSettings(options.config, flags, process.env)
  server.report(settings.problems)
  const failed = (): void => server.shutdown.begin('store failed', ExitCode.FAILURE)
  server.add(await startBroker(settings.config, { ...deps, failed }))
  await server.serving('broker and namesrv')
}

/** Where this process reaches what it listens on. */
function loopback(host: string): string {
  return host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
}
