import { type AdminCommand, command } from '../../command.ts'
import { column, permissions } from '../shared/columns.ts'
import {
  BROKER_ADDR,
  CLUSTER_NAME,
  TOPIC,
  TOPIC_ARGUMENT,
  type WhereOptions,
} from '../shared/options.ts'
import { table } from '../shared/output.ts'

interface Options extends WhereOptions {
  readonly topic: string
  readonly perm: number
}

/** Java: UpdateTopicPermSubCommand. Codes 17, 351, 106. */
export const updateTopicPerm: AdminCommand = command<Options>({
  name: 'updateTopicPerm',
  path: ['topic', 'perm'],
  summary: 'Change whether a topic may be read and written',
  options: [
    BROKER_ADDR,
    CLUSTER_NAME,
    TOPIC,
    {
      flags: '-p, --perm <bits>',
      key: 'perm',
      help: '2 write, 4 read, 6 both',
      type: 'int',
      required: true,
    },
  ],
  arguments: [TOPIC_ARGUMENT],
  examples: ['topic perm orders -p 4', 'updateTopicPerm -c DefaultCluster -t orders -p 6'],
  async run({ admin }, { topic, perm, ...where }) {
    const { results, problems } = await admin.topics.setPerm(topic, perm, where)
    const columns = [
      column('address', 'ADDRESS'),
      column('broker', 'BROKER'),
      permissions('before', 'BEFORE'),
      permissions('perm', 'PERM'),
    ]
    const rows = results.map(({ broker, value }) => ({
      address: broker.address,
      broker: broker.brokerName,
      before: value,
      perm,
    }))
    return table(columns, rows, { problems })
  },
})
