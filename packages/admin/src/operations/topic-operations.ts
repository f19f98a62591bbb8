import {
  CreateTopicListRequestBody,
  CreateTopicRequestHeader,
  DeleteTopicFromNamesrvRequestHeader,
  DeleteTopicRequestHeader,
  encodeBody,
  GetRouteInfoRequestHeader,
  GetTopicConfigRequestHeader,
  GetTopicStatsInfoRequestHeader,
  GetTopicsByClusterRequestHeader,
  GroupList,
  QueryTopicConsumeByWhoRequestHeader,
  RequestCode,
  type TopicConfig,
  TopicConfigAndQueueMapping,
  TopicList,
  TopicRouteData,
  TopicStatsTable,
} from '@apogee/protocol'
import { AdminError, AdminErrorCode } from '../admin-error.ts'
import type { AdminTransport } from '../transport/admin-transport.ts'
import { type Answers, askEach, problemsOf } from './answers.ts'
import type { OfBroker } from './broker-operations.ts'
import { type ClusterOperations, compare } from './cluster-operations.ts'
import { TopicPages } from './table-pages.ts'
import {
  configOf,
  formatAttributes,
  summaryOf,
  type TopicSettings,
  type TopicSummary,
} from './topic-settings.ts'
import type { BrokerTarget, Where } from './where.ts'

/** How far one queue reaches. */
export interface QueueStats {
  readonly topic: string
  readonly brokerName: string
  readonly queueId: number
  readonly minOffset: number
  readonly maxOffset: number
  /** When the last message was stored; 0 when there never was one. Milliseconds. */
  readonly lastUpdateMs: number
}

/** Topics: their configuration at brokers and their routes at NameServers. */
export class TopicOperations {
  private readonly transport: AdminTransport
  private readonly cluster: ClusterOperations

  constructor(transport: AdminTransport, cluster: ClusterOperations) {
    this.transport = transport
    this.cluster = cluster
  }

  /** GET_ALL_TOPIC_LIST_FROM_NAMESERVER (206), or GET_TOPICS_BY_CLUSTER (224): names, sorted. */
  async names(clusterName?: string): Promise<string[]> {
    const all = { code: RequestCode.GET_ALL_TOPIC_LIST_FROM_NAMESERVER, header: {}, values: {} }
    const { topicList } =
      clusterName === undefined
        ? await this.transport.askNamesrvBody(all, TopicList)
        : await this.transport.askNamesrvBody(
            {
              code: RequestCode.GET_TOPICS_BY_CLUSTER,
              header: GetTopicsByClusterRequestHeader,
              values: { cluster: clusterName },
            },
            TopicList,
          )
    return [...new Set(topicList)].sort(compare)
  }

  /**
   * Every topic with its settings, from GET_ALL_TOPIC_CONFIG (21) of each broker name: of its master, or a slave in its
   * place. Sorted by name.
   */
  async list(where: Where = {}): Promise<Answers<TopicSummary>> {
    const targets = await this.cluster.readers(where)
    const { results, problems } = await askEach(
      targets,
      ({ address }) => address,
      async (broker) => ({ broker, configs: await this.configs(broker.address) }),
    )
    const byName = new Map<string, [BrokerTarget, TopicConfig][]>()
    for (const { broker, configs } of results) {
      for (const config of configs) {
        const known = byName.get(config.topicName)
        if (known === undefined) byName.set(config.topicName, [[broker, config]])
        else known.push([broker, config])
      }
    }
    const summaries = [...byName].map(([topic, places]) => summaryOf(topic, places))
    return { results: summaries.sort((a, b) => compare(a.topic, b.topic)), problems }
  }

  /** GET_ALL_TOPIC_CONFIG (21) of one broker, all pages. */
  configs(address: string): Promise<TopicConfig[]> {
    return new TopicPages(this.transport).all(address)
  }

  /** GET_TOPIC_CONFIG (351) at one broker. Rejects with ADMIN_TOPIC_NOT_FOUND. */
  config(address: string, topic: string): Promise<TopicConfigAndQueueMapping> {
    return this.transport.callBody(
      address,
      {
        code: RequestCode.GET_TOPIC_CONFIG,
        header: GetTopicConfigRequestHeader,
        values: { topic },
      },
      TopicConfigAndQueueMapping,
    )
  }

  /** A topic's configuration at each broker that has it. Rejects with ADMIN_TOPIC_NOT_FOUND when none does. */
  async describe(topic: string, where: Where = {}): Promise<Answers<OfBroker<TopicConfig>>> {
    const targets = await this.cluster.readers(where)
    const { results, problems } = await askEach(
      targets,
      ({ address }) => address,
      async (broker) => ({ broker, value: await this.configOrNull(broker.address, topic) }),
    )
    const found = results.filter((one): one is OfBroker<TopicConfigAndQueueMapping> => {
      return one.value !== null
    })
    if (found.length === 0 && problems.length === 0) throw noTopic(topic)
    return { results: found, problems }
  }

  /**
   * UPDATE_AND_CREATE_TOPIC (17) at every master that `where` means. What is left out gets its default also when the topic
   * exists. Rejects with ADMIN_REFUSED for illegal names and settings.
   */
  async create(
    topic: string,
    settings: TopicSettings = {},
    where: Where = {},
  ): Promise<Answers<OfBroker<TopicConfig>>> {
    const config = configOf(topic, settings)
    const attributes = formatAttributes(config.attributes)
    const targets = await this.cluster.targets(where)
    return askEach(
      targets,
      ({ address }) => address,
      async (broker) => {
        await this.update(broker.address, config, attributes)
        return { broker, value: config }
      },
    )
  }

  /** UPDATE_AND_CREATE_TOPIC_LIST (18): many at once; each broker takes all or none. */
  async createMany(
    topicConfigList: readonly TopicConfig[],
    where: Where = {},
  ): Promise<Answers<OfBroker<number>>> {
    const body = encodeBody(CreateTopicListRequestBody, { topicConfigList: [...topicConfigList] })
    const code = RequestCode.UPDATE_AND_CREATE_TOPIC_LIST
    return this.each(where, async (address) => {
      await this.transport.call(address, { code, header: {}, values: {}, body })
      return topicConfigList.length
    })
  }

  /** Changes the permission and nothing else. The value is what it was. Rejects with ADMIN_TOPIC_NOT_FOUND. */
  async setPerm(
    topic: string,
    perm: number,
    where: Where = {},
  ): Promise<Answers<OfBroker<number>>> {
    const { results, problems } = await this.describe(topic, where)
    const changed = await askEach(
      results,
      ({ broker }) => broker.address,
      async ({ broker, value }) => {
        if (value.perm !== perm) await this.update(broker.address, { ...value, perm }, null)
        return { broker, value: value.perm }
      },
    )
    return { results: changed.results, problems: [...problems, ...changed.problems] }
  }

  /** GET_ROUTEINFO_BY_TOPIC (105). Rejects with ADMIN_TOPIC_NOT_FOUND. */
  route(topic: string): Promise<TopicRouteData> {
    return this.transport.askNamesrvBody(
      {
        code: RequestCode.GET_ROUTEINFO_BY_TOPIC,
        header: GetRouteInfoRequestHeader,
        values: { topic, acceptStandardJsonOnly: true },
      },
      TopicRouteData,
    )
  }

  /** The brokers of a topic's route to ask: of each name the master, else the slave with the lowest id. */
  async brokersOf(topic: string): Promise<BrokerTarget[]> {
    const { brokerDatas } = await this.route(topic)
    const targets: BrokerTarget[] = []
    for (const { cluster, brokerName, brokerAddrs } of brokerDatas) {
      const [lowest] = [...brokerAddrs].sort(([a], [b]) => a - b)
      if (lowest === undefined) continue
      const [brokerId, address] = lowest
      targets.push({ clusterName: cluster, brokerName, brokerId, address })
    }
    return targets.sort((a, b) => compare(a.brokerName, b.brokerName))
  }

  /**
   * GET_TOPIC_STATS_INFO (202) at every broker of the route; sorted by broker and queue. Rejects with
   * ADMIN_TOPIC_NOT_FOUND.
   */
  async stats(topic: string): Promise<Answers<QueueStats> & { readonly putTps: number }> {
    const request = {
      code: RequestCode.GET_TOPIC_STATS_INFO,
      header: GetTopicStatsInfoRequestHeader,
      values: { topic },
    }
    const answers = await askEach(
      await this.brokersOf(topic),
      ({ address }) => address,
      ({ address }) => this.transport.callBody(address, request, TopicStatsTable),
    )
    const queues = answers.results.flatMap(({ offsetTable }) =>
      offsetTable.map(({ key, value }) => ({
        ...key,
        minOffset: value.minOffset,
        maxOffset: value.maxOffset,
        lastUpdateMs: value.lastUpdateTimestamp,
      })),
    )
    const putTps = answers.results.reduce((sum, { topicPutTps }) => sum + topicPutTps, 0)
    return { results: queues.sort(byQueue), problems: answers.problems, putTps }
  }

  /** QUERY_TOPIC_CONSUME_BY_WHO (300): groups that read the topic or have offsets in it, sorted. */
  async groups(topic: string): Promise<Answers<string>> {
    const request = {
      code: RequestCode.QUERY_TOPIC_CONSUME_BY_WHO,
      header: QueryTopicConsumeByWhoRequestHeader,
      values: { topic },
    }
    const { results, problems } = await askEach(
      await this.brokersOf(topic),
      ({ address }) => address,
      ({ address }) => this.transport.callBody(address, request, GroupList),
    )
    const names = new Set(results.flatMap(({ groupList }) => groupList))
    return { results: [...names].sort(compare), problems }
  }

  /** The clusters that have a topic, sorted. Rejects with ADMIN_TOPIC_NOT_FOUND. */
  async clusters(topic: string): Promise<string[]> {
    const { brokerDatas } = await this.route(topic)
    return [...new Set(brokerDatas.map(({ cluster }) => cluster))].sort(compare)
  }

  /**
   * DELETE_TOPIC_IN_BROKER (215) at the masters, then DELETE_TOPIC_IN_NAMESRV (216) at every NameServer. Its messages and
   * every group's offsets in it are gone. Rejects with ADMIN_TOPIC_NOT_FOUND when no broker and no route has it.
   */
  async delete(topic: string, where: Where = {}): Promise<Answers<OfBroker<null>>> {
    await this.requireKnown(topic, where)
    return this.deleteAnyway(topic, where)
  }

  /** As `delete`, for a topic that need not exist. */
  async deleteAnyway(topic: string, where: Where = {}): Promise<Answers<OfBroker<null>>> {
    const atBrokers = await this.each(where, async (address) => {
      const code = RequestCode.DELETE_TOPIC_IN_BROKER
      await this.transport.call(address, {
        code,
        header: DeleteTopicRequestHeader,
        values: { topic },
      })
      return null
    })
    const { clusterName } = where
    const atNamesrvs = await askEach(
      where.brokerAddr === undefined ? this.transport.namesrvAddrs : [],
      (address) => address,
      (address) =>
        this.transport.call(address, {
          code: RequestCode.DELETE_TOPIC_IN_NAMESRV,
          header: DeleteTopicFromNamesrvRequestHeader,
          values: { topic, clusterName: clusterName ?? null },
        }),
    )
    return { results: atBrokers.results, problems: problemsOf(atBrokers, atNamesrvs) }
  }

  /** GET_SYSTEM_TOPIC_LIST_FROM_BROKER (305): topics that the broker itself uses. */
  async systemTopics(address: string): Promise<string[]> {
    const code = RequestCode.GET_SYSTEM_TOPIC_LIST_FROM_BROKER
    const request = { code, header: {}, values: {} }
    const { topicList } = await this.transport.callBody(address, request, TopicList)
    return topicList.sort(compare)
  }

  private async requireKnown(topic: string, where: Where): Promise<void> {
    const { results, problems } = await this.describe(topic, where).catch((error: unknown) => {
      if (!isNotFound(error)) throw error
      return { results: [], problems: [] }
    })
    if (results.length > 0 || problems.length > 0) return
    // A NameServer keeps the route of a topic whose brokers have lost it: then there is still something to delete.
    await this.route(topic)
  }

  private async configOrNull(
    address: string,
    topic: string,
  ): Promise<TopicConfigAndQueueMapping | null> {
    try {
      return await this.config(address, topic)
    } catch (error) {
      if (isNotFound(error)) return null
      throw error
    }
  }

  private async update(
    address: string,
    config: TopicConfig,
    attributes: string | null,
  ): Promise<void> {
    await this.transport.call(address, {
      code: RequestCode.UPDATE_AND_CREATE_TOPIC,
      header: CreateTopicRequestHeader,
      values: {
        topic: config.topicName,
        defaultTopic: 'TBW102',
        readQueueNums: config.readQueueNums,
        writeQueueNums: config.writeQueueNums,
        perm: config.perm,
        topicFilterType: config.topicFilterType,
        topicSysFlag: config.topicSysFlag,
        order: config.order,
        attributes,
      },
    })
  }

  private async each<T>(
    where: Where,
    ask: (address: string) => Promise<T>,
  ): Promise<Answers<OfBroker<T>>> {
    const targets = await this.cluster.targets(where)
    return askEach(
      targets,
      ({ address }) => address,
      async (broker) => ({ broker, value: await ask(broker.address) }),
    )
  }
}

function byQueue(a: QueueStats, b: QueueStats): number {
  return compare(a.brokerName, b.brokerName) || a.queueId - b.queueId
}

function isNotFound(error: unknown): boolean {
  return error instanceof AdminError && error.code === AdminErrorCode.TOPIC_NOT_FOUND
}

function noTopic(topic: string): AdminError {
  const hint = '`topic list` shows the topics there are'
  return new AdminError(AdminErrorCode.TOPIC_NOT_FOUND, `no broker has the topic ${topic}`, {
    hint,
  })
}
