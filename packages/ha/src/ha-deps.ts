import type { Env } from '@apogee/env'
import type { LogReplication } from '@apogee/store'

/** The pino shape: events with fields first, a sentence for people second. */
export interface HaLogger {
  debug(fields: object, message?: string): void
  info(fields: object, message?: string): void
  warn(fields: object, message?: string): void
  error(fields: object, message?: string): void
}

/** What both sides work with: the four ports, a log, and the store's log of messages. */
export interface HaDeps {
  readonly env: Env
  readonly log: HaLogger
  readonly replication: LogReplication
}
