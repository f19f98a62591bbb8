import type { Clock } from '@apogee/env'
import type { Logger } from '@apogee/remoting'
import type { BrokerConfig } from '../config/broker-config.ts'
import {
  type ClientChannel,
  type ClientConnection,
  type ClientIdentity,
  ConnectionGroups,
} from './client-channel.ts'

/** Producers by group, as their heartbeats say. Limit: registrationsPerConnectionMax. Java: ProducerManager. */
export class ProducerManager {
  private readonly config: BrokerConfig
  private readonly clock: Clock
  private readonly log: Logger
  private readonly groups = new Map<string, Map<ClientConnection, ClientChannel>>()
  private readonly connections: ConnectionGroups

  constructor(config: BrokerConfig, deps: { clock: Clock; log: Logger }) {
    this.config = config
    this.clock = deps.clock
    this.log = deps.log
    this.connections = new ConnectionGroups((connection, left) => {
      for (const group of left) this.remove(group, connection)
    })
  }

  /** Groups with their channels; none is empty. */
  all(): ReadonlyMap<string, ReadonlyMap<ClientConnection, ClientChannel>> {
    return this.groups
  }

  channels(group: string): ReadonlyMap<ClientConnection, ClientChannel> | undefined {
    return this.groups.get(group)
  }

  /** A heartbeat. False when the connection is in registrationsPerConnectionMax groups already. */
  register(group: string, client: ClientIdentity): boolean {
    const known = this.groups.get(group)?.get(client.connection)
    const nowMs = this.clock.wallMs()
    if (known !== undefined) {
      known.lastUpdateTimestamp = nowMs
      return true
    }
    const { enableRegisterProducer, rejectTransactionMessage } = this.config.values
    if (!enableRegisterProducer && rejectTransactionMessage) return true
    const joined = this.connections.count(client.connection)
    if (joined >= this.config.values.registrationsPerConnectionMax) return false
    let channels = this.groups.get(group)
    if (channels === undefined) {
      channels = new Map()
      this.groups.set(group, channels)
    }
    channels.set(client.connection, { ...client, lastUpdateTimestamp: nowMs })
    this.connections.join(client.connection, group)
    const { clientId, connection } = client
    const remoteAddress = connection.remoteAddress
    this.log.debug({ event: 'producer_joined', group, clientId, remoteAddress })
    return true
  }

  unregister(group: string, connection: ClientConnection): void {
    this.connections.leave(connection, group)
    this.remove(group, connection)
  }

  /** Drops and closes channels without a heartbeat for channelExpiredTimeout. */
  removeExpired(): void {
    const deadline = this.clock.wallMs() - this.config.values.channelExpiredTimeout
    for (const [group, channels] of this.groups) {
      for (const [connection, channel] of channels) {
        if (channel.lastUpdateTimestamp >= deadline) continue
        const { clientId } = channel
        this.log.warn({ event: 'producer_expired', group, clientId })
        this.unregister(group, connection)
        connection.close('no heartbeat')
      }
    }
  }

  private remove(group: string, connection: ClientConnection): void {
    const channels = this.groups.get(group)
    if (channels?.delete(connection) && channels.size === 0) this.groups.delete(group)
  }
}
