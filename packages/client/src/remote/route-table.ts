import { isMalformed } from '@apogee/base'
import type { Env, Timer } from '@apogee/env'
import {
  decodeBody,
  encodeHeader,
  GetRouteInfoRequestHeader,
  RequestCode,
  ResponseCode,
  TopicRouteData,
} from '@apogee/protocol'
import { ErrorCode, RocketMQError } from '../api/errors.ts'
import type { ClientLogger } from '../api/options.ts'
import { CLOSE_LOOK_MS, CloseWatch } from '../core/close-watch.ts'
import { LOOK_FOR_MS, MissingMasters } from '../core/missing-masters.ts'
import { sameRoute, topicRouteOf, writersLost } from '../core/topic-route.ts'
import { BrokerTable } from './broker-table.ts'
import type { Routes, StatusSink, TopicRoute } from './contract.ts'
import { closedError, errorOfResponse } from './errors.ts'
import type { NameServers } from './name-servers.ts'

/** Questions about one topic are at least this far apart. */
const ASK_GAP_MS = 200
/**
 * A known route is kept while NameServers say for less than this that there is no such topic: they may have just
 * started.
 */
const KEEP_UNKNOWN_MS = 120_000
/** A topic that nobody watches is forgotten after so many polls without a use. */
const FORGET_AFTER_POLLS = 10

export interface RouteTableOptions {
  pollIntervalMs: number
  /** For one question. */
  timeoutMs: number
}

export interface RouteTableDeps {
  env: Pick<Env, 'clock'>
  log: ClientLogger
  status: StatusSink
  nameServers: NameServers
}

/** Who wants to know which addresses routes name. */
export interface AddressListener {
  added(addresses: readonly string[]): void
  removed(addresses: readonly string[]): void
}

interface Entry {
  readonly topic: string
  route: TopicRoute | null
  /** Why there is no route, or why the last question failed. */
  problem: RocketMQError | null
  asking: Promise<TopicRoute | null> | null
  askedMs: number
  usedMs: number
  /** Since when NameServers have said that there is no such topic; −1 when the last answer was a route. */
  unknownSinceMs: number
  readonly watchers: Set<(route: TopicRoute | null) => void>
}

/** Routes by topic: asked for at first use, at failures, and every poll interval (Java: topicRouteTable). */
export class RouteTable implements Routes {
  private readonly options: RouteTableOptions
  private readonly deps: RouteTableDeps
  private readonly entries = new Map<string, Entry>()
  private readonly brokers = new BrokerTable()
  private listener: AddressListener | null = null
  private readonly missing = new MissingMasters()
  private timer: Timer | null = null
  private lookTimer: Timer | null = null
  private readonly closeWatch = new CloseWatch()
  private closeTimer: Timer | null = null
  private isClosed = false

  constructor(options: RouteTableOptions, deps: RouteTableDeps) {
    this.options = options
    this.deps = deps
    this.arm()
  }

  listen(listener: AddressListener): void {
    this.listener = listener
  }

  async get(topic: string): Promise<TopicRoute> {
    const entry = this.entry(topic)
    if (entry.route !== null) return entry.route
    const route = await this.ask(entry)
    if (route !== null) return route
    throw entry.problem ?? closedError()
  }

  peek(topic: string): TopicRoute | null {
    const entry = this.entries.get(topic)
    if (entry === undefined) return null
    entry.usedMs = this.nowMs
    return entry.route
  }

  refresh(topic: string): Promise<TopicRoute | null> {
    return this.ask(this.entry(topic))
  }

  watch(topic: string, listener: (route: TopicRoute | null) => void): () => void {
    const entry = this.entry(topic)
    // Wrapped, so that one listener may watch twice and stop once.
    const watcher = (route: TopicRoute | null): void => listener(route)
    entry.watchers.add(watcher)
    return () => {
      entry.watchers.delete(watcher)
      entry.usedMs = this.nowMs
    }
  }

  watchClosely(topic: string): void {
    this.closeWatch.used(topic, this.nowMs)
    if (this.closeTimer === null && !this.isClosed) this.armClose()
  }

  brokerAddress(brokerName: string, brokerId: number): string | null {
    return this.brokers.address(brokerName, brokerId)
  }

  readAddress(brokerName: string, wantedId: number): { address: string; brokerId: number } | null {
    return this.brokers.readAddress(brokerName, wantedId)
  }

  replicas(brokerName: string): ReadonlyMap<number, string> {
    return this.brokers.replicas(brokerName)
  }

  addresses(withSlaves: boolean): string[] {
    return this.brokers.addresses(withSlaves)
  }

  brokerNameOf(address: string): string | null {
    return this.brokers.nameOf(address)
  }

  /** A broker is gone: whoever watches a topic of it wants to know where to go instead. */
  refreshTopicsOf(address: string): void {
    const brokerName = this.brokers.nameOf(address)
    if (brokerName === null) return
    for (const entry of this.entries.values()) {
      if (entry.watchers.size === 0 || entry.route === null) continue
      const { brokerDatas } = entry.route.data
      if (brokerDatas.some((it) => it.brokerName === brokerName)) void this.ask(entry)
    }
  }

  close(): void {
    this.isClosed = true
    this.timer?.cancel()
    this.timer = null
    this.lookTimer?.cancel()
    this.lookTimer = null
    this.closeTimer?.cancel()
    this.closeTimer = null
    for (const entry of this.entries.values()) entry.watchers.clear()
  }

  private get nowMs(): number {
    return this.deps.env.clock.monotonicMs()
  }

  private entry(topic: string): Entry {
    let entry = this.entries.get(topic)
    if (entry === undefined) {
      entry = {
        topic,
        route: null,
        problem: null,
        asking: null,
        askedMs: Number.NEGATIVE_INFINITY,
        usedMs: 0,
        unknownSinceMs: -1,
        watchers: new Set(),
      }
      this.entries.set(topic, entry)
    }
    entry.usedMs = this.nowMs
    return entry
  }

  /** Resolves to the route known then; never rejects. */
  private ask(entry: Entry): Promise<TopicRoute | null> {
    if (this.isClosed) {
      entry.problem = closedError()
      return Promise.resolve(entry.route)
    }
    entry.asking ??= this.askOnce(entry).finally(() => {
      entry.asking = null
    })
    return entry.asking
  }

  private async askOnce(entry: Entry): Promise<TopicRoute | null> {
    const waitMs = entry.askedMs + ASK_GAP_MS - this.nowMs
    if (waitMs > 0) {
      await new Promise<void>((resolve) => this.deps.env.clock.after(waitMs, resolve))
    }
    entry.askedMs = this.nowMs
    // The first failure is news; those after it are not.
    const level = entry.problem === null ? 'warn' : 'debug'
    try {
      const data = await this.question(entry.topic)
      if (data === null) this.unknown(entry)
      else this.known(entry, data)
    } catch (error) {
      entry.problem = error as RocketMQError
      this.deps.log[level]({ event: 'route_failed', topic: entry.topic, err: error })
    }
    return entry.route
  }

  /** null: no NameServer knows the topic. */
  private async question(topic: string): Promise<TopicRouteData | null> {
    const code = RequestCode.GET_ROUTEINFO_BY_TOPIC
    const fields = encodeHeader(GetRouteInfoRequestHeader, { topic, acceptStandardJsonOnly: true })
    const { nameServers } = this.deps
    const response = await nameServers.invoke({ code, fields }, this.options.timeoutMs)
    if (response.code === ResponseCode.TOPIC_NOT_EXIST) return null
    if (response.code !== ResponseCode.SUCCESS) {
      throw errorOfResponse(code, response, nameServers.current)
    }
    const data = decodeBody(TopicRouteData, response.body)
    if (!isMalformed(data)) return data
    throw new RocketMQError(ErrorCode.PROTOCOL, `route of ${topic}: ${data.code} ${data.detail}`)
  }

  private known(entry: Entry, data: TopicRouteData): void {
    const before = entry.route
    entry.unknownSinceMs = -1
    entry.problem = null
    if (before !== null && sameRoute(before.data, data)) return
    entry.route = topicRouteOf(entry.topic, data)
    const added = this.brokers.learn(data)
    if (added.length > 0) this.listener?.added(added)
    this.forgetBrokers()
    this.tell(entry)
    const mastersBefore = before === null ? new Set<string>() : mastersOf(before.data)
    this.lookFor(entry.topic, mastersBefore, mastersOf(data))
    if (before !== null) this.tellOfLeaving(entry.topic, before.data, data)
  }

  private armClose(): void {
    this.closeTimer = this.deps.env.clock.after(CLOSE_LOOK_MS, () => {
      this.closeTimer = null
      const brokersOf = (topic: string): string[] => {
        const route = this.entries.get(topic)?.route
        return route?.data.queueDatas.map(({ brokerName }) => brokerName) ?? []
      }
      for (const topic of this.closeWatch.due(this.nowMs, brokersOf)) void this.refresh(topic)
      if (!this.closeWatch.isEmpty && !this.isClosed) this.armClose()
    })
  }

  /** A broker that has given up its write permission has done so for all topics. */
  private tellOfLeaving(topic: string, before: TopicRouteData, after: TopicRouteData): void {
    for (const brokerName of writersLost(before, after)) {
      for (const entry of this.entries.values()) {
        if (entry.topic === topic || entry.watchers.size === 0 || entry.route === null) continue
        const { queueDatas } = entry.route.data
        if (queueDatas.some((it) => it.brokerName === brokerName)) void this.ask(entry)
      }
    }
  }

  /** A master that has left the route is looked for, and one that is back is made known to all topics that lost it. */
  private lookFor(topic: string, before: ReadonlySet<string>, after: ReadonlySet<string>): void {
    for (const old of this.missing.routeChanged(topic, before, after, this.nowMs)) {
      const entry = this.entries.get(old)
      if (entry !== undefined) void this.ask(entry)
    }
    if (this.missing.isEmpty || this.lookTimer !== null || this.isClosed) return
    this.lookTimer = this.deps.env.clock.after(LOOK_FOR_MS, () => this.look())
  }

  private look(): void {
    this.lookTimer = null
    const isWatched = (topic: string): boolean => (this.entries.get(topic)?.watchers.size ?? 0) > 0
    for (const topic of this.missing.due(this.nowMs, isWatched)) {
      void this.ask(this.entries.get(topic)!)
    }
    if (this.missing.isEmpty) return
    this.lookTimer = this.deps.env.clock.after(LOOK_FOR_MS, () => this.look())
  }

  private unknown(entry: Entry): void {
    const { topic } = entry
    const text = `no NameServer knows the topic ${topic}`
    const details = { responseCode: ResponseCode.TOPIC_NOT_EXIST, retriable: true }
    entry.problem = new RocketMQError(ErrorCode.TOPIC_NOT_FOUND, text, details)
    if (entry.unknownSinceMs < 0) entry.unknownSinceMs = this.nowMs
    if (entry.route === null || this.nowMs - entry.unknownSinceMs < KEEP_UNKNOWN_MS) return
    entry.route = null
    this.forgetBrokers()
    this.tell(entry)
  }

  private tell(entry: Entry): void {
    const { topic, route } = entry
    const brokers = route === null ? [] : route.data.brokerDatas.map((it) => it.brokerName).sort()
    this.deps.log.info({ event: 'route_changed', topic, brokers })
    this.deps.status.emit({ type: 'route-changed', topic, brokers })
    for (const watcher of entry.watchers) {
      try {
        watcher(route)
      } catch (error) {
        this.deps.log.error({ event: 'route_listener_failed', topic, err: error })
      }
    }
  }

  private forgetBrokers(): void {
    const datas: TopicRouteData[] = []
    for (const { route } of this.entries.values()) if (route !== null) datas.push(route.data)
    const removed = this.brokers.retain(datas)
    if (removed.length > 0) this.listener?.removed(removed)
  }

  private arm(): void {
    this.timer = this.deps.env.clock.after(this.options.pollIntervalMs, () => {
      this.poll()
      if (!this.isClosed) this.arm()
    })
  }

  private poll(): void {
    const staleMs = this.nowMs - this.options.pollIntervalMs * FORGET_AFTER_POLLS
    let isForgotten = false
    for (const entry of this.entries.values()) {
      if (entry.watchers.size > 0) void this.ask(entry)
      else if (entry.usedMs < staleMs && entry.asking === null) {
        this.entries.delete(entry.topic)
        isForgotten = true
      }
    }
    if (isForgotten) this.forgetBrokers()
  }
}

function mastersOf({ brokerDatas }: TopicRouteData): Set<string> {
  const masters = brokerDatas.filter(({ brokerAddrs }) => brokerAddrs.has(0))
  return new Set(masters.map(({ brokerName }) => brokerName))
}
