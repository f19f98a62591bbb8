import type { Clock, Timer } from '@apogee/env'
import { encodeHeader, UnRegisterBrokerRequestHeader } from '@apogee/protocol'
import type { Logger, RemotingClient } from '@apogee/remoting'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { TopicConfig } from '../topic/topic-config.ts'
import type { TopicConfigManager } from '../topic/topic-config-manager.ts'
import { NameServerLink } from './name-server-link.ts'
import { type BrokerAddresses, RegistrationBuilder } from './registration.ts'

const PERIOD_MIN_MS = 10_000
const PERIOD_MAX_MS = 60_000
/** Who waits for NameServers goes on without them after this. */
const TOLD_MAX_MS = 3000
const NAME_SERVERS_MAX = 64

/**
 * Keeps this broker registered with all its NameServers: everything at the start, each registerNameServerPeriod and when a
 * topic is deleted, changed topics at once. NameServers do not know of each other, and one that is away does not hold up
 * the others. Java: BrokerOuterAPI, BrokerController's registerBrokerAll.
 */
export class BrokerOuterApi {
  private readonly config: BrokerConfig
  private readonly deps: OuterDeps
  private links: NameServerLink[] = []
  private addresses: BrokerAddresses | null = null
  private timer: Timer | null = null

  constructor(config: BrokerConfig, deps: OuterDeps) {
    this.config = config
    this.deps = deps
  }

  /** Registers now and from now on. `addresses` are known once the ports are. */
  start(addresses: BrokerAddresses): void {
    this.addresses = addresses
    const builder = new RegistrationBuilder(this.config, this.deps.topics, addresses)
    const { client, clock, log, topics } = this.deps
    this.links = nameServers(this.config.values.namesrvAddr).map(
      (address) =>
        new NameServerLink(address, {
          client,
          clock,
          log,
          build: (changed) => builder.build(changed),
          timeoutMs: () => this.config.values.registerBrokerTimeoutMills,
          ordered: (names) => topics.updateOrderTopics(names),
        }),
    )
    topics.onChange(({ changed, deleted }) => this.topicsChanged(changed, deleted))
    this.registerAll()
  }

  /** NameServers that hold this broker's topics now. */
  get registeredCount(): number {
    return this.links.filter((link) => link.registered).length
  }

  get nameServerCount(): number {
    return this.links.length
  }

  /** Resolves when every NameServer that can be reached has answered what was changed by now, after 3 s in any case. */
  told(): Promise<void> {
    if (this.links.length === 0) return Promise.resolve()
    const answers = this.links.map((link) => new Promise<void>((done) => link.whenTold(done)))
    return new Promise((resolve) => {
      const timer = this.deps.clock.after(TOLD_MAX_MS, resolve)
      void Promise.all(answers).then(() => {
        timer.cancel()
        resolve()
      })
    })
  }

  /** Leaves all NameServers, so that clients look elsewhere; resolves when each has answered or 3 s are over. */
  stop(): Promise<void> {
    this.timer?.cancel()
    const { brokerName, brokerClusterName, brokerId } = this.config.values
    const links = this.links
    this.links = []
    if (this.addresses === null) return Promise.resolve()
    const { brokerAddr } = this.addresses
    const fields = encodeHeader(UnRegisterBrokerRequestHeader, {
      brokerName,
      brokerAddr,
      clusterName: brokerClusterName,
      brokerId,
    })
    const goodbyes = links.map(
      (link) => new Promise<void>((resolve) => link.unregister(fields, resolve)),
    )
    return Promise.all(goodbyes).then(() => undefined)
  }

  private registerAll(): void {
    for (const link of this.links) link.registerAll()
    const period = this.config.values.registerNameServerPeriod
    const delayMs = Math.min(Math.max(period, PERIOD_MIN_MS), PERIOD_MAX_MS)
    this.timer = this.deps.clock.after(delayMs, () => this.registerAll())
  }

  private topicsChanged(changed: readonly TopicConfig[], deleted: readonly string[]): void {
    if (changed.length === 0 && deleted.length === 0) return
    // A part says what there is, not what there is no more.
    const all = deleted.length > 0 || changed.length >= this.deps.topics.size
    for (const link of this.links) {
      if (all) link.registerAll()
      else link.registerTopics(changed)
    }
  }
}

export interface OuterDeps {
  client: Pick<RemotingClient, 'connection'>
  clock: Clock
  log: Logger
  topics: TopicConfigManager
}

/** The addresses of `namesrvAddr`; those beyond 64 are not used. */
export function nameServers(namesrvAddr: string): string[] {
  const addresses = namesrvAddr.split(/[;,]/).map((address) => address.trim())
  return [...new Set(addresses.filter((address) => address !== ''))].slice(0, NAME_SERVERS_MAX)
}
