import { type ClientLogger, RocketMQ } from '@apogee/client'
import type { CliIo } from '../io.ts'
import { type ConnectionFlags, resolveConnection } from './connection.ts'

/** A client for what flags, environment and contexts say. Nothing is connected yet. */
export function openClient(
  flags: ConnectionFlags,
  environment: CliIo['environment'],
  requestTimeoutMs?: number,
  logger?: ClientLogger,
): RocketMQ {
  const { nameservers, credentials, namespace, tls } = resolveConnection(flags, environment)
  return new RocketMQ({
    nameservers,
    ...(credentials === null ? {} : { credentials }),
    ...(namespace === null ? {} : { namespace }),
    ...(tls === null ? {} : { tls }),
    ...(logger === undefined ? {} : { logger }),
    ...(requestTimeoutMs === undefined ? {} : { requestTimeoutMs }),
  })
}
