// Which cluster a command talks to: flag, then environment, then context, then 127.0.0.1:9876.
import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { CliError, CliErrorCode } from '../cli-error.ts'
import { didYouMean } from '../did-you-mean.ts'
import type { CliIo } from '../io.ts'
import { type Context, type Contexts, contextFilePath, loadContexts } from './context-file.ts'

export const DEFAULT_NAMESERVER = '127.0.0.1:9876'
export const DEFAULT_NAMESRV_PORT = 9876
const NAMESERVERS_MAX = 64

export interface ConnectionFlags {
  readonly namesrvAddr?: string
  readonly context?: string
}

export interface Connection {
  /** "host:port" each. */
  readonly nameservers: readonly string[]
  /** Who said so, for messages. */
  readonly source: 'flag' | 'environment' | 'context' | 'default'
  /** Name of the context whose keys and TLS are used, if any. */
  readonly context: string | null
  readonly credentials: { accessKey: string; secretKey: string; securityToken?: string } | null
  readonly namespace: string | null
  readonly tls: TlsSettings | null
}

/** Contents of PEM files. */
export interface TlsSettings {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly rejectUnauthorized: boolean
}

/** `-n` and `--context`, for every command that talks to a cluster. */
export function addConnectionOptions(command: Command): Command {
  return command
    .optionsGroup('Connection:')
    .option(
      '-n, --namesrvAddr <addresses>',
      `NameServers, ; between (NAMESRV_ADDR, the context, ${DEFAULT_NAMESERVER})`,
    )
    .option('--context <name>', 'a context of `apogee context list` (APOGEE_CONTEXT)')
}

/**
 * Resolves what the flags leave open. A context that is only the current one lends its keys to no other NameServers
 * than its own. Throws CONTEXT_NOT_FOUND, CONTEXT_FILE, CONNECTION_INVALID.
 */
export function resolveConnection(
  flags: ConnectionFlags,
  environment: CliIo['environment'],
  load: () => Contexts = () => loadContexts(contextFilePath(environment)),
): Connection {
  const fromEnvironment = nonEmpty(environment['NAMESRV_ADDR'])
  const named = flags.context ?? nonEmpty(environment['APOGEE_CONTEXT'])
  const isContextAsked = flags.context !== undefined
  const context = contextToUse(
    named,
    load,
    flags.namesrvAddr !== undefined || fromEnvironment !== undefined,
  )
  const chosen = chooseNameservers(flags.namesrvAddr, fromEnvironment, context, isContextAsked)
  return {
    nameservers: readNameservers(chosen.text),
    source: chosen.source,
    context: context?.name ?? null,
    credentials: credentialsOf(environment, context?.value),
    namespace: context?.value.namespace ?? null,
    tls: context?.value.tls === undefined ? null : tlsOf(context.value.tls),
  }
}

interface NamedContext {
  readonly name: string
  readonly value: Context
}

function contextToUse(
  named: string | undefined,
  load: () => Contexts,
  areNameserversGiven: boolean,
): NamedContext | null {
  if (named === undefined && areNameserversGiven) return null
  const { contexts, current } = load()
  const name = named ?? current
  if (name === null) return null
  const value = Object.hasOwn(contexts, name) ? contexts[name] : undefined
  if (value !== undefined) return { name, value }
  const meant = didYouMean(name, Object.keys(contexts))
  const details = meant === null ? {} : { hint: `did you mean ${meant}?` }
  throw new CliError(CliErrorCode.CONTEXT_NOT_FOUND, `no context ${name}`, details)
}

function chooseNameservers(
  flag: string | undefined,
  environment: string | undefined,
  context: NamedContext | null,
  isContextAsked: boolean,
): { text: string; source: Connection['source'] } {
  if (flag !== undefined) return { text: flag, source: 'flag' }
  const own = context?.value.nameservers.join(';')
  if (isContextAsked && own !== undefined) return { text: own, source: 'flag' }
  if (environment !== undefined) return { text: environment, source: 'environment' }
  if (own !== undefined) return { text: own, source: 'context' }
  return { text: DEFAULT_NAMESERVER, source: 'default' }
}

/** `host`, `host:port` or `[v6]:port`, with `;` or `,` between. Throws CONNECTION_INVALID. */
export function readNameservers(text: string): string[] {
  const parts = text.split(/[;,]/).map((part) => part.trim())
  const addresses = parts.filter((part) => part !== '').map(readAddress)
  if (addresses.length === 0) throw invalid(`${JSON.stringify(text)} names no NameServer`)
  if (addresses.length > NAMESERVERS_MAX) throw invalid(`more than ${NAMESERVERS_MAX} NameServers`)
  return [...new Set(addresses)]
}

function readAddress(text: string): string {
  const match = /^(?:\[([0-9A-Fa-f:.%]+)\]|([^:[\]\s/]+))(?::([0-9]{1,5}))?$/.exec(text)
  const port = match?.[3] === undefined ? DEFAULT_NAMESRV_PORT : Number(match[3])
  if (match === null || port < 1 || port > 65_535) {
    throw invalid(`${JSON.stringify(text.slice(0, 80))} is no address (host:port)`)
  }
  return match[1] === undefined ? `${match[2]}:${port}` : `[${match[1]}]:${port}`
}

function credentialsOf(
  environment: CliIo['environment'],
  context: Context | undefined,
): Connection['credentials'] {
  const accessKey = nonEmpty(environment['APOGEE_ACCESS_KEY'])
  const secretKey = nonEmpty(environment['APOGEE_SECRET_KEY'])
  if ((accessKey === undefined) !== (secretKey === undefined)) {
    throw invalid('APOGEE_ACCESS_KEY and APOGEE_SECRET_KEY need each other')
  }
  if (accessKey !== undefined && secretKey !== undefined) {
    return withToken(accessKey, secretKey, nonEmpty(environment['APOGEE_SECURITY_TOKEN']))
  }
  if (context?.accessKey === undefined || context.secretKey === undefined) return null
  return withToken(context.accessKey, context.secretKey, context.securityToken)
}

function withToken(
  accessKey: string,
  secretKey: string,
  securityToken: string | undefined,
): NonNullable<Connection['credentials']> {
  const keys = { accessKey, secretKey }
  return securityToken === undefined ? keys : { ...keys, securityToken }
}

function tlsOf(tls: NonNullable<Context['tls']>): TlsSettings {
  return {
    ...(tls.ca === undefined ? {} : { ca: pem(tls.ca) }),
    ...(tls.cert === undefined ? {} : { cert: pem(tls.cert) }),
    ...(tls.key === undefined ? {} : { key: pem(tls.key) }),
    rejectUnauthorized: tls.verify ?? true,
  }
}

function pem(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    const reason = (cause as Error).message
    throw new CliError(CliErrorCode.CONNECTION_INVALID, `TLS file: ${reason}`, { cause })
  }
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === undefined || text.trim() === '' ? undefined : text
}

function invalid(message: string): CliError {
  return new CliError(CliErrorCode.CONNECTION_INVALID, message)
}
