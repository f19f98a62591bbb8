import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { CommandOutput } from '@apogee/admin'
import { CliError, CliErrorCode, usageError } from '../cli-error.ts'
import { didYouMean } from '../did-you-mean.ts'
import { ExitCode } from '../exit-codes.ts'
import type { CliIo } from '../io.ts'
import type { OutputFlags } from '../output/output-options.ts'
import { readNameservers, resolveConnection } from './connection.ts'
import type { ContextAddFlags } from './context-command.ts'
import {
  type Context,
  type Contexts,
  type ContextTls,
  contextFilePath,
  isContextName,
  isOpenToOthers,
  loadContexts,
  saveContexts,
} from './context-file.ts'

const SECRET_MAX_BYTES = 4096
const HIDDEN = '(hidden)'

export async function addContext(io: CliIo, name: string, flags: ContextAddFlags): Promise<number> {
  if (!isContextName(name)) {
    throw usageError(
      `${JSON.stringify(name)} is no name of a context`,
      'letters, digits, dots and dashes',
    )
  }
  const path = contextFilePath(io.environment)
  const before = loadContexts(path)
  if (Object.hasOwn(before.contexts, name) && !flags.replace) {
    const details = { hint: '--replace takes its place', exitCode: ExitCode.USAGE }
    throw new CliError(CliErrorCode.CONTEXT_EXISTS, `there is a context ${name}`, details)
  }
  const context = await contextOf(io, flags)
  // Reads its files once, so that a wrong path is told now.
  const contexts = { ...before.contexts, [name]: context }
  resolveConnection({ context: name }, {}, () => ({ current: null, contexts }))
  const isUsed = flags.use || before.current === null
  saveContexts(path, { current: isUsed ? name : before.current, contexts })
  await io.out.write(`context ${name} added${isUsed ? ' and in use' : ''}\n`)
  return ExitCode.OK
}

async function contextOf(io: CliIo, flags: ContextAddFlags): Promise<Context> {
  const { accessKey, description, namespace, securityToken } = flags
  if (accessKey === undefined && (flags.secretKeyFile ?? securityToken) !== undefined) {
    throw usageError('--secret-key-file and --security-token need --access-key')
  }
  const secretKey = accessKey === undefined ? undefined : await readSecret(io, flags.secretKeyFile)
  const tls = tlsOf(flags)
  return {
    nameservers: readNameservers(flags.namesrvAddr),
    ...(description === undefined ? {} : { description }),
    ...(accessKey === undefined ? {} : { accessKey }),
    ...(secretKey === undefined ? {} : { secretKey }),
    ...(securityToken === undefined ? {} : { securityToken }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(tls === undefined ? {} : { tls }),
  }
}

function tlsOf({
  tls,
  tlsCa,
  tlsCert,
  tlsKey,
  tlsVerify,
}: ContextAddFlags): ContextTls | undefined {
  const isAsked = tls === true || (tlsCa ?? tlsCert ?? tlsKey) !== undefined || !tlsVerify
  if (!isAsked) return undefined
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    throw usageError('--tls-cert and --tls-key need each other')
  }
  return {
    ...(tlsCa === undefined ? {} : { ca: resolve(tlsCa) }),
    ...(tlsCert === undefined ? {} : { cert: resolve(tlsCert) }),
    ...(tlsKey === undefined ? {} : { key: resolve(tlsKey) }),
    ...(tlsVerify ? {} : { verify: false }),
  }
}

/** Never from an argument: those can be seen by every user of the machine. */
async function readSecret(io: CliIo, file: string | undefined): Promise<string> {
  if (file === undefined) return await promptForSecret(io)
  const text = file === '-' ? await readAll(io) : readSecretFile(file)
  const secret = text.trim()
  if (secret === '') throw usageError('the secret key is empty')
  return secret
}

function readSecretFile(file: string): string {
  try {
    return readFileSync(file, 'utf8').slice(0, SECRET_MAX_BYTES)
  } catch (cause) {
    throw new CliError(CliErrorCode.FILE, (cause as Error).message, { cause })
  }
}

async function readAll(io: CliIo): Promise<string> {
  let text = ''
  for await (const chunk of io.input.stream) {
    text += String(chunk)
    if (text.length > SECRET_MAX_BYTES) throw usageError('the secret key is too long')
  }
  return text
}

async function promptForSecret(io: CliIo): Promise<string> {
  if (!io.input.isTerminal || !io.err.isTerminal) {
    throw usageError(
      '--secret-key-file is needed where nobody can be asked',
      '- reads standard input',
    )
  }
  const { isCancel, password } = await import('@clack/prompts')
  const secret = await password({ message: 'Secret key', output: process.stderr })
  if (isCancel(secret)) throw new CliError(CliErrorCode.INTERRUPTED, 'nothing was added')
  if (secret === undefined || secret.trim() === '') throw usageError('the secret key is empty')
  return secret.trim()
}

export async function listContexts(io: CliIo, flags: OutputFlags): Promise<number> {
  const { contexts, current } = loadContexts(contextFilePath(io.environment))
  const output: CommandOutput = {
    kind: 'table',
    columns: [
      { key: 'name', title: 'NAME' },
      { key: 'isCurrent', title: 'IN USE', format: (value) => (value === true ? '*' : '') },
      { key: 'nameservers', title: 'NAMESERVERS' },
      { key: 'accessKey', title: 'ACCESS KEY' },
      { key: 'hasTls', title: 'TLS', format: (value) => (value === true ? 'yes' : 'no') },
      { key: 'namespace', title: 'NAMESPACE', wide: true },
      { key: 'description', title: 'DESCRIPTION' },
    ],
    rows: Object.entries(contexts).map(([name, context]) => ({
      name,
      isCurrent: name === current,
      nameservers: context.nameservers.join(';'),
      accessKey: context.accessKey ?? null,
      hasTls: context.tls !== undefined,
      namespace: context.namespace ?? null,
      description: context.description ?? null,
    })),
    notes:
      Object.keys(contexts).length === 0 ? ['none yet: apogee context add NAME -n ADDRESS'] : [],
  }
  const { writeOutput } = await import('../output/write-output.ts')
  await writeOutput(io, output, flags)
  return ExitCode.OK
}

export async function takeContext(io: CliIo, name: string): Promise<number> {
  const path = contextFilePath(io.environment)
  const before = loadContexts(path)
  const { nameservers } = contextNamed(before, name)
  saveContexts(path, { ...before, current: name })
  await io.out.write(`context ${name} is in use: ${nameservers.join(';')}\n`)
  await noteOverrides(io)
  return ExitCode.OK
}

/** What would make people wonder why the context has no effect. */
async function noteOverrides(io: CliIo): Promise<void> {
  for (const variable of ['NAMESRV_ADDR', 'APOGEE_CONTEXT']) {
    const value = io.environment[variable]
    if (value !== undefined && value !== '') {
      await io.err.write(`note: ${variable}=${value} is set and wins over it\n`)
    }
  }
}

export async function showContext(
  io: CliIo,
  name: string | null,
  flags: OutputFlags & { showSecrets?: boolean },
): Promise<number> {
  const path = contextFilePath(io.environment)
  const file = loadContexts(path)
  const wanted = name ?? file.current
  if (wanted === null) {
    const hint = '`apogee context use NAME` chooses one'
    throw new CliError(CliErrorCode.CONTEXT_NOT_FOUND, 'no context is in use', { hint })
  }
  const context = contextNamed(file, wanted)
  const secretKey = flags.showSecrets ? context.secretKey : HIDDEN
  const output: CommandOutput = {
    kind: 'record',
    value: {
      name: wanted,
      isCurrent: wanted === file.current,
      ...context,
      ...(context.secretKey === undefined ? {} : { secretKey }),
      ...(context.securityToken === undefined || flags.showSecrets
        ? {}
        : { securityToken: HIDDEN }),
      file: path,
    },
    notes: isOpenToOthers(path) ? [`others can read ${path}: chmod 600 it`] : [],
  }
  const { writeOutput } = await import('../output/write-output.ts')
  await writeOutput(io, output, flags)
  return ExitCode.OK
}

export async function removeContext(io: CliIo, name: string): Promise<number> {
  const path = contextFilePath(io.environment)
  const before = loadContexts(path)
  contextNamed(before, name)
  const { [name]: _, ...contexts } = before.contexts
  const current = before.current === name ? null : before.current
  saveContexts(path, { current, contexts })
  await io.out.write(
    `context ${name} removed${current === before.current ? '' : '; none is in use now'}\n`,
  )
  return ExitCode.OK
}

function contextNamed({ contexts }: Contexts, name: string): Context {
  const context = Object.hasOwn(contexts, name) ? contexts[name] : undefined
  if (context !== undefined) return context
  const meant = didYouMean(name, Object.keys(contexts))
  const details = meant === null ? {} : { hint: `did you mean ${meant}?` }
  throw new CliError(CliErrorCode.CONTEXT_NOT_FOUND, `no context ${name}`, details)
}
