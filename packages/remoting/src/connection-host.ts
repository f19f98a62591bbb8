import type { Clock } from '@apogee/env'
import type { Connection } from './connection.ts'
import type { ConnectionLimits } from './options.ts'
import type { OutputPool } from './output-pool.ts'

/** What a connection needs from the loop it belongs to. */
export interface ConnectionHost {
  readonly limits: ConnectionLimits
  readonly pool: OutputPool
  readonly clock: Clock
  /**
   * Whether a peer that does not read, or asks too much, is itself read no more: servers do that. Clients never do: two
   * ends that wait for each other to read would wait for ever.
   */
  readonly pausesPeers: boolean
  /** LanguageCode of the frames we write. */
  readonly language: number
  /** Requests of all connections that are not answered yet. */
  unanswered: number
  /** The connection has output: flush it at the end of this turn. */
  outputWaits(connection: Connection): void
  /** The connection may be handled again. */
  wake(connection: Connection): void
  /** What the connection holds has changed. */
  account(connection: Connection): void
  /** A connection is open no more. */
  closing(reason: string): void
  /** Something on it came in or finished: its requests, or its socket. */
  received(connection: Connection, bytes: Buffer, lent: boolean): void
  gone(connection: Connection): void
  /** A callback of somebody else threw. */
  callbackFailed(connection: Connection, error: unknown): void
}

/** Why a connection is not read. Bits: several hold at once. */
export const Pause = {
  /** It does not take our replies fast enough. */
  OUTPUT: 1,
  /** It has too many requests that are not answered yet. */
  UNANSWERED: 2,
  /** What it sent waits for its turn. */
  INPUT: 4,
  /** All connections together hold too much, and it holds the most. */
  TOTAL: 8,
  /** The server stops. */
  STOPPING: 16,
} as const
