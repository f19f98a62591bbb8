import type { Env, Timer } from '@apogee/env'
import {
  encodeBody,
  encodeHeader,
  HeartbeatData,
  type MessageExt,
  RequestCode,
  ResponseCode,
  UnregisterClientRequestHeader,
} from '@apogee/protocol'
import type { Connection } from '@apogee/remoting'
import { ErrorCode, RocketMQError } from '../api/errors.ts'
import type { ClientLogger } from '../api/options.ts'
import type { ConsumerMember, Members, ProducerMember } from './contract.ts'
import { invalidArgument } from './errors.ts'
import type { RemoteCalls } from './remote-calls.ts'
import type { RouteTable } from './route-table.ts'

/** Java's clients are always a producer of this group; replies to requests find them by it. */
const INNER_PRODUCER_GROUP = 'CLIENT_INNER_PRODUCER'
/** For all answers to UNREGISTER_CLIENT. */
const UNREGISTER_TIMEOUT_MS = 1_000
/** Requests of `producer.request` that wait for their reply. */
export const REPLIES_EXPECTED_MAX = 65_536

export interface MemberTableOptions {
  clientId: string
  heartbeatIntervalMs: number
  timeoutMs: number
}

export interface MemberTableDeps {
  env: Pick<Env, 'clock'>
  log: ClientLogger
  remote: RemoteCalls
  routes: RouteTable
  isNameServer(address: string): boolean
}

/** The producers and consumers of one client: heartbeats for them, and the way to them for what servers ask. */
export class MemberTable implements Members {
  readonly producers: Map<string, ProducerMember> = new Map()
  readonly consumers: Map<string, ConsumerMember> = new Map()
  /** Of groups that `producers` has already. */
  private readonly sharers = new Set<ProducerMember>()
  private readonly options: MemberTableOptions
  private readonly deps: MemberTableDeps
  private readonly replies = new Map<string, (message: MessageExt) => void>()
  private timer: Timer | null = null
  private isHeartbeatDue = false
  private isClosed = false

  constructor(options: MemberTableOptions, deps: MemberTableDeps) {
    this.options = options
    this.deps = deps
    this.arm()
  }

  addProducer(member: ProducerMember): void {
    const isShared = member.isShared === true && this.producers.get(member.group)?.isShared === true
    if (isShared) this.sharers.add(member)
    else this.add(this.producers, member, 'producer')
  }

  addConsumer(member: ConsumerMember): void {
    this.add(this.consumers, member, 'consumer')
  }

  removeProducer(member: ProducerMember): Promise<void> {
    const isSharer = this.sharers.delete(member)
    if (isSharer || this.producers.get(member.group) !== member) return Promise.resolve()
    for (const other of this.sharers) {
      if (other.group !== member.group) continue
      this.sharers.delete(other)
      this.producers.set(other.group, other)
      return Promise.resolve()
    }
    this.producers.delete(member.group)
    return this.unregister({ producerGroup: member.group })
  }

  removeConsumer(member: ConsumerMember): Promise<void> {
    if (this.consumers.get(member.group) !== member) return Promise.resolve()
    this.consumers.delete(member.group)
    return this.unregister({ consumerGroup: member.group })
  }

  async heartbeatNow(): Promise<void> {
    await Promise.all(this.brokersWanted().map((address) => this.heartbeatTo(address)))
  }

  expectReply(correlationId: string, receive: (message: MessageExt) => void): () => void {
    if (this.replies.size >= REPLIES_EXPECTED_MAX) {
      const text = `${this.replies.size} requests wait for a reply already`
      throw new RocketMQError(ErrorCode.TOO_MANY_IN_FLIGHT, text, { retriable: true })
    }
    this.replies.set(correlationId, receive)
    return () => this.replies.delete(correlationId)
  }

  /** Whether somebody waited for this reply. */
  replyArrived(correlationId: string, message: MessageExt): boolean {
    const receive = this.replies.get(correlationId)
    if (receive === undefined) return false
    this.replies.delete(correlationId)
    receive(message)
    return true
  }

  /** Addresses that get heartbeats. */
  brokersWanted(): readonly string[] {
    return this.isClosed || this.isEmpty ? [] : this.deps.routes.addresses(this.consumers.size > 0)
  }

  /** Routes name brokers that this client had nothing to do with before. */
  brokersAdded(addresses: readonly string[]): void {
    const wanted = new Set(this.brokersWanted())
    for (const address of addresses) if (wanted.has(address)) void this.heartbeatTo(address)
  }

  /** A new connection says first who we are: a broker refuses pulls of a group that it does not know. */
  connectionOpened(connection: Connection): void {
    if (this.isClosed || this.isEmpty || this.deps.isNameServer(connection.name)) return
    const { remote } = this.deps
    const body = this.heartbeatBody()
    const fields = remote.fieldsOf(new Map(), body)
    const { timeoutMs } = this.options
    connection.request(RequestCode.HEART_BEAT, fields, body, timeoutMs, (error, response) => {
      if (error !== null) this.heartbeatFailed(connection.name, error)
      else if (response!.code !== ResponseCode.SUCCESS) {
        this.heartbeatFailed(connection.name, new Error(response!.remark ?? String(response!.code)))
      }
    })
  }

  close(): void {
    this.isClosed = true
    this.timer?.cancel()
    this.timer = null
    this.replies.clear()
  }

  private get isEmpty(): boolean {
    return this.producers.size === 0 && this.consumers.size === 0
  }

  private add<M extends { readonly group: string }>(
    table: Map<string, M>,
    member: M,
    kind: string,
  ): void {
    if (table.has(member.group)) {
      throw invalidArgument(`this client has a ${kind} of group ${member.group} already`)
    }
    table.set(member.group, member)
    if (this.isHeartbeatDue) return
    this.isHeartbeatDue = true
    this.deps.env.clock.soon(() => {
      this.isHeartbeatDue = false
      void this.heartbeatNow()
    })
  }

  private async heartbeatTo(address: string): Promise<void> {
    const { remote } = this.deps
    // A connection that is begun now sends one by itself, see `connectionOpened`.
    if (remote.client.peek(address) === null) {
      remote.open(address)
      return
    }
    try {
      const request = {
        code: RequestCode.HEART_BEAT,
        fields: new Map(),
        body: this.heartbeatBody(),
      }
      await remote.call(address, request, this.options.timeoutMs)
    } catch (error) {
      this.heartbeatFailed(address, error)
    }
  }

  private heartbeatFailed(address: string, error: unknown): void {
    if (!this.isClosed) this.deps.log.warn({ event: 'heartbeat_failed', address, err: error })
  }

  private heartbeatBody(): Buffer {
    const groups = new Set([INNER_PRODUCER_GROUP, ...this.producers.keys()])
    return encodeBody(HeartbeatData, {
      clientID: this.options.clientId,
      producerDataSet: [...groups].map((groupName) => ({ groupName })),
      consumerDataSet: [...this.consumers.values()].map((member) => member.heartbeat()),
      heartbeatFingerprint: 0,
      withoutSub: false,
    })
  }

  private async unregister(groups: {
    producerGroup?: string
    consumerGroup?: string
  }): Promise<void> {
    if (this.isClosed) return
    const { remote, routes } = this.deps
    const code = RequestCode.UNREGISTER_CLIENT
    const header = { clientID: this.options.clientId, ...groups }
    const calls: Promise<void>[] = []
    for (const address of routes.addresses(true)) {
      if (remote.client.peek(address) === null) continue
      const fields = encodeHeader(UnregisterClientRequestHeader, header)
      const call = remote.call(address, { code, fields }, UNREGISTER_TIMEOUT_MS)
      calls.push(call.then(noResult, (error) => this.unregisterFailed(address, error)))
    }
    await Promise.all(calls)
  }

  private unregisterFailed(address: string, error: unknown): void {
    const isExpected = error instanceof RocketMQError
    this.deps.log[isExpected ? 'debug' : 'error']({
      event: 'unregister_failed',
      address,
      err: error,
    })
  }

  private arm(): void {
    this.timer = this.deps.env.clock.after(this.options.heartbeatIntervalMs, () => {
      this.arm()
      void this.heartbeatNow()
    })
  }
}

function noResult(): void {}
