// Named connections, kept in one file: ~/.config/apogee/contexts.json. It holds secret keys, so only its owner can read it.
import {
  chmodSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { CliError, CliErrorCode } from '../cli-error.ts'
import type { CliIo } from '../io.ts'

/** What reaching a cluster takes. */
export interface Context {
  /** "host:port" each. */
  readonly nameservers: readonly string[]
  readonly description?: string
  readonly accessKey?: string
  readonly secretKey?: string
  readonly securityToken?: string
  readonly namespace?: string
  readonly tls?: ContextTls
}

export interface ContextTls {
  /** PEM files, absolute paths. */
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  /** Default true. */
  readonly verify?: boolean
}

export interface Contexts {
  /** The one that is used when nothing else is said. */
  readonly current: string | null
  readonly contexts: Readonly<Record<string, Context>>
}

const OWNER_ONLY = 0o600
const OWNER_ONLY_FOLDER = 0o700
const FILE_MAX_BYTES = 1024 * 1024
/** Names stand in files, prompts and shell words. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

export function isContextName(text: string): boolean {
  return NAME.test(text)
}

/** Where the contexts of this user are: XDG_CONFIG_HOME, APPDATA, or ~/.config. */
export function contextFilePath(
  environment: CliIo['environment'],
  platform: string = process.platform,
): string {
  const chosen = environment['XDG_CONFIG_HOME']
  if (chosen !== undefined && chosen !== '') return join(chosen, 'apogee', 'contexts.json')
  const roaming = environment['APPDATA']
  if (platform === 'win32' && roaming !== undefined && roaming !== '') {
    return join(roaming, 'apogee', 'contexts.json')
  }
  const home = environment['HOME']
  return join(
    home === undefined || home === '' ? homedir() : home,
    '.config',
    'apogee',
    'contexts.json',
  )
}

/** No file means no contexts. Throws CONTEXT_FILE. */
export function loadContexts(path: string): Contexts {
  let text: string
  try {
    if (statSync(path).size > FILE_MAX_BYTES) throw new Error('larger than 1 MiB')
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { current: null, contexts: {} }
    throw fileError(path, error)
  }
  try {
    return checked(JSON.parse(text))
  } catch (error) {
    throw fileError(path, error)
  }
}

/** The whole file or nothing of it is replaced. Throws CONTEXT_FILE. */
export function saveContexts(path: string, contexts: Contexts): void {
  const temporary = `${path}.${process.pid}.tmp`
  try {
    mkdirSync(dirname(path), { recursive: true, mode: OWNER_ONLY_FOLDER })
    writeFileSync(temporary, `${JSON.stringify({ version: 1, ...contexts }, null, 2)}\n`, {
      mode: OWNER_ONLY,
    })
    // The mode above is of new files only.
    chmodSync(temporary, OWNER_ONLY)
    renameSync(temporary, path)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw fileError(path, error)
  }
}

/** Whether others than its owner can read the file. */
export function isOpenToOthers(path: string): boolean {
  if (process.platform === 'win32') return false
  try {
    return (statSync(path).mode & 0o077) !== 0
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw fileError(path, error)
  }
}

function fileError(path: string, cause: unknown): CliError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  const hint = 'mend the file, or remove it and add the contexts again'
  return new CliError(CliErrorCode.CONTEXT_FILE, `${path}: ${reason}`, { cause, hint })
}

function checked(value: unknown): Contexts {
  const file = objectOf(value, 'the file')
  const contexts: Record<string, Context> = {}
  for (const [name, one] of Object.entries(objectOf(file['contexts'], 'contexts'))) {
    contexts[name] = checkedContext(name, objectOf(one, name))
  }
  const current = textOf(file['current'] ?? undefined, 'current')
  return {
    current: current !== undefined && Object.hasOwn(contexts, current) ? current : null,
    contexts,
  }
}

function checkedContext(name: string, value: Record<string, unknown>): Context {
  const { nameservers, tls } = value
  if (!Array.isArray(nameservers) || !nameservers.every((one) => typeof one === 'string')) {
    throw new Error(`${name}.nameservers is no list of texts`)
  }
  const texts = ['description', 'accessKey', 'secretKey', 'securityToken', 'namespace'] as const
  return {
    nameservers,
    ...textMembers(value, texts, name),
    ...(tls === undefined ? {} : { tls: checkedTls(objectOf(tls, `${name}.tls`), name) }),
  }
}

function checkedTls(value: Record<string, unknown>, name: string): ContextTls {
  const { verify } = value
  if (verify !== undefined && typeof verify !== 'boolean') {
    throw new Error(`${name}.tls.verify is neither true nor false`)
  }
  const files = textMembers(value, ['ca', 'cert', 'key'], `${name}.tls`)
  return verify === undefined ? files : { ...files, verify }
}

function textMembers<K extends string>(
  value: Record<string, unknown>,
  keys: readonly K[],
  name: string,
): Partial<Record<K, string>> {
  const texts: Partial<Record<K, string>> = {}
  for (const key of keys) {
    const text = textOf(value[key], `${name}.${key}`)
    if (text !== undefined) texts[key] = text
  }
  return texts
}

function objectOf(value: unknown, what: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>
  }
  throw new Error(`${what} is no object`)
}

function textOf(value: unknown, what: string): string | undefined {
  if (value === undefined || typeof value === 'string') return value
  throw new Error(`${what} is no text`)
}
