import {
  type AdminCommand,
  type CommandContext,
  type CommandOutput,
  command,
  type Row,
} from '../../command.ts'
import { tryEach } from '../../operations/answers.ts'
import { column, numbers, permissions, wide } from '../shared/columns.ts'
import { CLUSTER_NAME } from '../shared/options.ts'
import { counted, table } from '../shared/output.ts'

interface FlatOptions {
  readonly isClusterModel?: boolean
}

/** Java: TopicListSubCommand. Codes 206; with -c 106, 224, 300. */
export const topicList: AdminCommand = command<FlatOptions>({
  name: 'topicList',
  path: null,
  summary: 'List every topic that NameServers know',
  options: [
    {
      flags: '-c, --clusterModel',
      key: 'isClusterModel',
      help: 'with the cluster and the groups of each',
    },
  ],
  examples: ['topicList -n 10.0.0.1:9876', 'topicList -c'],
  async run(context, { isClusterModel }) {
    if (isClusterModel === true) return listByCluster(context)
    const topics = await context.admin.topics.names()
    return table(
      [column('topic', 'TOPIC')],
      topics.map((topic) => ({ topic })),
    )
  },
})

/** One row for each group of a topic; topics that nobody reads have one without. */
async function listByCluster({ admin }: CommandContext): Promise<CommandOutput> {
  const { clusterAddrTable } = await admin.cluster.info()
  const places: { cluster: string; topic: string }[] = []
  for (const cluster of [...clusterAddrTable.keys()].sort()) {
    for (const topic of await admin.topics.names(cluster)) {
      const isInner = topic.startsWith('%RETRY%') || topic.startsWith('%DLQ%')
      if (!isInner) places.push({ cluster, topic })
    }
  }
  const answers = await tryEach(
    places,
    ({ topic }) => topic,
    async (place) => ({ ...place, groups: await admin.topics.groups(place.topic) }),
  )
  const rows = answers.results.flatMap(({ cluster, topic, groups }): Row[] =>
    groups.results.length === 0
      ? [{ cluster, topic, group: null }]
      : groups.results.map((group) => ({ cluster, topic, group })),
  )
  const columns = [column('cluster', 'CLUSTER'), column('topic', 'TOPIC'), column('group', 'GROUP')]
  const problems = [
    ...answers.problems,
    ...answers.results.flatMap(({ groups }) => groups.problems),
  ]
  return table(columns, rows, { problems })
}

interface NounOptions {
  readonly clusterName?: string
  readonly isInternalShown?: boolean
}

const COLUMNS = [
  column('topic', 'TOPIC'),
  column('kind', 'KIND'),
  numbers('readQueues', 'READ QUEUES'),
  numbers('writeQueues', 'WRITE QUEUES'),
  permissions('perm', 'PERM'),
  column('messageType', 'TYPE'),
  column('brokers', 'BROKERS'),
  ...wide(column('clusters', 'CLUSTERS'), column('order', 'ORDER')),
]

/** One request a broker, however many topics there are. Codes 106, 21. */
export const nounTopicList: AdminCommand = command<NounOptions>({
  name: null,
  path: ['topic', 'list'],
  summary: 'List topics with their queues and brokers',
  options: [
    CLUSTER_NAME,
    {
      flags: '--internal',
      key: 'isInternalShown',
      help: 'retry, dead-letter and system topics too',
    },
  ],
  examples: ['topic list', 'topic list --internal -c DefaultCluster'],
  async run({ admin }, { clusterName, isInternalShown }) {
    const { results, problems } = await admin.topics.list({ clusterName })
    const shown = results.filter(({ kind }) => isInternalShown === true || kind === 'normal')
    const hidden = results.length - shown.length
    const notes = hidden === 0 ? [] : [`${counted(hidden, 'internal topic')} not shown: --internal`]
    return table(
      COLUMNS,
      shown.map((one) => ({ ...one })),
      { notes, problems },
    )
  },
})
