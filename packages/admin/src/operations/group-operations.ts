import {
  ConsumeStats,
  DeleteSubscriptionGroupRequestHeader,
  dlqTopicOf,
  encodeBody,
  GetConsumeStatsRequestHeader,
  isSystemGroup,
  type MessageQueue,
  RequestCode,
  retryTopicOf,
  SubscriptionGroupConfig,
  SubscriptionGroupList,
} from '@apogee/protocol'
import { AdminError, AdminErrorCode } from '../admin-error.ts'
import type { AdminTransport } from '../transport/admin-transport.ts'
import { type Answers, askEach, inParallel, problemsOf, tryEach } from './answers.ts'
import type { BrokerOperations, OfBroker } from './broker-operations.ts'
import type { ClientOperations, GroupConnections } from './client-operations.ts'
import { type ClusterOperations, compare } from './cluster-operations.ts'
import { GroupPages } from './table-pages.ts'
import type { TopicOperations } from './topic-operations.ts'
import type { Where } from './where.ts'

/** How far a group is in one queue. */
export interface QueueLag extends MessageQueue {
  /** Offset that the next message stored will have. */
  readonly brokerOffset: number
  /** First offset that is not consumed. */
  readonly consumerOffset: number
  /** `brokerOffset − consumerOffset`, never below 0. */
  readonly lag: number
  /** Handed out and not acknowledged yet. */
  readonly inflight: number
  /** When the last consumed message was stored; 0 = unknown. Milliseconds. */
  readonly lastConsumedMs: number
  /** Who owns the queue, when owners were asked for; null = nobody said so. */
  readonly clientId?: string | null
}

/** How far a group is in all it reads. */
export interface GroupLag {
  readonly group: string
  /** Sorted by topic, broker and queue. */
  readonly queues: readonly QueueLag[]
  readonly totalLag: number
  readonly totalInflight: number
  /** Messages a second in the last minute, all brokers together. */
  readonly consumeTps: number
}

/** A group over all brokers that have it. */
export interface GroupSummary {
  readonly group: string
  readonly brokers: readonly string[]
  readonly isSystem: boolean
  readonly consumeEnable: boolean
  readonly consumeMessageOrderly: boolean
  readonly retryMaxTimes: number
  /** Null when the group has no offsets anywhere. */
  readonly lag: number | null
  readonly consumeTps: number
  /** Filled when connections were asked for. */
  readonly connections: GroupConnections | null
}

/** What a group is to be like; what is left out gets RocketMQ's default. */
export type GroupSettings = Partial<Omit<SubscriptionGroupConfig, 'groupName'>>

const RETRY_QUEUES = 1
const RETRY_MAX_TIMES = 16
const CONSUME_TIMEOUT_MINUTES = 15

/** Consumer groups: their configuration at brokers and how far they are. */
export class GroupOperations {
  private readonly transport: AdminTransport
  private readonly cluster: ClusterOperations
  private readonly brokers: BrokerOperations
  private readonly topics: TopicOperations
  private readonly clients: ClientOperations

  constructor(
    transport: AdminTransport,
    deps: {
      cluster: ClusterOperations
      brokers: BrokerOperations
      topics: TopicOperations
      clients: ClientOperations
    },
  ) {
    this.transport = transport
    this.cluster = deps.cluster
    this.brokers = deps.brokers
    this.topics = deps.topics
    this.clients = deps.clients
  }

  /**
   * Every group with its lag: two requests a broker name (201 and 317). With `connections` one more a group and name, for
   * who is online. Sorted by name.
   */
  async list(
    where: Where = {},
    options: { connections?: boolean } = {},
  ): Promise<Answers<GroupSummary>> {
    const targets = await this.cluster.readers(where)
    const answers = await askEach(
      targets,
      ({ address }) => address,
      async (broker) => ({
        broker,
        configs: await this.configs(broker.address),
        stats: (await this.brokers.consumeStats(broker.address)).consumeStatsList,
      }),
    )
    const byName = new Map<string, SummaryParts>()
    for (const { broker, configs, stats } of answers.results) {
      const partsOf = (group: string): SummaryParts => {
        const parts = byName.get(group) ?? { brokers: new Set(), config: null, stats: [] }
        byName.set(group, parts)
        return parts
      }
      for (const config of configs) {
        const parts = partsOf(config.groupName)
        parts.brokers.add(broker.brokerName || broker.address)
        parts.config ??= config
      }
      for (const map of stats) {
        for (const [group, list] of map) if (byName.has(group)) partsOf(group).stats.push(...list)
      }
    }
    const names = [...byName.keys()].sort(compare)
    const results = await inParallel(names, async (group) => {
      const connections =
        options.connections === true ? await this.clients.consumersAt(group, targets) : null
      return groupSummary(group, byName.get(group)!, connections)
    })
    return { results, problems: answers.problems }
  }

  /** GET_ALL_SUBSCRIPTIONGROUP_CONFIG (201) of one broker, all pages. */
  configs(address: string): Promise<SubscriptionGroupConfig[]> {
    return new GroupPages(this.transport).all(address)
  }

  /** A group's configuration at each broker that has it. Rejects with ADMIN_GROUP_NOT_FOUND when none does. */
  async describe(
    group: string,
    where: Where = {},
  ): Promise<Answers<OfBroker<SubscriptionGroupConfig>>> {
    const { results, problems } = await askEach(
      await this.cluster.readers(where),
      ({ address }) => address,
      async (broker) => ({ broker, value: await this.configOrNull(broker.address, group) }),
    )
    const found = results.filter((one): one is OfBroker<SubscriptionGroupConfig> => {
      return one.value !== null
    })
    if (found.length === 0 && problems.length === 0) throw noGroup(group)
    return { results: found, problems }
  }

  /**
   * UPDATE_AND_CREATE_SUBSCRIPTIONGROUP (200) at every master that `where` means. Settings left out keep what the broker
   * has, or get RocketMQ's default when the group is new.
   */
  async create(
    group: string,
    settings: GroupSettings = {},
    where: Where = {},
  ): Promise<Answers<OfBroker<SubscriptionGroupConfig>>> {
    return askEach(
      await this.cluster.targets(where),
      ({ address }) => address,
      async (broker) => {
        const known = await this.configOrNull(broker.address, group)
        // Attributes are sent as changes: what the broker has must not be sent back to it.
        const kept = { ...(known ?? defaultsOf(group)), attributes: new Map<string, string>() }
        const value = { ...kept, ...settings, groupName: group }
        const body = encodeBody(SubscriptionGroupConfig, value)
        const code = RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP
        await this.transport.call(broker.address, { code, header: {}, values: {}, body })
        return { broker, value }
      },
    )
  }

  /** UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST (225): many at once; each broker takes all or none. */
  async createMany(
    groupConfigList: readonly SubscriptionGroupConfig[],
    where: Where = {},
  ): Promise<Answers<OfBroker<number>>> {
    const body = encodeBody(SubscriptionGroupList, { groupConfigList: [...groupConfigList] })
    const code = RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST
    return askEach(
      await this.cluster.targets(where),
      ({ address }) => address,
      async (broker) => {
        await this.transport.call(broker.address, { code, header: {}, values: {}, body })
        return { broker, value: groupConfigList.length }
      },
    )
  }

  /**
   * DELETE_SUBSCRIPTIONGROUP (207), and the group's retry and dead-letter topics with what is in them. With
   * `removeOffset` its offsets go too: a group of the same name then starts anew. Rejects with ADMIN_GROUP_NOT_FOUND.
   */
  async delete(
    group: string,
    where: Where = {},
    options: { removeOffset?: boolean } = {},
  ): Promise<Answers<OfBroker<null>>> {
    await this.describe(group, where)
    const deleted = await askEach(
      await this.cluster.targets(where),
      ({ address }) => address,
      async (broker) => {
        await this.transport.call(broker.address, {
          code: RequestCode.DELETE_SUBSCRIPTIONGROUP,
          header: DeleteSubscriptionGroupRequestHeader,
          values: { groupName: group, cleanOffset: options.removeOffset ?? false },
        })
        return { broker, value: null }
      },
    )
    const retry = await this.topics.deleteAnyway(retryTopicOf(group), where)
    const dlq = await this.topics.deleteAnyway(dlqTopicOf(group), where)
    return { results: deleted.results, problems: problemsOf(deleted, retry, dlq) }
  }

  /**
   * GET_CONSUME_STATS (208) at every master, or a slave in its place: how far the group is in each queue. With `owners` its
   * consumers are asked which queues they have. Rejects with ADMIN_GROUP_NOT_FOUND when no broker has offsets or a
   * configuration of the group.
   */
  async lag(
    group: string,
    options: { topic?: string | undefined; owners?: boolean } & Where = {},
  ): Promise<GroupLag & Pick<Answers<never>, 'problems'>> {
    const { topic, owners = false } = options
    const request = {
      code: RequestCode.GET_CONSUME_STATS,
      header: GetConsumeStatsRequestHeader,
      values: { consumerGroup: group, topic: topic ?? null },
      timeoutMs: 30_000,
    }
    const answers = await askEach(
      await this.cluster.readers(options),
      ({ address }) => address,
      ({ address }) => this.transport.callBody(address, request, ConsumeStats),
    )
    const lag = lagOf(group, answers.results)
    if (lag.queues.length === 0 && answers.problems.length === 0)
      await this.describe(group, options)
    if (!owners) return { ...lag, problems: answers.problems }
    const owned = await this.owners(group, options)
    const queues = lag.queues.map((queue) => ({
      ...queue,
      clientId: owned.byQueue.get(queueKey(queue)) ?? null,
    }))
    return { ...lag, queues, problems: [...answers.problems, ...owned.problems] }
  }

  /** Which consumer says it has which queue, from the running info (307) of each. */
  async owners(
    group: string,
    where: Where = {},
  ): Promise<{ byQueue: ReadonlyMap<string, string> } & Pick<Answers<never>, 'problems'>> {
    const { clients } = await this.clients.consumers(group, where)
    const { results, problems } = await tryEach(
      clients,
      ({ clientId }) => clientId,
      (client) => this.clients.runningInfo(group, client),
    )
    const byQueue = new Map<string, string>()
    for (const { clientId, queues } of results) {
      for (const queue of queues) if (!queue.isDropped) byQueue.set(queueKey(queue), clientId)
    }
    return { byQueue, problems }
  }

  /**
   * From the whole table: GET_SUBSCRIPTIONGROUP_CONFIG (352) would be smaller, but brokers that create groups by themselves
   * create one that is asked for.
   */
  private async configOrNull(
    address: string,
    groupName: string,
  ): Promise<SubscriptionGroupConfig | null> {
    const all = await this.configs(address)
    return all.find((one) => one.groupName === groupName) ?? null
  }
}

interface SummaryParts {
  readonly brokers: Set<string>
  config: SubscriptionGroupConfig | null
  readonly stats: ConsumeStats[]
}

function groupSummary(
  group: string,
  parts: SummaryParts,
  connections: GroupConnections | null,
): GroupSummary {
  const { queues, totalLag, consumeTps } = lagOf(group, parts.stats)
  const config = parts.config ?? defaultsOf(group)
  return {
    group,
    brokers: [...parts.brokers].sort(compare),
    isSystem: isSystemGroup(group) || SYSTEM_GROUPS.has(group),
    consumeEnable: config.consumeEnable,
    consumeMessageOrderly: config.consumeMessageOrderly,
    retryMaxTimes: config.retryMaxTimes,
    lag: queues.length === 0 ? null : totalLag,
    consumeTps,
    connections,
  }
}

/** Groups that brokers make for RocketMQ's own clients and tools. */
const SYSTEM_GROUPS: ReadonlySet<string> = new Set([
  'TOOLS_CONSUMER',
  'FILTERSRV_CONSUMER',
  'SELF_TEST_C_GROUP',
  'CID_ONS-HTTP-PROXY',
  'CID_ONSAPI_PULL',
  'CID_ONSAPI_PERMISSION',
  'CID_ONSAPI_OWNER',
  'CID_SYS_RMQ_TRANS',
])

/** Sums up what brokers say about one group. */
export function lagOf(group: string, stats: readonly ConsumeStats[]): GroupLag {
  const queues = stats.flatMap(({ offsetTable }) =>
    offsetTable.map(({ key, value }): QueueLag => {
      const { brokerOffset, consumerOffset, pullOffset, lastTimestamp } = value
      return {
        ...key,
        brokerOffset,
        consumerOffset,
        lag: Math.max(0, brokerOffset - consumerOffset),
        inflight: Math.max(0, pullOffset - consumerOffset),
        lastConsumedMs: lastTimestamp,
      }
    }),
  )
  queues.sort(
    (a, b) =>
      compare(a.topic, b.topic) || compare(a.brokerName, b.brokerName) || a.queueId - b.queueId,
  )
  return {
    group,
    queues,
    totalLag: queues.reduce((sum, { lag }) => sum + lag, 0),
    totalInflight: queues.reduce((sum, { inflight }) => sum + inflight, 0),
    consumeTps: stats.reduce((sum, { consumeTps }) => sum + consumeTps, 0),
  }
}

/** A queue as the key of a map. */
export function queueKey({ topic, brokerName, queueId }: MessageQueue): string {
  return `${topic} ${brokerName} ${queueId}`
}

function defaultsOf(groupName: string): SubscriptionGroupConfig {
  return {
    groupName,
    consumeEnable: true,
    consumeFromMinEnable: true,
    consumeBroadcastEnable: true,
    consumeMessageOrderly: false,
    retryQueueNums: RETRY_QUEUES,
    retryMaxTimes: RETRY_MAX_TIMES,
    groupRetryPolicy: {
      type: 'CUSTOMIZED',
      exponentialRetryPolicy: null,
      customizedRetryPolicy: null,
    },
    brokerId: 0,
    whichBrokerWhenConsumeSlowly: 1,
    notifyConsumerIdsChangedEnable: true,
    groupSysFlag: 0,
    consumeTimeoutMinute: CONSUME_TIMEOUT_MINUTES,
    subscriptionDataSet: null,
    attributes: new Map(),
  }
}

function noGroup(group: string): AdminError {
  const hint = '`group list` shows the groups there are'
  return new AdminError(AdminErrorCode.GROUP_NOT_FOUND, `no broker has the group ${group}`, {
    hint,
  })
}
