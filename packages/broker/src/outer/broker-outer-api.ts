import type { Clock, Timer } from '@apogee/env'
import { encodeHeader, UnRegisterBrokerRequestHeader } from '@apogee/protocol'
import type { Logger, RemotingClient } from '@apogee/remoting'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { TopicConfig } from '../topic/topic-config.ts'
import type { TopicConfigManager } from '../topic/topic-config-manager.ts'
import { KnownMaster } from './known-master.ts'
import { NameServerLink } from './name-server-link.ts'
import { type BrokerAddresses, RegistrationBuilder } from './registration.ts'

const PERIOD_MIN_MS = 10_000
const PERIOD_MAX_MS = 60_000
/** A slave without a master asks for one this often, and for each MiB of its registration a second less. */
const SEARCH_MS = 2000
const SEARCH_BYTES_PER_MS = 1024
/** Who waits for NameServers goes on without them after this. */
const TOLD_MAX_MS = 3000
const NAME_SERVERS_MAX = 64

/**
 * Keeps this broker registered with all its NameServers: everything at the start, each registerNameServerPeriod and when a
 * topic is deleted, changed topics at once. NameServers do not know of each other, and one that is away does not hold up
 * the others. A slave's answers say where its master is; its topics are the master's, and are told with the rest each
 * period only. Java: BrokerOuterAPI, BrokerController's registerBrokerAll.
 */
export class BrokerOuterApi {
  /** For slaves: where NameServers say that the master is. */
  readonly master: KnownMaster = new KnownMaster()
  /** Told when what `master` says is another. */
  onMaster: () => void = () => {}
  private readonly config: BrokerConfig
  private readonly deps: OuterDeps
  private links: NameServerLink[] = []
  private addresses: BrokerAddresses | null = null
  private builder: RegistrationBuilder | null = null
  private timer: Timer | null = null
  private isSearching = false

  constructor(config: BrokerConfig, deps: OuterDeps) {
    this.config = config
    this.deps = deps
  }

  /** Registers now and from now on. `addresses` are known once the ports are. */
  start(addresses: BrokerAddresses): void {
    this.addresses = addresses
    const { topics } = this.deps
    this.builder = new RegistrationBuilder(this.config, topics, addresses)
    const { builder } = this
    this.links = nameServers(this.config.values.namesrvAddr).map((address) =>
      this.link(address, builder),
    )
    if (!this.isSlave) {
      // Whoever still holds what was told before the last stop takes a new version for a change.
      topics.dataVersion.next()
      topics.onChange(({ changed, deleted }) => this.topicsChanged(changed, deleted))
    }
    this.registerAll()
  }

  /** While it is true, a slave registers often, to hear of a master soon. */
  set searching(isSearching: boolean) {
    if (isSearching === this.isSearching) return
    this.isSearching = isSearching
    if (this.timer === null || !isSearching) return
    this.timer.cancel()
    this.registerLater()
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

  /**
   * Tells all NameServers that this broker's topics are not writable any more: producers go elsewhere, consumers read on.
   * Resolves as `told` does. Slaves are never writable: nothing is to be told of them.
   */
  retire(): Promise<void> {
    if (this.isSlave || this.builder === null || this.links.length === 0) return Promise.resolve()
    this.builder.isRetired = true
    // With a new version NameServers take all topics anew.
    this.deps.topics.touch()
    return this.told()
  }

  /** Leaves all NameServers, so that clients look elsewhere; resolves when each has answered or 3 s are over. */
  stop(): Promise<void> {
    this.timer?.cancel()
    this.timer = null
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

  private get isSlave(): boolean {
    return this.config.values.brokerId !== 0
  }

  private link(address: string, builder: RegistrationBuilder): NameServerLink {
    const { client, clock, log, topics } = this.deps
    return new NameServerLink(address, {
      client,
      clock,
      log,
      build: (changed) => builder.build(changed),
      timeoutMs: () => this.config.values.registerBrokerTimeoutMills,
      ordered: (names) => {
        if (!this.isSlave) topics.updateOrderTopics(names)
      },
      master: (masterAddr, haServerAddr) => {
        if (this.isSlave && this.master.answered(address, masterAddr, haServerAddr)) this.onMaster()
      },
    })
  }

  private registerAll(): void {
    for (const link of this.links) link.registerAll()
    this.registerLater()
  }

  private registerLater(): void {
    this.timer = this.deps.clock.after(this.periodMs(), () => this.registerAll())
  }

  private periodMs(): number {
    const period = this.config.values.registerNameServerPeriod
    const usualMs = Math.min(Math.max(period, PERIOD_MIN_MS), PERIOD_MAX_MS)
    if (!this.isSearching || !this.isSlave) return usualMs
    const bytes = this.builder?.build(null).body.length ?? 0
    return Math.min(usualMs, SEARCH_MS + bytes / SEARCH_BYTES_PER_MS)
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
