import type { ConsumeFromWhere, ConsumeType, MessageModel } from '@apogee/protocol'
import type { ClientChannel, ClientConnection, ClientIdentity } from './client-channel.ts'
import type { Subscription, SubscriptionFields } from './subscription.ts'

/** How a group consumes, as each of its clients says; the last one to speak is believed. */
export interface ConsumeMode {
  readonly consumeType: ConsumeType
  readonly messageModel: MessageModel
  readonly consumeFromWhere: ConsumeFromWhere
}

/** The clients of a consumer group and what they read. Java: ConsumerGroupInfo. */
export class ConsumerGroupInfo {
  readonly groupName: string
  mode: ConsumeMode
  readonly subscriptions: Map<string, Subscription> = new Map()
  readonly channels: Map<ClientConnection, ClientChannel> = new Map()

  constructor(groupName: string, mode: ConsumeMode) {
    this.groupName = groupName
    this.mode = mode
  }

  get isBroadcasting(): boolean {
    return this.mode.messageModel === 'BROADCASTING'
  }

  /** A heartbeat of a client. True when it is new. */
  updateChannel(client: ClientIdentity, mode: ConsumeMode, nowMs: number): boolean {
    this.mode = mode
    const known = this.channels.get(client.connection)
    if (known !== undefined && known.clientId === client.clientId) {
      known.lastUpdateTimestamp = nowMs
      return false
    }
    this.channels.set(client.connection, { ...client, lastUpdateTimestamp: nowMs })
    // One connection with two client ids in a group is a client error; Java tells nobody of the change either.
    return known === undefined
  }

  /**
   * Takes what a client says it reads: newer versions replace older ones, topics not named are dropped. True when a topic
   * came or went.
   */
  updateSubscriptions(
    subscriptions: readonly SubscriptionFields[],
    make: (data: SubscriptionFields) => Subscription,
  ): { changed: boolean; added: string[]; removed: string[] } {
    const added: string[] = []
    const named = new Set<string>()
    for (const data of subscriptions) {
      named.add(data.topic)
      const known = this.subscriptions.get(data.topic)
      if (known === undefined) added.push(data.topic)
      else if (data.subVersion <= known.data.subVersion) continue
      this.subscriptions.set(data.topic, make(data))
    }
    const removed = [...this.subscriptions.keys()].filter((topic) => !named.has(topic))
    for (const topic of removed) this.subscriptions.delete(topic)
    return { changed: added.length > 0 || removed.length > 0, added, removed }
  }

  /** The client's newest connection: an older one may have gone silent without a word. */
  findChannel(clientId: string): ClientChannel | undefined {
    let found: ClientChannel | undefined
    for (const channel of this.channels.values()) if (channel.clientId === clientId) found = channel
    return found
  }

  /**
   * Each client once, however many connections it has. Apache's broker names it once for each: until a silent connection
   * has expired, members that share queues by it leave some without an owner.
   */
  clientIds(): string[] {
    return [...new Set([...this.channels.values()].map((channel) => channel.clientId))]
  }
}
