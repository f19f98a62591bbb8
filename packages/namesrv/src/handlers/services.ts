import type { Malformed } from '@apogee/base'
import { ResponseCode } from '@apogee/protocol'
import { type Answer, type Connection, type Logger, refuse } from '@apogee/remoting'
import type { NamesrvSettings } from '../config/namesrv-settings.ts'
import type { RouteTable } from '../core/route-table.ts'
import type { KvStore } from '../kv/kv-store.ts'

/** The route table with its surroundings: time goes in, and what it decides is done. */
export interface Routes {
  readonly table: RouteTable
  /** Changes the table, then does what it decided. */
  change<T>(input: (table: RouteTable, nowMs: number) => T): T
  /** From now on the loss of this connection is the loss of the brokers registered over it. */
  watch(connection: Connection): void
}

/** What the handlers work with; each takes the parts it needs. */
export interface NamesrvServices {
  readonly routes: Routes
  readonly kv: KvStore
  readonly settings: NamesrvSettings
  /** Keeps changes of the configuration made at runtime; the reason when it could not. */
  keepSettings(changes: ReadonlyMap<string, string>): Promise<string | null>
  /** Milliseconds since the start of the NameServer. */
  upMs(): number
  readonly log: Logger
}

/** Refuses a request whose body is not what its code says. */
export function refuseBody(malformed: Malformed): Answer {
  return refuse(ResponseCode.SYSTEM_ERROR, `bad body: ${malformed.code} ${malformed.detail}`)
}
