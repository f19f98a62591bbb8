import { isMalformed } from '@apogee/base'
import {
  decodeBody,
  encodeHeader,
  HARuntimeInfo,
  KVTable,
  type PullMessageRequestHeader as PullFieldsOf,
  PullMessageRequestHeader,
  RequestCode,
  SendMessageRequestHeaderV2,
} from '@apogee/protocol'
import type { Response } from '@apogee/remoting'
import type { BrokerConfigValues } from '../../config/config-values.ts'
import { type BrokerNode, ClusterWorld } from '../../slave/testing/cluster-world.ts'
import { pullHeader, type SendHeader, sendHeader } from '../../testing/requests.ts'

export const MASTER_HOST = '10.0.0.1'
export const SLAVE_HOST = '10.0.0.2'

/** A master, one slave and a NameServer in the simulator; the slave is not started. */
export class ReplicaPair {
  readonly cluster: ClusterWorld
  readonly master: BrokerNode
  readonly slave: BrokerNode

  constructor(
    seed: number,
    master: Partial<BrokerConfigValues> = {},
    slave: Partial<BrokerConfigValues> = {},
  ) {
    this.cluster = new ClusterWorld(seed)
    this.master = this.cluster.node(MASTER_HOST, master)
    this.slave = this.cluster.slave(SLAVE_HOST, slave)
  }

  /** NameServer, master and slave; the slave follows, and has the topic `orders` and the group `g`. */
  async start(): Promise<this> {
    await this.startMaster()
    await this.slave.start()
    await this.untilInSync()
    return this
  }

  async startMaster(): Promise<void> {
    await this.cluster.startNameServers()
    await this.master.start()
    await this.cluster.createTopic(this.master, 'orders')
    this.master.services.groups.find('g')
  }

  /** The slave follows, in the same state as its master, and is counted by it. */
  async untilInSync(): Promise<void> {
    await this.untilFollowing()
    await this.cluster.until(() => this.master.services.ha.master!.inSyncReplicas > 1)
  }

  /** The slave has the log's end, the topic and the group; it may lack the log's beginning. */
  async untilFollowing(): Promise<void> {
    const { master, slave } = this
    await this.cluster.until(() => {
      if (slave.services.ha.slave!.status.state !== 'following') return false
      if (slave.services.topics.select('orders') === undefined) return false
      if (slave.services.groups.select('g') === undefined) return false
      return master.services.ha.master!.peers.some(({ gap }) => gap === 0)
    })
  }

  /** The slave has what the master has, dispatched too. */
  async untilSame(): Promise<void> {
    const { master, slave } = this
    await this.cluster.until(() => {
      const { appended } = master.services.store.watermarks
      return slave.services.store.watermarks.dispatched === appended
    })
  }

  get nowMs(): number {
    return this.cluster.world.clock.monotonicMs()
  }

  /** One message; `body`, and what `changes` says. */
  send(
    body: string,
    changes: Partial<SendHeader> = {},
    node: BrokerNode = this.master,
  ): Promise<Response> {
    const code = RequestCode.SEND_MESSAGE_V2
    const header = sendHeader(changes)
    return this.cluster.call(
      node.address,
      code,
      SendMessageRequestHeaderV2,
      header,
      Buffer.from(body),
    )
  }

  /** A pull that may wait `suspendMs`. */
  pull(
    node: BrokerNode,
    queueOffset: number,
    suspendMs = 0,
    changes: Partial<PullFieldsOf> = {},
  ): Promise<Response> {
    const header = pullHeader({
      queueOffset,
      sysFlag: suspendMs > 0 ? 4 | 2 : 4,
      suspendTimeoutMillis: suspendMs,
      ...changes,
    })
    const fields = encodeHeader(PullMessageRequestHeader, header)
    const request = { code: RequestCode.PULL_MESSAGE, fields }
    return this.cluster.settle(this.cluster.client.invoke(node.address, request, 60_000))
  }

  /** GET_BROKER_RUNTIME_INFO (28). */
  async runtimeInfo(node: BrokerNode): Promise<ReadonlyMap<string, string>> {
    const code = RequestCode.GET_BROKER_RUNTIME_INFO
    const info = decodeBody(KVTable, (await this.cluster.call(node.address, code, {}, {})).body)
    if (isMalformed(info)) throw new Error(info.detail)
    return info.table
  }

  /** GET_BROKER_HA_STATUS (907). */
  async haStatus(node: BrokerNode): Promise<HARuntimeInfo> {
    const code = RequestCode.GET_BROKER_HA_STATUS
    const { body } = await this.cluster.call(node.address, code, {}, {})
    const info = decodeBody(HARuntimeInfo, body)
    if (isMalformed(info)) throw new Error(info.detail)
    return info
  }

  /** Starts the master again after a power cut: the client's connection to it is dead, and the first call finds out. */
  async masterReturns(): Promise<void> {
    await this.master.start()
    await this.runtimeInfo(this.master).catch((error: Error & { code?: string }) => {
      if (error.code !== 'REMOTING_CLOSED') throw error
    })
  }

  cut(): void {
    this.cluster.world.network.partition([MASTER_HOST], [SLAVE_HOST])
  }

  heal(): void {
    this.cluster.world.network.heal()
  }

  async stop(): Promise<void> {
    await this.slave.stop()
    await this.master.stop()
  }
}
