import { Admin, type AdminTransportOptions } from '@apogee/admin'
import type { Credentials } from '@apogee/client'
import type { Signer } from '@apogee/client/internal'
import { nodeEnv } from '@apogee/env/node'
import type { CliIo } from '../io.ts'
import { readSpan } from '../time-expression.ts'
import { type Connection, type ConnectionFlags, resolveConnection } from './connection.ts'

/** An Admin for what flags, environment and contexts say. Nothing is connected yet. */
export async function openAdmin(
  flags: ConnectionFlags & { readonly timeout?: string },
  environment: CliIo['environment'],
): Promise<Admin> {
  const connection = resolveConnection(flags, environment)
  const timeoutMs = flags.timeout === undefined ? undefined : readSpan('--timeout', flags.timeout)
  return Admin.connect(await transportOptions(connection, timeoutMs), nodeEnv())
}

async function transportOptions(
  { nameservers, credentials, tls }: Connection,
  timeoutMs: number | undefined,
): Promise<AdminTransportOptions> {
  const signer = credentials === null ? null : await signerOf(credentials)
  return {
    namesrvAddrs: nameservers,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(tls === null ? {} : { tls }),
    ...(signer === null
      ? {}
      : { sign: ({ fields, body }) => signer.sign(fields ?? null, body ?? null) }),
  }
}

/** Who has no keys need not load a client. */
async function signerOf(credentials: Credentials): Promise<Signer> {
  const client = await import('@apogee/client/internal')
  return new client.Signer(credentials)
}
