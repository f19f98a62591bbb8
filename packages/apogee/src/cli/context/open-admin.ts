import { Admin, type AdminTransportOptions } from '@apogee/admin'
import { Signer } from '@apogee/client/internal'
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
  return Admin.connect(transportOptions(connection, timeoutMs), nodeEnv())
}

function transportOptions(
  { nameservers, credentials, tls }: Connection,
  timeoutMs: number | undefined,
): AdminTransportOptions {
  const signer = credentials === null ? null : new Signer(credentials)
  return {
    namesrvAddrs: nameservers,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(tls === null ? {} : { tls }),
    ...(signer === null
      ? {}
      : { sign: ({ fields, body }) => signer.sign(fields ?? null, body ?? null) }),
  }
}
