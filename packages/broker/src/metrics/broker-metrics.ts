import type { Clock } from '@apogee/env'
import {
  isDlqTopic,
  isRetryTopic,
  isSystemGroup,
  isSystemTopic,
  languageName,
  requestCodeName,
  responseCodeName,
} from '@apogee/protocol'
import type { MessageStore } from '@apogee/store'
import type { ConsumerManager } from '../client/consumer-manager.ts'
import type { ProducerManager } from '../client/producer-manager.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { LongPolling } from '../longpolling/long-polling.ts'
import type { ConsumerOffsetManager } from '../offset/consumer-offset-manager.ts'
import type { HaServices } from '../replication/ha-services.ts'
import type { BrokerStats } from '../stats/broker-stats.ts'
import { versionDesc } from '../stats/runtime-info.ts'
import { MESSAGE_SIZE_BOUNDS } from '../stats/topic-counters.ts'
import type { SubscriptionGroupManager } from '../subscription/subscription-group-manager.ts'
import type { TopicConfigManager } from '../topic/topic-config-manager.ts'
import type { TransactionalMessageService } from '../transaction/transactional-message-service.ts'
import { replicationNumbers } from './replication-numbers.ts'
import type { RequestMetrics } from './request-metrics.ts'

/** One number. A histogram is several: `…_bucket` with label `le` (cumulative), `…_sum` and `…_count`. */
export interface Metric {
  readonly name: string
  readonly type: 'gauge' | 'counter' | 'histogram'
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface BrokerMetricsDeps {
  config: BrokerConfig
  topics: TopicConfigManager
  groups: SubscriptionGroupManager
  consumers: ConsumerManager
  producers: ProducerManager
  offsets: ConsumerOffsetManager
  longPolling: LongPolling
  stats: BrokerStats
  requests: RequestMetrics
  store: MessageStore
  transactions: TransactionalMessageService
  ha: HaServices
  clock: Clock
}

type Labels = Record<string, string>

/** Queues whose oldest unread message one refresh looks up. */
const REFRESH_READS_MAX = 10_000

/**
 * The broker's numbers under the names of RocketMQ 5.x, for what there is. Everything is computed when it is asked for:
 * counting costs nothing but the counters that the broker keeps anyway. Java: BrokerMetricsManager, RemotingMetricsManager,
 * DefaultStoreMetricsManager.
 */
export class BrokerMetrics {
  private readonly deps: BrokerMetricsDeps
  private readonly common: Labels
  /** What `refresh` read from disk. */
  private earliestStoreTime = -1
  private readonly lagLatencies = new Map<string, number>()
  private refreshing = false
  private refreshFailures = 0

  constructor(deps: BrokerMetricsDeps) {
    const { brokerClusterName, brokerName } = deps.config.values
    this.deps = deps
    this.common = { cluster: brokerClusterName, node_type: 'broker', node_id: brokerName }
  }

  /** Reads what cannot be had at once: how old the oldest message is, and the oldest that each group has not read. */
  async refresh(): Promise<void> {
    const { clock, offsets, store } = this.deps
    this.earliestStoreTime = await store.earliestStoreTime()
    await this.deps.transactions.refresh()
    this.lagLatencies.clear()
    let reads = 0
    for (const { topic, group, offsets: queues } of offsets.all()) {
      let latency = 0
      for (const [queueId, offset] of queues.entries()) {
        if (store.maxOffset(topic, queueId) <= offset || reads++ >= REFRESH_READS_MAX) continue
        const storeTime = await store.storeTime(topic, queueId, offset)
        if (storeTime > 0) latency = Math.max(latency, clock.wallMs() - storeTime)
      }
      this.lagLatencies.set(`${topic}@${group}`, latency)
    }
  }

  /** What needs the disk is as old as the last `refresh`; each collection starts one for the next. */
  *collect(): Generator<Metric> {
    this.refreshSoon()
    yield* this.broker()
    yield* this.traffic()
    yield* this.sizes()
    yield* this.connections()
    yield* this.lag()
    yield* this.transactions()
    yield* this.storage()
    yield* this.replication()
    yield* this.rpc()
  }

  private refreshSoon(): void {
    if (this.refreshing) return
    this.refreshing = true
    this.refresh()
      .catch(() => {
        this.refreshFailures++
      })
      .finally(() => {
        this.refreshing = false
      })
  }

  private *broker(): Generator<Metric> {
    const { config, groups, longPolling, requests, stats, topics } = this.deps
    yield this.one('rocketmq_broker_permission', 'gauge', {}, config.values.brokerPermission)
    yield this.one('rocketmq_topic_number', 'gauge', {}, topics.size)
    yield this.one('rocketmq_consumer_group_number', 'gauge', {}, groups.size)
    // Pulls that wait are the only queue there is: nothing waits for a thread.
    const labels = { processor: 'pull' }
    yield this.one('rocketmq_processor_watermark', 'gauge', labels, longPolling.size)
    const failures = this.refreshFailures
    yield this.one('apogee_metrics_refresh_failures_total', 'counter', {}, failures)
    yield this.one('rocketmq_send_to_dlq_messages_total', 'counter', {}, stats.sentToDlq)
    for (const [key, count] of requests.shedCounts) {
      const [lane = '', reason = ''] = key.split(' ')
      yield this.one('apogee_requests_shed_total', 'counter', { lane, reason }, count)
    }
  }

  private *traffic(): Generator<Metric> {
    const { stats, topics } = this.deps
    for (const { counters, topicName: topic } of topics.all()) {
      if (counters.putNums.times === 0) continue
      const labels = { topic, is_system: String(isSystemTopic(topic)) }
      yield this.one('rocketmq_messages_in_total', 'counter', labels, counters.putNums.total)
      yield this.one('rocketmq_throughput_in_total', 'counter', labels, counters.putSize.total)
    }
    for (const [topic, groups] of stats.allGroups()) {
      for (const [group, { getNums, getSize }] of groups) {
        if (getNums.times === 0) continue
        const labels = groupLabels(topic, group)
        yield this.one('rocketmq_messages_out_total', 'counter', labels, getNums.total)
        yield this.one('rocketmq_throughput_out_total', 'counter', labels, getSize.total)
      }
    }
  }

  private *sizes(): Generator<Metric> {
    for (const { counters, topicName: topic } of this.deps.topics.all()) {
      if (counters.sizes === null) continue
      const labels = { topic, is_system: String(isSystemTopic(topic)) }
      const sum = counters.putSize.total
      yield* this.histogram(
        'rocketmq_message_size',
        labels,
        MESSAGE_SIZE_BOUNDS,
        counters.sizes,
        sum,
      )
    }
  }

  private *connections(): Generator<Metric> {
    const producers = new Tally()
    for (const channels of this.deps.producers.all().values()) {
      for (const { language, version } of channels.values()) {
        producers.add(clientLabels(language, version))
      }
    }
    for (const [labels, count] of producers.entries()) {
      yield this.one('rocketmq_producer_connections', 'gauge', labels, count)
    }
    for (const [group, info] of this.deps.consumers.all()) {
      const consumers = new Tally()
      const mode = info.mode.consumeType === 'CONSUME_ACTIVELY' ? 'pull' : 'push'
      const is_system = String(isSystemGroup(group))
      for (const { language, version } of info.channels.values()) {
        const client = clientLabels(language, version)
        consumers.add({ ...client, consumer_group: group, consume_mode: mode, is_system })
      }
      for (const [labels, count] of consumers.entries()) {
        yield this.one('rocketmq_consumer_connections', 'gauge', labels, count)
      }
    }
  }

  /** Lag counts queue entries, those that a filter leaves out too. */
  private *lag(): Generator<Metric> {
    const { offsets, store } = this.deps
    for (const { topic, group, offsets: queues } of offsets.all()) {
      if (isDlqTopic(topic)) continue
      let lag = 0
      let inflight = 0
      for (const [queueId, offset] of queues.entries()) {
        lag += Math.max(0, store.maxOffset(topic, queueId) - offset)
        inflight += Math.max(0, offsets.queryPullOffset(group, topic, queueId) - offset)
      }
      const labels = { ...groupLabels(topic, group), is_retry: String(isRetryTopic(topic)) }
      yield this.one('rocketmq_consumer_lag_messages', 'gauge', labels, lag)
      yield this.one('rocketmq_consumer_inflight_messages', 'gauge', labels, inflight)
      const ready = Math.max(0, lag - inflight)
      yield this.one('rocketmq_consumer_ready_messages', 'gauge', labels, ready)
      const latency = this.lagLatencies.get(`${topic}@${group}`)
      if (latency === undefined) continue
      yield this.one('rocketmq_consumer_lag_latency_milliseconds', 'gauge', labels, latency)
    }
  }

  private *transactions(): Generator<Metric> {
    const { transactions } = this.deps
    for (const [topic, counts] of transactions.counters.topics) {
      const { committed, finish, rolledBack } = counts
      const labels = { topic }
      yield this.one('rocketmq_commit_messages_total', 'counter', labels, committed)
      yield this.one('rocketmq_rollback_messages_total', 'counter', labels, rolledBack)
      const { bounds, sum } = finish
      // Apache calls its seconds milliseconds.
      const name = 'rocketmq_finish_message_latency_milliseconds'
      yield* this.histogram(name, labels, bounds, finish.counts, sum)
    }
    for (const [topic, count] of transactions.halfMessages()) {
      yield this.one('rocketmq_half_messages', 'gauge', { topic }, count)
    }
    const { checksSent, discarded } = transactions.counters
    yield this.one('apogee_transaction_checks_total', 'counter', {}, checksSent)
    yield this.one('apogee_transactions_given_up_total', 'counter', {}, discarded)
  }

  private *storage(): Generator<Metric> {
    const { store } = this.deps
    const { appended, flushed, dispatched } = store.watermarks
    const labels = { storage_type: 'local', storage_medium: 'disk' }
    const size = appended - store.minPhysicalOffset
    yield this.one('rocketmq_storage_size_bytes', 'gauge', labels, size)
    const earliest = this.earliestStoreTime
    const reserved = earliest > 0 ? this.deps.clock.wallMs() - earliest : 0
    const reserveTime = 'rocketmq_storage_message_reserve_time_milliseconds'
    yield this.one(reserveTime, 'gauge', labels, reserved)
    const names = ['flush', 'dispatch'] as const
    for (const name of names) {
      const behind = appended - (name === 'flush' ? flushed : dispatched)
      yield this.one(`rocketmq_storage_${name}_behind_bytes`, 'gauge', labels, behind)
    }
  }

  private *replication(): Generator<Metric> {
    for (const { labels, name, value } of replicationNumbers(this.deps)) {
      yield this.one(name, 'gauge', labels, value)
    }
  }

  private *rpc(): Generator<Metric> {
    for (const latency of this.deps.requests.latencies()) {
      const { requestCode, responseCode, isLongPolling, histogram } = latency
      const labels = {
        protocol_type: 'remoting',
        request_code: requestCodeName(requestCode).toLowerCase(),
        response_code: responseCodeName(responseCode).toLowerCase(),
        is_long_polling: String(isLongPolling),
        result: 'success',
      }
      const { bounds, counts, sum } = histogram
      yield* this.histogram('rocketmq_rpc_latency_milliseconds', labels, bounds, counts, sum)
    }
  }

  private *histogram(
    name: string,
    labels: Labels,
    bounds: readonly number[],
    counts: Float64Array,
    sum: number,
  ): Generator<Metric> {
    let count = 0
    for (const [place, added] of counts.entries()) {
      count += added
      const le = place < bounds.length ? String(bounds[place]) : '+Inf'
      yield this.one(`${name}_bucket`, 'histogram', { ...labels, le }, count)
    }
    yield this.one(`${name}_sum`, 'histogram', labels, sum)
    yield this.one(`${name}_count`, 'histogram', labels, count)
  }

  private one(name: string, type: Metric['type'], labels: Labels, value: number): Metric {
    return { name, type, labels: { ...this.common, ...labels }, value }
  }
}

function groupLabels(topic: string, group: string): Labels {
  const isSystem = isSystemTopic(topic) || isSystemGroup(group)
  return { topic, consumer_group: group, is_system: String(isSystem) }
}

function clientLabels(language: number, version: number): Labels {
  return {
    language: languageName(language).toLowerCase(),
    version: versionDesc(version).toLowerCase(),
    protocol_type: 'remoting',
  }
}

/** Counts equal label sets. */
class Tally {
  private readonly counts = new Map<string, [Labels, number]>()

  add(labels: Labels): void {
    const key = JSON.stringify(labels)
    const entry = this.counts.get(key)
    if (entry === undefined) this.counts.set(key, [labels, 1])
    else entry[1]++
  }

  entries(): IterableIterator<[Labels, number]> {
    return this.counts.values()
  }
}
