import { type Command, InvalidArgumentError, Option } from 'commander'
import type { LogFormat } from '../process/logging.ts'

/** Options that every server command has. */
export interface ServerOptions {
  logLevel: string
  logFormat: LogFormat
  portsFile?: string
  httpPort?: number
  httpHost: string
  shutdownTimeout: number
  strict: boolean
  set: { key: string; value: string }[]
}

export function addServerOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--log-level <level>', 'least important events to log')
        .choices(['debug', 'info', 'warn', 'error'])
        .default('info'),
    )
    .addOption(
      new Option('--log-format <format>', 'JSON lines, or readable ones')
        .choices(['auto', 'json', 'pretty'])
        .default('auto'),
    )
    .option('--ports-file <file>', 'write the ports that were bound to this file, as JSON')
    .option('--http-port <port>', 'port of /livez, /readyz and /metrics; 0 = any free one', port)
    .option('--http-host <host>', 'address it listens on', '127.0.0.1')
    .option('--shutdown-timeout <seconds>', 'how long draining may take', seconds, 30)
    .option('--strict', 'an unknown key, or one that has no effect here, stops the start', false)
    .option('--set <key=value>', 'set a key of the configuration; may be repeated', keyValue, [])
}

export function port(text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 0 || value > 65_535)
    throw new InvalidArgumentError('not a port (0 to 65535)')
  return value
}

function seconds(text: string): number {
  const value = Number(text)
  if (!(value >= 0 && value <= 86_400)) throw new InvalidArgumentError('not a number of seconds')
  return value
}

function keyValue(
  text: string,
  before: { key: string; value: string }[],
): { key: string; value: string }[] {
  const at = text.indexOf('=')
  if (at <= 0) throw new InvalidArgumentError('must be key=value')
  return [...before, { key: text.slice(0, at), value: text.slice(at + 1) }]
}

/** Ends the command line the way the shell expects: 0 ok, 1 failure, 2 usage, 3 config invalid. */
export const ExitCode = { OK: 0, FAILURE: 1, USAGE: 2, CONFIG: 3 } as const
