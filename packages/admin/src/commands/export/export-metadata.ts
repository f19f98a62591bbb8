import type { SubscriptionGroupConfig, TopicConfig } from '@apogee/protocol'
import { type AdminCommand, type CommandContext, command } from '../../command.ts'
import { askEach } from '../../operations/answers.ts'
import { kindOf } from '../../operations/topic-settings.ts'
import type { BrokerTarget } from '../../operations/where.ts'
import { BROKER_ADDR, CLUSTER_NAME, either, type WhereOptions } from '../shared/options.ts'
import { exported, FILE_PATH } from './exported.ts'

interface Options extends WhereOptions {
  readonly filePath?: string
  readonly isTopicOnly?: boolean
  readonly isGroupOnly?: boolean
  readonly areSpecialTopicsIncluded?: boolean
}

/** Java: ExportMetadataCommand. Codes 106, 21, 201, 305. */
export const exportMetadata: AdminCommand = command<Options>({
  name: 'exportMetadata',
  path: ['export', 'metadata'],
  summary: 'Write the topics and groups of a cluster or broker as JSON',
  options: [
    ...either('where', CLUSTER_NAME, BROKER_ADDR),
    FILE_PATH,
    { flags: '-t, --topic', key: 'isTopicOnly', help: 'only topics' },
    { flags: '-g, --subscriptionGroup', key: 'isGroupOnly', help: 'only groups' },
    {
      flags: '-s, --specialTopic',
      key: 'areSpecialTopicsIncluded',
      help: 'retry and dead-letter topics too',
    },
  ],
  examples: [
    'exportMetadata -c DefaultCluster -f /tmp/export',
    'export metadata -c DefaultCluster',
  ],
  async run(context, options) {
    const { isTopicOnly = false, isGroupOnly = false, filePath } = options
    const { admin, clock } = context
    const { results, problems } = await askEach(
      await admin.cluster.targets(options),
      ({ address }) => address,
      (broker) => contentOf(context, broker, options),
    )
    const value = {
      ...(isGroupOnly
        ? {}
        : { topicConfigTable: mergedTopics(results.flatMap((one) => one.topics)) }),
      ...(isTopicOnly
        ? {}
        : { subscriptionGroupTable: mergedGroups(results.flatMap((one) => one.groups)) }),
      exportTime: clock.wallMs(),
    }
    const part = isGroupOnly ? 'subscriptionGroup' : 'metadata'
    return exported(context, value, filePath, `${isTopicOnly ? 'topic' : part}.json`, problems)
  },
})

async function contentOf(
  { admin }: CommandContext,
  broker: BrokerTarget,
  { isTopicOnly, isGroupOnly, areSpecialTopicsIncluded = false }: Options,
): Promise<{ topics: TopicConfig[]; groups: SubscriptionGroupConfig[] }> {
  const groups = isTopicOnly === true ? [] : await admin.groups.configs(broker.address)
  if (isGroupOnly === true) return { topics: [], groups }
  const system = new Set(await admin.topics.systemTopics(broker.address))
  const topics = (await admin.topics.configs(broker.address)).filter(({ topicName }) => {
    const kind = kindOf(topicName, system)
    return kind === 'normal' || (areSpecialTopicsIncluded && kind !== 'system')
  })
  return { topics, groups }
}

/** As mqadmin writes it: the queues of all brokers of the cluster together. */
function mergedTopics(topics: readonly TopicConfig[]): Map<string, TopicConfig> {
  const merged = new Map<string, TopicConfig>()
  for (const topic of topics) {
    const known = merged.get(topic.topicName)
    merged.set(topic.topicName, {
      ...topic,
      readQueueNums: topic.readQueueNums + (known?.readQueueNums ?? 0),
      writeQueueNums: topic.writeQueueNums + (known?.writeQueueNums ?? 0),
    })
  }
  return merged
}

function mergedGroups(
  groups: readonly SubscriptionGroupConfig[],
): Map<string, SubscriptionGroupConfig> {
  const merged = new Map<string, SubscriptionGroupConfig>()
  for (const group of groups) {
    const retryQueueNums = group.retryQueueNums + (merged.get(group.groupName)?.retryQueueNums ?? 0)
    merged.set(group.groupName, { ...group, retryQueueNums })
  }
  return merged
}
