import { type AdminCommand, command } from '../../command.ts'
import { column } from '../shared/columns.ts'
import { TOPIC, TOPIC_ARGUMENT } from '../shared/options.ts'
import { table } from '../shared/output.ts'

/** Java: TopicClusterSubCommand. Code 105. */
export const topicClusterList: AdminCommand = command<{ readonly topic: string }>({
  name: 'topicClusterList',
  path: ['topic', 'clusters'],
  summary: 'List the clusters that have a topic',
  options: [TOPIC],
  arguments: [TOPIC_ARGUMENT],
  examples: ['topic clusters orders'],
  async run({ admin }, { topic }) {
    const clusters = await admin.topics.clusters(topic)
    return table(
      [column('cluster', 'CLUSTER')],
      clusters.map((cluster) => ({ cluster })),
    )
  },
})
