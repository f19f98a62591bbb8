import type { Env } from '@apogee/env'
import {
  addressBytes,
  encodeBody,
  encodeHeader,
  GetRouteInfoRequestHeader,
  HeartbeatData,
  RequestCode,
  SystemTopic,
  UniqKeySource,
} from '@apogee/protocol'
import {
  type ClientRequest,
  parseAddress,
  type RemotingClientOptions,
  silentLogger,
} from '@apogee/remoting'
import type { ClientLogger, RocketMQOptions } from '../api/options.ts'
import { type Surroundings, surroundings } from '../default-env.ts'
import { StatusHub } from '../observe/status-hub.ts'
import type { Client } from './contract.ts'
import { invalidArgument } from './errors.ts'
import { Liveness } from './liveness.ts'
import { MemberTable } from './member-table.ts'
import { NameServers } from './name-servers.ts'
import { RemoteCalls } from './remote-calls.ts'
import { RouteTable } from './route-table.ts'
import { serverRequests } from './server-requests.ts'
import { Signer } from './signer.ts'

/** The default of `instanceName` has so many values beside the process id. */
const INSTANCE_RANDOM_BOUND = 0x7fff_ffff

/** One set of connections, routes and heartbeats (Java: MQClientInstance). */
export class ClientInstance implements Client {
  readonly clientId: string
  readonly env: Env
  readonly log: ClientLogger
  readonly namespace: string | null
  readonly unitName: string | null
  readonly requestTimeoutMs: number
  readonly homeFolder: string
  readonly uniqKeys: UniqKeySource
  /** Keeps the process from ending by itself until what it returns is called. */
  readonly holdProcess: () => () => void
  readonly status: StatusHub = new StatusHub()
  readonly remote: RemoteCalls
  readonly nameServers: NameServers
  readonly routes: RouteTable
  readonly members: MemberTable
  private readonly liveness: Liveness
  private closing: Promise<void> | null = null

  /** Throws RMQ_INVALID_ARGUMENT. Nothing is connected yet. */
  constructor(options: RocketMQOptions, around: Surroundings) {
    const { env } = around
    const addresses = nameServerAddresses(options.nameservers ?? around.namesrvAddr ?? undefined)
    const clientIp = options.clientIp ?? around.clientIp
    const random = env.random.below(INSTANCE_RANDOM_BOUND)
    this.env = env
    this.log = options.logger ?? silentLogger
    this.namespace = options.namespace ?? null
    this.unitName = options.unitName ?? null
    this.requestTimeoutMs = options.requestTimeoutMs ?? 3_000
    this.homeFolder = around.homeFolder
    this.holdProcess = around.holdProcess ?? (() => () => undefined)
    this.clientId = clientIdOf(clientIp, around.processId, random, options)
    const ip = addressBytes(clientIp) ?? new Uint8Array(4)
    this.uniqKeys = new UniqKeySource(ip, around.processId, random, around.zoneOffsetMs)
    const { status, log } = this
    const signer = options.credentials === undefined ? null : new Signer(options.credentials)
    const registry = serverRequests(() => this.members, log)
    this.remote = new RemoteCalls(remotingOptions(options), { env, log, registry, status, signer })
    const { remote } = this
    this.nameServers = new NameServers(addresses, { remote, env, status })
    const { nameServers, requestTimeoutMs } = this
    this.routes = new RouteTable(
      { pollIntervalMs: options.pollNameServerIntervalMs ?? 30_000, timeoutMs: requestTimeoutMs },
      { env, log, status, nameServers },
    )
    this.members = this.createMembers(options)
    this.liveness = new Liveness(
      { idleMs: options.pingIdleMs ?? 5_000, timeoutMs: options.pingTimeoutMs ?? 3_000 },
      {
        env,
        log,
        remote,
        ping: (address) => this.ping(address),
        wanted: () => this.members.brokersWanted(),
      },
    )
    this.listen()
  }

  get isClosing(): boolean {
    return this.closing !== null
  }

  /** Closes every connection. Producers and consumers are closed before, by whoever made them. Idempotent. */
  close(): Promise<void> {
    this.closing ??= this.closeNow()
    return this.closing
  }

  private async closeNow(): Promise<void> {
    this.liveness.close()
    this.members.close()
    this.routes.close()
    await this.remote.close()
    this.status.close()
  }

  private createMembers(options: RocketMQOptions): MemberTable {
    const { clientId, env, log, remote, routes, nameServers } = this
    const heartbeatIntervalMs = options.heartbeatBrokerIntervalMs ?? 30_000
    return new MemberTable(
      { clientId, heartbeatIntervalMs, timeoutMs: this.requestTimeoutMs },
      { env, log, remote, routes, isNameServer: (address) => nameServers.has(address) },
    )
  }

  private listen(): void {
    const { members, remote, routes } = this
    remote.listen({
      opened: (connection) => members.connectionOpened(connection),
      lost: (address) => routes.refreshTopicsOf(address),
    })
    routes.listen({
      added: (addresses) => members.brokersAdded(addresses),
      removed: (addresses) => {
        for (const address of addresses) remote.drop(address)
      },
    })
  }

  /** To brokers a heartbeat of nobody, which changes nothing there; to NameServers a question with a short answer. */
  private ping(address: string): ClientRequest {
    if (this.nameServers.has(address)) {
      const header = { topic: SystemTopic.AUTO_CREATE_TOPIC_KEY, acceptStandardJsonOnly: true }
      const fields = encodeHeader(GetRouteInfoRequestHeader, header)
      return { code: RequestCode.GET_ROUTEINFO_BY_TOPIC, fields }
    }
    const body = encodeBody(HeartbeatData, {
      clientID: this.clientId,
      producerDataSet: [],
      consumerDataSet: [],
      heartbeatFingerprint: 0,
      withoutSub: false,
    })
    return { code: RequestCode.HEART_BEAT, fields: new Map(), body }
  }
}

/** A client in the world given, this machine by default. */
export function createClient(options: RocketMQOptions): ClientInstance {
  return new ClientInstance(options, surroundings(options.env))
}

function clientIdOf(
  ip: string,
  processId: number,
  random: number,
  options: RocketMQOptions,
): string {
  const instance = options.instanceName ?? `${processId}#${random}`
  const unit = options.unitName === undefined ? '' : `@${options.unitName}`
  return `${ip}@${instance}${unit}`
}

/** "host:port" each, from a list or from a text with `;` between. Throws RMQ_INVALID_ARGUMENT. */
export function nameServerAddresses(
  given: string | readonly string[] = '127.0.0.1:9876',
): string[] {
  const parts = (typeof given === 'string' ? [given] : given).flatMap((text) => text.split(/[;,]/))
  const addresses = [...new Set(parts.map((part) => part.trim()).filter((part) => part !== ''))]
  if (addresses.length === 0) throw invalidArgument('no NameServer is named')
  for (const address of addresses) {
    if (parseAddress(address) === null) {
      throw invalidArgument(`nameservers: ${JSON.stringify(address)} is not host:port`)
    }
  }
  return addresses
}

function remotingOptions(options: RocketMQOptions): Partial<RemotingClientOptions> {
  const { tls, connectTimeoutMs = 3_000, headers = 'binary' } = options
  return {
    connectTimeoutMs,
    serializeType: headers === 'json' ? 0 : 1,
    ...(tls === undefined ? {} : { tls: tls === true ? {} : tls }),
  }
}
