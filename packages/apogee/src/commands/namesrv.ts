import type { Command } from 'commander'
import { addServerOptions, examples, flagsOf, port, type ServerOptions } from './options.ts'
import { addPrintOptions, type PrintFlags, printFormat } from './print-options.ts'

interface NamesrvOptions extends ServerOptions, PrintFlags {
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
  addPrintOptions(command)
  addServerOptions(command).addHelpText(
    'after',
    examples('apogee namesrv', 'apogee namesrv --host 0.0.0.0 -c conf/namesrv.conf'),
  )
  command.action((options: NamesrvOptions) => run(options))
}

async function run(options: NamesrvOptions): Promise<void> {
  const { namesrvDump, namesrvSettings } = await import('../config/namesrv-settings.ts')
  const flags = flagsOf(options.set, [
    ['listenPort', options.port, '--port'],
    ['bindAddress', options.host, '--host'],
  ])
  const sources = { path: options.config, flags, environment: process.env }
  const settings = namesrvSettings(sources)
  const format = printFormat(options)
  if (format !== null) {
    const { printConfig } = await import('../config/print-config.ts')
    printConfig(namesrvDump(settings.config), settings.origins, format)
    return
  }
  const { startNamesrv } = await import('../process/namesrv-part.ts')
  const { ServerProcess } = await import('../process/server-process.ts')
  const server = await ServerProcess.create(options)
  server.report(settings.problems)
  await server.run('namesrv', async () => {
    const deps = { ...(await server.partDeps(false)), shutdown: server.shutdown }
    server.add(await startNamesrv(settings, sources, deps))
  })
}
