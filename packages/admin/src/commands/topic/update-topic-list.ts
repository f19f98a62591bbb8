import { TopicConfig } from '@apogee/protocol'
import { type AdminCommand, command } from '../../command.ts'
import { column, numbers } from '../shared/columns.ts'
import { readJsonList } from '../shared/files.ts'
import { BROKER_ADDR, CLUSTER_NAME, either, type WhereOptions } from '../shared/options.ts'
import { table } from '../shared/output.ts'

interface Options extends WhereOptions {
  readonly filename: string
}

/** Java: UpdateTopicListSubCommand. Codes 18, 106. */
export const updateTopicList: AdminCommand = command<Options>({
  name: 'updateTopicList',
  path: ['topic', 'create-list'],
  summary: 'Create or change the topics that a JSON file lists',
  options: [
    ...either('where', BROKER_ADDR, CLUSTER_NAME),
    {
      flags: '-f, --filename <file>',
      key: 'filename',
      help: 'JSON list of topic configurations: topicName, readQueueNums, …',
      required: true,
    },
  ],
  examples: ['updateTopicList -c DefaultCluster -f topics.json'],
  async run(context, { filename, ...where }) {
    const configs = await readJsonList(context, filename, TopicConfig)
    const { results, problems } = await context.admin.topics.createMany(configs, where)
    const columns = [
      column('address', 'ADDRESS'),
      column('broker', 'BROKER'),
      numbers('topics', 'TOPICS'),
    ]
    const rows = results.map(({ broker, value }) => ({
      address: broker.address,
      broker: broker.brokerName,
      topics: value,
    }))
    return table(columns, rows, { problems })
  },
})
