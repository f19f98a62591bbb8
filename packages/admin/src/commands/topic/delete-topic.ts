import { type AdminCommand, command } from '../../command.ts'
import { column } from '../shared/columns.ts'
import { CLUSTER_NAME, DRY_RUN, placeText, TOPIC, TOPIC_ARGUMENT } from '../shared/options.ts'
import { table } from '../shared/output.ts'

interface Options {
  readonly topic: string
  readonly clusterName?: string
  readonly dryRun?: boolean
}

/** Java: DeleteTopicSubCommand. Codes 106, 351, 215, 216. */
export const deleteTopic: AdminCommand = command<Options>({
  name: 'deleteTopic',
  path: ['topic', 'delete'],
  summary: 'Delete a topic with its messages from brokers and NameServers',
  options: [TOPIC, CLUSTER_NAME, DRY_RUN],
  arguments: [TOPIC_ARGUMENT],
  examples: [
    'topic delete orders --dry-run',
    'deleteTopic -n 10.0.0.1:9876 -c DefaultCluster -t orders',
  ],
  damage: ({ topic, clusterName, dryRun }) =>
    dryRun === true
      ? null
      : `Every message of ${topic} and all groups' offsets in it are lost ${placeText({ clusterName })}.`,
  async run({ admin }, { topic, clusterName, dryRun }) {
    const columns = [
      column('address', 'ADDRESS'),
      column('broker', 'BROKER'),
      column('result', 'RESULT'),
    ]
    const isDry = dryRun === true
    const { results, problems } = isDry
      ? await admin.topics.describe(topic, { clusterName })
      : await admin.topics.delete(topic, { clusterName })
    const rows = results.map(({ broker }) => ({
      address: broker.address,
      broker: broker.brokerName,
      result: isDry ? 'would be deleted' : 'deleted',
    }))
    return table(columns, rows, { problems })
  },
})
