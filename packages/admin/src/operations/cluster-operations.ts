import {
  type BrokerMemberGroup,
  ClusterInfo,
  GetBrokerMemberGroupRequestHeader,
  GetBrokerMemberGroupResponseBody,
  KVTable,
  RequestCode,
} from '@apogee/protocol'
import { AdminError, AdminErrorCode } from '../admin-error.ts'
import type { AdminTransport } from '../transport/admin-transport.ts'
import { type Answers, tryEach } from './answers.ts'
import { type ReplicaStatus, replicaStatuses } from './replica-status.ts'
import type { BrokerTarget, Where } from './where.ts'

/** A broker and what it says about itself; `runtime` is null when it could not be asked. */
export interface BrokerStatus extends BrokerTarget {
  readonly runtime: ReadonlyMap<string, string> | null
}

/** Which clusters and brokers there are, as the NameServer knows them. */
export class ClusterOperations {
  private readonly transport: AdminTransport

  constructor(transport: AdminTransport) {
    this.transport = transport
  }

  /** GET_BROKER_CLUSTER_INFO (106). Rejects with ADMIN_NAMESRV_UNREACHABLE. */
  info(): Promise<ClusterInfo> {
    const request = { code: RequestCode.GET_BROKER_CLUSTER_INFO, header: {}, values: {} }
    return this.transport.askNamesrvBody(request, ClusterInfo)
  }

  /**
   * Every broker of a cluster, or of all, sorted by cluster, name and id. Rejects with ADMIN_CLUSTER_NOT_FOUND for a name
   * that nobody registered.
   */
  async brokers(clusterName?: string): Promise<BrokerTarget[]> {
    const info = await this.info()
    if (clusterName !== undefined && !info.clusterAddrTable.has(clusterName)) {
      const known = [...info.clusterAddrTable.keys()].sort().join(', ') || 'none'
      const hint = `clusters that have registered: ${known}`
      throw new AdminError(AdminErrorCode.CLUSTER_NOT_FOUND, `no cluster ${clusterName}`, { hint })
    }
    const targets: BrokerTarget[] = []
    for (const [cluster, names] of info.clusterAddrTable) {
      if (clusterName !== undefined && cluster !== clusterName) continue
      for (const brokerName of names) {
        for (const [brokerId, address] of info.brokerAddrTable.get(brokerName)?.brokerAddrs ?? []) {
          targets.push({ clusterName: cluster, brokerName, brokerId, address })
        }
      }
    }
    return targets.sort(byPlace)
  }

  /**
   * The brokers that `where` means, masters only unless `withSlaves`. A broker given by address need not be registered: its
   * names are then empty. Rejects with ADMIN_CLUSTER_NOT_FOUND, ADMIN_BROKER_NOT_FOUND (nobody is there).
   */
  async targets(where: Where, withSlaves = false): Promise<BrokerTarget[]> {
    const { brokerAddr } = where
    if (brokerAddr !== undefined) return [await this.byAddress(brokerAddr)]
    const all = await this.brokers(where.clusterName)
    const found = withSlaves ? all : all.filter(({ brokerId }) => brokerId === 0)
    if (found.length > 0) return found
    const place = where.clusterName === undefined ? '' : ` in cluster ${where.clusterName}`
    const message = `no ${withSlaves ? 'broker' : 'master'} is registered${place}`
    throw new AdminError(AdminErrorCode.BROKER_NOT_FOUND, message, { retriable: true })
  }

  /** The brokers to ask for what slaves know too: of each name the master, or while none is registered the first slave. */
  async readers(where: Where): Promise<BrokerTarget[]> {
    const all = await this.targets(where, true)
    const isFirst = (one: BrokerTarget): boolean =>
      // They come in the order of their names and ids.
      all.find(({ brokerName, clusterName }) => {
        return brokerName === one.brokerName && clusterName === one.clusterName
      }) === one
    return all.filter(isFirst)
  }

  /** The master of a broker name. Rejects with ADMIN_BROKER_NOT_FOUND. */
  async master(brokerName: string): Promise<BrokerTarget> {
    const all = await this.brokers()
    const found = all.find((one) => one.brokerName === brokerName && one.brokerId === 0)
    if (found !== undefined) return found
    const known = [...new Set(all.map((one) => one.brokerName))].join(', ') || 'none'
    throw new AdminError(AdminErrorCode.BROKER_NOT_FOUND, `no master of broker ${brokerName}`, {
      hint: `brokers that have registered: ${known}`,
    })
  }

  /** Brokers with GET_BROKER_RUNTIME_INFO (28) of each. A broker that does not answer stays in the list, without it. */
  async status(clusterName?: string): Promise<Answers<BrokerStatus>> {
    const brokers = await this.brokers(clusterName)
    const runtimes = await this.runtimes(brokers)
    const byAddress = new Map(runtimes.results.map((one) => [one.address, one.runtime]))
    const results = brokers.map((one) => ({ ...one, runtime: byAddress.get(one.address) ?? null }))
    return { results, problems: runtimes.problems }
  }

  /** Masters and slaves: how far each is, who is in sync, who serves what. Codes as `status`. */
  async replicas(clusterName?: string): Promise<Answers<ReplicaStatus>> {
    const { results, problems } = await this.status(clusterName)
    return { results: replicaStatuses(results), problems }
  }

  /** GET_BROKER_MEMBER_GROUP (901): the brokers of one name, by id. Null when there are none. */
  async members(clusterName: string, brokerName: string): Promise<BrokerMemberGroup | null> {
    const body = await this.transport.askNamesrvBody(
      {
        code: RequestCode.GET_BROKER_MEMBER_GROUP,
        header: GetBrokerMemberGroupRequestHeader,
        values: { clusterName, brokerName },
      },
      GetBrokerMemberGroupResponseBody,
    )
    const group = body.brokerMemberGroup
    return group === null || group.brokerAddrs.size === 0 ? null : group
  }

  private runtimes(
    brokers: readonly BrokerTarget[],
  ): Promise<Answers<{ address: string; runtime: ReadonlyMap<string, string> }>> {
    const request = { code: RequestCode.GET_BROKER_RUNTIME_INFO, header: {}, values: {} }
    return tryEach(
      brokers,
      ({ address }) => address,
      async ({ address }) => {
        const { table } = await this.transport.callBody(address, request, KVTable)
        return { address, runtime: table }
      },
    )
  }

  /** The names of a broker come from the NameServer; without one, an address is enough for most requests. */
  private async byAddress(address: string): Promise<BrokerTarget> {
    const unnamed = { clusterName: '', brokerName: '', brokerId: 0, address }
    if (this.transport.namesrvAddrs.length === 0) return unnamed
    try {
      return (await this.brokers()).find((one) => one.address === address) ?? unnamed
    } catch (error) {
      const isDown =
        error instanceof AdminError && error.code === AdminErrorCode.NAMESRV_UNREACHABLE
      if (!isDown) throw error
      return unnamed
    }
  }
}

function byPlace(a: BrokerTarget, b: BrokerTarget): number {
  return (
    compare(a.clusterName, b.clusterName) ||
    compare(a.brokerName, b.brokerName) ||
    a.brokerId - b.brokerId
  )
}

/** The order of texts by code units, the same everywhere. */
export function compare(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
