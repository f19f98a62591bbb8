import { type Command, InvalidArgumentError, Option } from 'commander'
import type { Flag } from '../config/sources.ts'
import type { LogFormat } from '../process/logging.ts'
import type { TlsFlags } from '../tls/tls-settings.ts'

export { ExitCode } from '../cli/exit-codes.ts'

/** Options that every server command has. */
export interface ServerOptions extends TlsFlags {
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
    .option('--set <key=value>', 'set a key of the configuration; may be repeated', keyValue, [])
    .option('--strict', 'an unknown key, or one of what is not there yet, stops the start', false)
    .option('--tls-config <file>', "RocketMQ's tls.properties")
    .option('--tls-cert <file>', 'certificate of this server, PEM (tls.server.certPath)')
    .option('--tls-key <file>', 'its key, PEM (tls.server.keyPath)')
    .option('--tls-ca <file>', 'clients must have a certificate that this one signed')
    .addOption(
      new Option(
        '--tls-mode <mode>',
        'TLS on the same port: not, as clients like, or always (permissive with a certificate)',
      ).choices(['disabled', 'permissive', 'enforcing']),
    )
    .option('--ports-file <file>', 'write the ports that were bound to this file, as JSON')
    .option('--http-port <port>', 'port of /livez, /readyz and /metrics; 0 = any free one', port)
    .option('--http-host <address>', 'address it listens on', '127.0.0.1')
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
    .option('--shutdown-timeout <seconds>', 'how long draining may take', seconds, 30)
}

/** What the file and the environment do not decide any more. Options that were not given are left out. */
export function flagsOf(
  set: ServerOptions['set'],
  given: readonly (readonly [key: string, value: string | number | undefined, flag: string])[],
): Flag[] {
  const flags: Flag[] = set.map((one) => ({ ...one, flag: '--set' }))
  for (const [key, value, flag] of given) {
    if (value !== undefined) flags.push({ key, value: String(value), flag })
  }
  return flags
}

/** The examples at the end of a `--help`: lines of at most 80 columns. */
export function examples(...lines: string[]): string {
  const texts = lines.map(continued)
  return `\n${texts.length === 1 ? 'Example' : 'Examples'}:\n  ${texts.join('\n  ')}\n`
}

const EXAMPLE_COLUMNS_MAX = 78

/** A longer line goes on behind a backslash, before an option. */
function continued(line: string): string {
  if (line.length <= EXAMPLE_COLUMNS_MAX) return line
  const at = line.lastIndexOf(' -', EXAMPLE_COLUMNS_MAX - 2)
  return at <= 0 ? line : `${line.slice(0, at)} \\\n    ${line.slice(at + 1)}`
}

export function port(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isInteger(value) || value < 0 || value > 65_535)
    throw new InvalidArgumentError('not a port (0 to 65535)')
  return value
}

function seconds(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !(value >= 0 && value <= 86_400))
    throw new InvalidArgumentError('not a number of seconds (0 to 86400)')
  return value
}

/** `key=value`, behind those that were given before. */
export function keyValue(
  text: string,
  before: { key: string; value: string }[],
): { key: string; value: string }[] {
  const at = text.indexOf('=')
  if (at <= 0) throw new InvalidArgumentError('must be key=value')
  return [...before, { key: text.slice(0, at), value: text.slice(at + 1) }]
}
