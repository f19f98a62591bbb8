import type { Connection } from '@apogee/remoting'

/** What the services for clients use of a connection. */
export type ClientConnection = Pick<
  Connection,
  'id' | 'remoteAddress' | 'open' | 'oneway' | 'request' | 'onClose' | 'close'
>

/** A client of a group on its connection (Java: ClientChannelInfo). */
export interface ClientChannel {
  readonly connection: ClientConnection
  readonly clientId: string
  /** LanguageCode. */
  readonly language: number
  /** Ordinal of MQVersion. */
  readonly version: number
  /** Wall time of the last heartbeat. */
  lastUpdateTimestamp: number
}

/** Who sends a heartbeat: a channel without its time. */
export type ClientIdentity = Omit<ClientChannel, 'lastUpdateTimestamp'>

/** Which groups each connection has joined, so that its end is felt in all of them at once. */
export class ConnectionGroups {
  private readonly groups = new Map<ClientConnection, Set<string>>()
  private readonly closed: (connection: ClientConnection, groups: ReadonlySet<string>) => void

  constructor(closed: (connection: ClientConnection, groups: ReadonlySet<string>) => void) {
    this.closed = closed
  }

  /** How many groups a connection is in. */
  count(connection: ClientConnection): number {
    return this.groups.get(connection)?.size ?? 0
  }

  join(connection: ClientConnection, group: string): void {
    let groups = this.groups.get(connection)
    if (groups === undefined) {
      groups = new Set()
      this.groups.set(connection, groups)
      connection.onClose(() => this.finish(connection))
    }
    groups.add(group)
  }

  leave(connection: ClientConnection, group: string): void {
    // The set stays until the connection closes: its listener is registered once.
    this.groups.get(connection)?.delete(group)
  }

  private finish(connection: ClientConnection): void {
    const groups = this.groups.get(connection)
    if (groups === undefined) return
    this.groups.delete(connection)
    if (groups.size > 0) this.closed(connection, groups)
  }
}
