import { isMalformed, type Malformed } from '@apogee/base'
import type { ConnectOptions, Env, Timer, TlsIdentity } from '@apogee/env'
import { encodeHeader, NotifyMinBrokerIdChangeRequestHeader, RequestCode } from '@apogee/protocol'
import {
  type HandlerRegistry,
  type Logger,
  RemotingClient,
  RemotingServer,
  type RemotingServerOptions,
  type RequestObserver,
} from '@apogee/remoting'
import type { NamesrvConfig } from './config/config-table.ts'
import { NamesrvSettings } from './config/namesrv-settings.ts'
import { SettingsFile } from './config/settings-file.ts'
import { namesrvRegistry } from './handlers/registry.ts'
import type { NamesrvServices } from './handlers/services.ts'
import { KvStore } from './kv/kv-store.ts'
import { type MinBrokerIdNotice, RouteDriver } from './route-driver.ts'

/**
 * Connecting to a broker for a notice that its group has a new lowest id; Apache allows as much.
 */
const NOTICE_CONNECT_TIMEOUT_MS = 300

/** Changes whose notices are under way at once; those of further changes are dropped. */
const NOTICES_MAX = 1_000

/** The first look for silent brokers; the later ones are scanNotActiveBrokerInterval apart. */
const FIRST_SCAN_MS = 5_000

export interface NameServerDeps {
  env: Env
  log: Logger
  /** TLS by first byte on the same port, with what this returns at that moment. */
  tls?: () => TlsIdentity | null
  /** Connections to brokers, for notices, are encrypted so. */
  clientTls?: NonNullable<ConnectOptions['tls']>
  /** In place of the file of `configStorePath`: keeps changes made at runtime; the reason when it could not. */
  keepConfig?: (changes: ReadonlyMap<string, string>) => Promise<string | null>
  observe?: RequestObserver
  /** Limits of the listener, other than what the configuration says. */
  remoting?: Partial<RemotingServerOptions>
}

/**
 * A NameServer (Java: NamesrvController): brokers register here, clients ask here where topics are.
 * It knows nothing of other NameServers, and keeps only the KV config on disk: routes are what
 * brokers tell it again every 30 s.
 */
export class NameServer {
  /** Every request code it serves. */
  readonly registry: HandlerRegistry
  private readonly settings: NamesrvSettings
  private readonly deps: NameServerDeps
  private readonly routes: RouteDriver
  private readonly kv: KvStore
  private readonly settingsFile: SettingsFile
  private readonly server: RemotingServer
  private readonly client: RemotingClient
  private startedMs = 0
  private scan: Timer | null = null
  private stopping: Promise<void> | null = null
  private noticesUnderWay = 0

  /** Throws CONFIG_UNKNOWN_KEY or CONFIG_BAD_VALUE. */
  constructor(config: Partial<NamesrvConfig>, deps: NameServerDeps) {
    const { env, log } = deps
    this.deps = deps
    this.settings = new NamesrvSettings(config)
    const { values } = this.settings
    this.routes = new RouteDriver(values, {
      clock: env.clock,
      log,
      notify: (notice) => void this.notify(notice),
    })
    const kvOptions = { path: values.kvConfigPath, bytesMax: values.kvConfigBytesMax }
    this.kv = new KvStore(kvOptions, { env, log })
    this.settingsFile = new SettingsFile(values.configStorePath, env)
    this.registry = namesrvRegistry(this.services())
    this.server = this.createServer()
    const { clientTls } = deps
    const clientOptions = {
      connectTimeoutMs: NOTICE_CONNECT_TIMEOUT_MS,
      ...(clientTls === undefined ? {} : { tls: clientTls }),
    }
    this.client = new RemotingClient(clientOptions, { env, log })
  }

  private createServer(): RemotingServer {
    const { env, log, tls, observe, remoting } = this.deps
    const { bindAddress, listenPort, serverChannelMaxIdleTimeSeconds } = this.settings.values
    return new RemotingServer(
      {
        idleMs: serverChannelMaxIdleTimeSeconds * 1_000,
        ...(tls === undefined ? {} : { tls }),
        ...remoting,
        host: bindAddress,
        port: listenPort,
      },
      { env, registry: this.registry, log, ...(observe === undefined ? {} : { observe }) },
    )
  }

  private services(): NamesrvServices {
    return {
      routes: this.routes,
      kv: this.kv,
      settings: this.settings,
      keepSettings: this.deps.keepConfig ?? ((changes) => this.settingsFile.keep(changes)),
      upMs: () => this.deps.env.clock.monotonicMs() - this.startedMs,
      log: this.deps.log,
    }
  }

  /** The configuration as it is now. */
  get config(): Readonly<NamesrvConfig> {
    return this.settings.values
  }

  /**
   * Changes values while it runs, by the allow-list of request code 318: all of them, or none and
   * what is wrong (CONFIG_NOT_RELOADABLE, CONFIG_BAD_VALUE).
   */
  updateConfig(entries: ReadonlyMap<string, string>): Malformed | null {
    const changes = this.settings.check(entries)
    if (isMalformed(changes)) return changes
    this.settings.apply(changes)
    return null
  }

  /**
   * Loads the KV config and listens. Rejects with CONFIG_FILE_DAMAGED (kvConfig.json and its backup
   * are unreadable), REMOTING_BIND_FAILED, or a DiskError.
   */
  async start(): Promise<{ port: number }> {
    this.kv.load()
    const port = await this.server.start()
    this.settings.values.listenPort = port
    this.startedMs = this.deps.env.clock.monotonicMs()
    this.scanAfter(FIRST_SCAN_MS)
    return { port }
  }

  /**
   * Stops accepting, answers what is in flight for up to `graceMs`, closes. A second call waits for
   * the first.
   */
  stop(graceMs: number): Promise<void> {
    this.stopping ??= this.shutDown(graceMs)
    return this.stopping
  }

  private async shutDown(graceMs: number): Promise<void> {
    this.scan?.cancel()
    this.routes.stop()
    await this.server.stop(graceMs)
    await this.client.close()
    await this.kv.settled()
    await this.settingsFile.settled()
  }

  private scanAfter(delayMs: number): void {
    this.scan = this.deps.env.clock.after(delayMs, () => {
      this.routes.expire()
      this.scanAfter(this.settings.values.scanNotActiveBrokerInterval)
    })
  }

  /**
   * A notice is a hint: brokers ask for their group themselves, so one that does not arrive is only
   * logged.
   */
  private async notify(notice: MinBrokerIdNotice): Promise<void> {
    if (this.noticesUnderWay >= NOTICES_MAX) {
      this.deps.log.warn({ event: 'min_broker_id_notice_dropped', noticesMax: NOTICES_MAX })
      return
    }
    this.noticesUnderWay++
    for (const brokerAddr of notice.to) await this.notifyOne(brokerAddr, notice)
    this.noticesUnderWay--
  }

  private async notifyOne(brokerAddr: string, notice: MinBrokerIdNotice): Promise<void> {
    const { minBrokerId, minBrokerAddr, offlineBrokerAddr, haBrokerAddr } = notice
    const header = { minBrokerId, minBrokerAddr, offlineBrokerAddr, haBrokerAddr }
    const fields = encodeHeader(NotifyMinBrokerIdChangeRequestHeader, header)
    const code = RequestCode.NOTIFY_MIN_BROKER_ID_CHANGE
    try {
      await this.client.oneway(brokerAddr, { code, fields })
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      this.deps.log.warn({ event: 'min_broker_id_notice_lost', brokerAddr, reason })
    }
  }
}
