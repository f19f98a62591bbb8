import type { TopicRouteData } from '@apogee/protocol'
import { chooseReadAddress, type ReadAddress } from '../core/pull-source.ts'

const NO_REPLICAS: ReadonlyMap<number, string> = new Map()

/** Addresses of brokers by name and id, as the routes in use have them (Java: brokerAddrTable). */
export class BrokerTable {
  private byName = new Map<string, ReadonlyMap<number, string>>()
  private nameByAddress = new Map<string, string>()

  /**
   * Takes over a route that has just been answered. Its addresses replace what older answers said of its brokers;
   * returns the addresses that nobody had named before.
   */
  learn(data: TopicRouteData): string[] {
    const added: string[] = []
    for (const { brokerName, brokerAddrs } of data.brokerDatas) {
      this.byName.set(brokerName, brokerAddrs)
      for (const address of brokerAddrs.values()) {
        if (!this.nameByAddress.has(address)) added.push(address)
        this.nameByAddress.set(address, brokerName)
      }
    }
    return added
  }

  /** Forgets brokers and addresses that none of these routes names; returns the addresses. */
  retain(routes: Iterable<TopicRouteData>): string[] {
    const names = new Set<string>()
    for (const { brokerDatas } of routes) for (const it of brokerDatas) names.add(it.brokerName)
    for (const name of this.byName.keys()) if (!names.has(name)) this.byName.delete(name)
    const left = new Map<string, string>()
    for (const [name, addresses] of this.byName) {
      for (const address of addresses.values()) left.set(address, name)
    }
    const gone = [...this.nameByAddress.keys()].filter((address) => !left.has(address))
    this.nameByAddress = left
    return gone
  }

  address(brokerName: string, brokerId: number): string | null {
    return this.byName.get(brokerName)?.get(brokerId) ?? null
  }

  /** See `chooseReadAddress`. */
  readAddress(brokerName: string, wantedId: number): ReadAddress | null {
    const addresses = this.byName.get(brokerName)
    return addresses === undefined ? null : chooseReadAddress(addresses, wantedId)
  }

  replicas(brokerName: string): ReadonlyMap<number, string> {
    return this.byName.get(brokerName) ?? NO_REPLICAS
  }

  addresses(withSlaves: boolean): string[] {
    const all: string[] = []
    for (const addresses of this.byName.values()) {
      for (const [id, address] of addresses) if (id === 0 || withSlaves) all.push(address)
    }
    return all
  }

  nameOf(address: string): string | null {
    return this.nameByAddress.get(address) ?? null
  }
}
