import type { Command } from 'commander'
import { addServerOptions, port, type ServerOptions } from './options.ts'

interface NamesrvOptions extends ServerOptions {
  config?: string
  port?: number
  host?: string
}

export function addNamesrvCommand(program: Command): void {
  const command = program
    .command('namesrv')
    .description('run a NameServer')
    .option('-c, --config <file>', 'namesrv.conf, as RocketMQ has it')
    .option('--port <port>', 'port to listen on; 0 = any free one (listenPort, 9876)', port)
    .option('--host <address>', 'address to listen on (bindAddress, 127.0.0.1)')
  addServerOptions(command).addHelpText(
    'after',
    '\nExamples:\n  apogee namesrv\n  apogee namesrv --host 0.0.0.0 -c namesrv.conf\n',
  )
  command.action((options: NamesrvOptions) => run(options))
}

async function run(options: NamesrvOptions): Promise<void> {
  const [{ nodeEnv }, { namesrvSettings }, { startNamesrv }, { ServerProcess }] = await Promise.all(
    [
      import('@apogee/env/node'),
      import('../config/namesrv-settings.ts'),
      import('../process/namesrv-part.ts'),
      import('../process/server-process.ts'),
    ],
  )
  const server = await ServerProcess.create(options)
  const flags = options.set.map((one) => ({ ...one, flag: '--set' }))
  if (options.port !== undefined)
    flags.push({ key: 'listenPort', value: String(options.port), flag: '--port' })
  if (options.host !== undefined)
    flags.push({ key: 'bindAddress', value: options.host, flag: '--host' })
  const { config, problems } = namesrvSettings(options.config, flags, process.env)
  server.report(problems)
  server.add(await startNamesrv(config, { env: nodeEnv(), log: server.log }))
  await server.serving('namesrv')
}
