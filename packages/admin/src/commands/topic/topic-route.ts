import { type AdminCommand, command } from '../../command.ts'
import { column, numbers, permissions } from '../shared/columns.ts'
import { TOPIC, TOPIC_ARGUMENT } from '../shared/options.ts'
import { table } from '../shared/output.ts'

interface Options {
  readonly topic: string
  readonly isList?: boolean
}

const COLUMNS = [
  column('cluster', 'CLUSTER'),
  column('broker', 'BROKER'),
  column('addresses', 'ADDRESSES'),
  numbers('readQueues', 'READ QUEUES'),
  numbers('writeQueues', 'WRITE QUEUES'),
  permissions('perm', 'PERM'),
]

/** Java: TopicRouteSubCommand. Code 105. */
export const topicRoute: AdminCommand = command<Options>({
  name: 'topicRoute',
  path: ['topic', 'route'],
  summary: 'Show which brokers a topic is on, as the NameServer tells clients',
  options: [
    TOPIC,
    { flags: '-l, --list', key: 'isList', help: 'a list, which this always is', ignored: true },
  ],
  arguments: [TOPIC_ARGUMENT],
  examples: ['topic route orders', 'topicRoute -n 10.0.0.1:9876 -t orders'],
  async run({ admin }, { topic }) {
    const { queueDatas, brokerDatas, orderTopicConf } = await admin.topics.route(topic)
    const rows = queueDatas
      .toSorted((a, b) => (a.brokerName < b.brokerName ? -1 : 1))
      .map(({ brokerName, readQueueNums, writeQueueNums, perm }) => {
        const broker = brokerDatas.find((one) => one.brokerName === brokerName)
        return {
          cluster: broker?.cluster ?? null,
          broker: brokerName,
          addresses: broker?.brokerAddrs ?? new Map(),
          readQueues: readQueueNums,
          writeQueues: writeQueueNums,
          perm,
        }
      })
    const notes = orderTopicConf === null ? [] : [`ordered: ${orderTopicConf}`]
    return table(COLUMNS, rows, { notes })
  },
})
