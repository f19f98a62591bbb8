import { ApogeeError } from '@apogee/base'
import type { Timer } from '@apogee/env'
import { RequestCode } from '@apogee/protocol'
import { HandlerRegistry, hostAndPort, RemotingServer } from '@apogee/remoting'
import { addHandlers } from './broker-handlers.ts'
import { fastPort, retentionOptions, serverOptions } from './broker-options.ts'
import { checkRole } from './broker-role.ts'
import {
  type BrokerDeps,
  type BrokerServices,
  type MemoryServices,
  memoryServices,
  storeServices,
} from './broker-services.ts'
import type { BrokerConfig } from './config/broker-config.ts'
import type { Metric } from './metrics/broker-metrics.ts'
import { type LogCut, startReplication, stopReplication } from './replication/ha-services.ts'
import { keptTailPath, mendLog } from './replication/mend-log.ts'

/** Where a started broker listens. */
export interface BrokerPorts {
  readonly port: number
  /** The port for clients that avoid the one pulls are served on (vipChannelEnabled), and for slaves. */
  readonly fastPort: number
  /** Where slaves copy the log; 0 on a slave, which listens for none. */
  readonly haPort: number
}

/** What the fast port leaves to the main one: pulls, and POP's counterparts. */
const MAIN_PORT_ONLY: number[] = [
  RequestCode.PULL_MESSAGE,
  RequestCode.LITE_PULL_MESSAGE,
  RequestCode.POP_MESSAGE,
  RequestCode.PEEK_MESSAGE,
  RequestCode.NOTIFICATION,
  RequestCode.POLLING_INFO,
]

/** How often a broker that leaves looks whether requests still come, and how often in a row none must have come. */
const LINGER_LOOK_MS = 50
const LINGER_QUIET_LOOKS = 5

/** How long a slave whose log must be cut goes on with what clients have asked. */
const MEND_GRACE_MS = 2000

/** What slaves ask for all the time: nobody stays for them. */
const OF_SLAVES: ReadonlySet<number> = new Set([
  RequestCode.GET_ALL_TOPIC_CONFIG,
  RequestCode.GET_ALL_SUBSCRIPTIONGROUP_CONFIG,
  RequestCode.GET_ALL_CONSUMER_OFFSET,
  RequestCode.GET_ALL_DELAY_OFFSET,
  RequestCode.GET_BROKER_RUNTIME_INFO,
])

/** Clients, subscriptions and locks that ran out are dropped this often (Java: ClientHousekeepingService). */
const HOUSEKEEPING_MS = 10_000

/**
 * One broker: its services, its handlers and its two ports. It wires them and then steps aside. `start` opens the store and
 * serves; `stop` loses nothing that was acknowledged or committed. Java: BrokerController, without its god object.
 */
export class Broker {
  readonly config: BrokerConfig
  /** Every code served on the main port. */
  readonly registry: HandlerRegistry = new HandlerRegistry()
  private readonly deps: BrokerDeps
  private readonly memory: MemoryServices
  private open: BrokerServices | null = null
  private servers: RemotingServer[] = []
  private timer: Timer | null = null
  private leaving: Promise<void> | null = null
  private stopping: Promise<void> | null = null
  /** Nobody waits longer for clients to go than to here (monotonic). */
  private lingerEndMs = Number.POSITIVE_INFINITY
  private readonly failureListeners: ((error: ApogeeError) => void)[] = []
  private readonly restartListeners: (() => void)[] = []

  /** Throws BROKER_ROLE_UNSUPPORTED, BROKER_ROLE_INVALID. */
  constructor(config: BrokerConfig, deps: BrokerDeps) {
    checkRole(config)
    this.config = config
    this.deps = deps
    this.memory = memoryServices(config, deps)
  }

  /** All parts; null before `start` and after a failed one. For embedding, metrics and tests. */
  get services(): BrokerServices | null {
    return this.open
  }

  /** The store has failed for good: nothing is acknowledged any more, the process should end with an error. */
  onFailure(listener: (error: ApogeeError) => void): void {
    this.failureListeners.push(listener)
  }

  /**
   * This slave's log was not its master's: the broker has stopped by itself, and the log is cut to what the master has. A
   * new broker of the same configuration and ports must be started. When nobody listens, that is a failure
   * (HA_RESTART_NEEDED), as it is when the log could not be cut (HA_LOG_NOT_CUT).
   */
  onRestartNeeded(listener: () => void): void {
    this.restartListeners.push(listener)
  }

  /**
   * Recovers the store, listens, registers. Rejects with the codes of MessageStore.open, CONFIG_FILE_DAMAGED,
   * DELAY_LEVEL_ILLEGAL, REMOTING_BIND_FAILED; everything is closed again then.
   */
  async start(): Promise<BrokerPorts> {
    try {
      const asked = this.config.values.listenPort
      // Records carry the port. When any will do, it must be known before the store opens.
      const early = asked === 0 ? await this.listen(asked, this.registry) : 0
      const services = await storeServices(this.memory, this.deps, early || asked, this.diverged)
      this.open = services
      const haPort = await startReplication(services.ha, this.config, services.store.replication)
      const port = early || asked
      const brokerAddr = hostAndPort(this.config.values.brokerIP1, port)
      const { env, keepConfig, log, machine = {} } = this.deps
      const handlerDeps = { env, log, machine, port, brokerAddr, keepConfig }
      addHandlers(this.registry, services, handlerDeps)
      if (early === 0) await this.listen(asked, this.registry)
      const fastRegistry = this.registry.without(MAIN_PORT_ONLY)
      const realFastPort = await this.listen(fastPort(port, asked), fastRegistry)
      this.run(services, brokerAddr, haPort || this.config.values.haListenPort)
      return { port, fastPort: realFastPort, haPort }
    } catch (error) {
      await this.stop(0).catch((err: unknown) => this.deps.log.error({ event: 'stop_failed', err }))
      throw error
    }
  }

  /**
   * Leaves the NameServers and serves on. First they hear that nothing is writable here, so that producers go to other
   * brokers; when no send comes any more, after drainLingerMillis at most, the broker unregisters, and consumers go too.
   * Resolves when the NameServers have answered, or do not.
   */
  leave(): Promise<void> {
    this.leaving ??= this.open === null ? Promise.resolve() : this.sendClientsAway(this.open)
    return this.leaving
  }

  /**
   * Leaves as `leave` does; serves those that have not heard of it yet, for drainLingerMillis at most; answers what is in
   * flight; writes offsets and progress; closes the store. All this within `graceMs`, but for the writes. Resolves when
   * all is on disk; rejects with BROKER_STOP_INCOMPLETE when all is closed but something could not be written.
   */
  stop(graceMs: number): Promise<void> {
    this.stopping ??= this.shutDown(graceMs)
    return this.stopping
  }

  /** Reads from disk what `metrics` cannot compute at once (ages of messages); call it before a scrape. */
  async refreshMetrics(): Promise<void> {
    await this.open?.metrics.refresh()
  }

  /** The broker's numbers now; none before it has started. */
  *metrics(): Generator<Metric> {
    if (this.open !== null) yield* this.open.metrics.collect()
  }

  private async listen(port: number, registry: HandlerRegistry): Promise<number> {
    const { env, log, tls } = this.deps
    const observe = this.memory.requests
    const options = { ...serverOptions(this.config.values, port), ...(tls ? { tls } : {}) }
    const server = new RemotingServer(options, { env, registry, log, observe })
    const realPort = await server.start()
    this.servers.push(server)
    return realPort
  }

  private run(services: BrokerServices, brokerAddr: string, haPort: number): void {
    const haServerAddr = hostAndPort(this.config.values.brokerIP2, haPort)
    services.store.onFailure((error) => {
      this.failed('store_failed', error)
    })
    this.config.onChange((keys) => {
      services.store.options.retention = retentionOptions(this.config.values)
      // The permission is a part of what NameServers are told.
      if (keys.includes('brokerPermission')) services.topics.touch()
    })
    services.stats.start()
    // Both append to the log, which on a slave only its master does.
    if (this.config.values.brokerRole !== 'SLAVE') {
      services.schedule.start()
      services.transactions.start()
    }
    services.outer.start({ brokerAddr, haServerAddr })
    services.slave?.start()
    this.housekeep(services)
  }

  private failed(event: string, error: ApogeeError): void {
    this.deps.log.error({ event, code: error.code, err: error })
    for (const listener of this.failureListeners) listener(error)
  }

  private readonly diverged = (cut: LogCut): void => {
    // The next start finds it again.
    if (this.stopping !== null) return
    const keep = keptTailPath(
      this.config.values.storePathRootDir,
      cut,
      this.deps.env.clock.wallMs(),
    )
    const bytes = cut.end - cut.at
    const text = 'the log is not as the master has it: it is cut there, what was behind is kept'
    this.deps.log.error({ event: 'log_diverged', ...cut, bytes, keep }, text)
    void this.mend(cut, keep)
  }

  private async mend(cut: LogCut, keep: string): Promise<void> {
    const { store } = this.open!
    await this.stop(MEND_GRACE_MS).catch((err: unknown) => {
      this.deps.log.error({ event: 'stop_failed', err })
    })
    try {
      await mendLog(store, this.deps, cut, keep)
    } catch (error) {
      this.failed('log_not_cut', error as ApogeeError)
      return
    }
    if (this.restartListeners.length > 0) {
      for (const listener of this.restartListeners) listener()
      return
    }
    const message = 'the log was cut to what the master has; the broker must be started again'
    this.failed('restart_needed', new ApogeeError('HA_RESTART_NEEDED', message))
  }

  private housekeep(services: BrokerServices): void {
    this.timer = this.deps.env.clock.after(HOUSEKEEPING_MS, () => {
      services.consumers.removeExpired()
      services.producers.removeExpired()
      services.subscriptions.removeExpired()
      services.locks.removeExpired()
      this.housekeep(services)
    })
  }

  private async sendClientsAway(services: BrokerServices): Promise<void> {
    const { outer } = services
    if (this.config.values.brokerId === 0 && outer.nameServerCount > 0) {
      await outer.retire()
      await this.linger(() => requestCount(services, true))
    }
    await outer.stop()
  }

  /**
   * Requests of clients whose route is a little old are still served. Ends when `count` has not grown for a while, which
   * for a broker without traffic is soon.
   */
  private async linger(count: () => number): Promise<void> {
    const { clock } = this.deps.env
    const lastMs = clock.monotonicMs() + this.config.values.drainLingerMillis
    let quiet = 0
    let before = count()
    while (quiet < LINGER_QUIET_LOOKS && clock.monotonicMs() < Math.min(lastMs, this.lingerEndMs)) {
      if (this.servers.every((server) => server.connections.size === 0)) return
      await new Promise<void>((resolve) => clock.after(LINGER_LOOK_MS, resolve))
      const now = count()
      quiet = now === before ? quiet + 1 : 0
      before = now
    }
  }

  /** Ends at `untilMs`, whatever NameServers do not answer. */
  private async seeClientsOff(services: BrokerServices, untilMs: number): Promise<void> {
    const { clock } = this.deps.env
    // Without NameServers clients have nobody who could send them elsewhere.
    const hasNameServers = services.outer.nameServerCount > 0 || this.leaving !== null
    await new Promise<void>((resolve) => {
      const limit = clock.after(Math.max(0, untilMs - clock.monotonicMs()), resolve)
      void this.leave().then(() => {
        limit.cancel()
        resolve()
      })
    })
    if (hasNameServers) await this.linger(() => requestCount(services, false))
  }

  private async shutDown(graceMs: number): Promise<void> {
    this.timer?.cancel()
    const services = this.open
    if (services === null) {
      await Promise.all(this.servers.map((server) => server.stop(0)))
      return
    }
    const { clock } = this.deps.env
    const untilMs = clock.monotonicMs() + graceMs
    this.lingerEndMs = untilMs
    if (graceMs > 0) await this.seeClientsOff(services, untilMs)
    // Who has no time left still says good-bye, but waits for no answer.
    void services.outer.stop()
    services.schedule.stop()
    // What waits for a message is answered first: to a server that stops it is no reason to keep a connection open.
    services.longPolling.stop()
    await new Promise<void>((resolve) => clock.soon(resolve))
    const leftMs = Math.max(0, untilMs - clock.monotonicMs())
    await Promise.all(this.servers.map((server) => server.stop(leftMs)))
    services.stats.stop()
    services.slave?.stop()
    services.spreader.stop()
    await services.transactions.stop()
    // After clients and all that appends for them: what they wait for is still replicated.
    await stopReplication(services.ha, this.config, clock, untilMs)
    const unwritten = await writeAll(services)
    await services.client.close()
    if (unwritten.length === 0) return
    const message = `not everything was written: ${unwritten.map((one) => one.message).join('; ')}`
    throw new ApogeeError('BROKER_STOP_INCOMPLETE', message, { cause: unwritten[0] })
  }
}

/** Writes tables and store. Returns what could not be written. */
async function writeAll({ files, store }: BrokerServices): Promise<Error[]> {
  const unwritten: Error[] = []
  // One after the other, so that a crash meanwhile leaves each file whole.
  // Topics go last: what the others name is known to them first after a crash between two of these.
  const { delays, deletedTopics, groups, offsets, slaveOffsets, topics } = files
  for (const table of [delays, slaveOffsets, offsets, groups, deletedTopics, topics]) {
    const error = await table.flush()
    if (error !== null)
      unwritten.push(new Error(`${table.name}: ${error.message}`, { cause: error }))
  }
  await store.close().catch((error: Error) => unwritten.push(error))
  return unwritten
}

function requestCount({ requests }: BrokerServices, sendsOnly: boolean): number {
  let count = 0
  for (const { histogram, isSend, requestCode } of requests.latencies()) {
    if (isSend || (!sendsOnly && !OF_SLAVES.has(requestCode))) count += histogram.count
  }
  return count
}
