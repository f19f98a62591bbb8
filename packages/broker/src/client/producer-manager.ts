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
  /** By client id: whoever is in a group. */
  private readonly clients = new Map<string, ClientChannel>()
  private readonly connections: ConnectionGroups
  private turn = 0

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

  /** Whether a client of the group can be asked. */
  hasChannel(group: string): boolean {
    for (const { open } of this.groups.get(group)?.keys() ?? []) if (open) return true
    return false
  }

  /** A client of the group that can be asked, another one each time. */
  availableChannel(group: string): ClientChannel | undefined {
    const open = [...(this.groups.get(group)?.values() ?? [])].filter(
      ({ connection }) => connection.open,
    )
    this.turn = (this.turn + 1) % Number.MAX_SAFE_INTEGER
    return open[this.turn % Math.max(1, open.length)]
  }

  /** The producer with this client id, in whatever group; the one that came last when there are several. */
  findChannel(clientId: string): ClientChannel | undefined {
    return this.clients.get(clientId)
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
    const channel = { ...client, lastUpdateTimestamp: nowMs }
    channels.set(client.connection, channel)
    this.clients.set(client.clientId, channel)
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
    const channel = channels?.get(connection)
    if (channels === undefined || channel === undefined) return
    channels.delete(connection)
    if (channels.size === 0) this.groups.delete(group)
    const { clientId } = channel
    const isLast = this.connections.count(connection) === 0
    if (isLast && this.clients.get(clientId)?.connection === connection) {
      this.clients.delete(clientId)
    }
  }
}
