import type { Env } from '@apogee/env'
import { AdminTransport, type AdminTransportOptions } from '../transport/admin-transport.ts'
import { BrokerOperations } from './broker-operations.ts'
import { ClientOperations } from './client-operations.ts'
import { ClusterOperations } from './cluster-operations.ts'
import { GroupAdmin } from './group-admin.ts'
import { MessageOperations } from './message-operations.ts'
import { NamesrvOperations } from './namesrv-operations.ts'
import { OffsetOperations } from './offset-operations.ts'
import { TopicOperations } from './topic-operations.ts'

/**
 * Administration of a cluster from code (Java: DefaultMQAdminExt), grouped by what it is about. Every operation that asks
 * several brokers gives what those say that answer, and names the others in `problems`; when none answers it rejects.
 * Errors are AdminErrors with a stable `code`.
 *
 *     const admin = await mq.admin()
 *     await admin.topics.create('orders', { queues: 8 })
 *     const { totalLag } = await admin.groups.lag('billing')
 */
export class Admin {
  readonly cluster: ClusterOperations
  readonly brokers: BrokerOperations
  readonly topics: TopicOperations
  readonly groups: GroupAdmin
  readonly offsets: OffsetOperations
  readonly messages: MessageOperations
  readonly clients: ClientOperations
  readonly namesrv: NamesrvOperations
  readonly transport: AdminTransport

  constructor(transport: AdminTransport) {
    this.transport = transport
    this.cluster = new ClusterOperations(transport)
    this.brokers = new BrokerOperations(transport, this.cluster)
    this.topics = new TopicOperations(transport, this.cluster)
    this.clients = new ClientOperations(transport, this.cluster, this.brokers, this.topics)
    this.offsets = new OffsetOperations(transport, this.topics)
    this.namesrv = new NamesrvOperations(transport)
    this.messages = new MessageOperations(transport, this.cluster, this.topics, this.offsets)
    this.groups = new GroupAdmin(transport, this)
  }

  /** An Admin with connections of its own; `close` ends them. */
  static connect(options: AdminTransportOptions, env: Pick<Env, 'clock' | 'net'>): Admin {
    return new Admin(new AdminTransport(options, env))
  }

  close(): Promise<void> {
    return this.transport.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
