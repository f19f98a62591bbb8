import { type AdminCommand, command } from '../../command.ts'
import {
  BROKER_ADDR,
  CLUSTER_NAME,
  TOPIC,
  TOPIC_ARGUMENT,
  type WhereOptions,
} from '../shared/options.ts'
import { table } from '../shared/output.ts'
import { TOPIC_COLUMNS } from './update-topic.ts'

interface Options extends WhereOptions {
  readonly topic: string
}

/** What each broker has of a topic. Codes 106, 351. */
export const topicDescribe: AdminCommand = command<Options>({
  name: null,
  path: ['topic', 'describe'],
  summary: 'Show the settings of a topic at each broker',
  options: [TOPIC, BROKER_ADDR, CLUSTER_NAME],
  arguments: [TOPIC_ARGUMENT],
  examples: ['topic describe orders'],
  async run({ admin }, { topic, ...where }) {
    const { results, problems } = await admin.topics.describe(topic, where)
    const rows = results.map(({ broker, value }) => ({
      address: broker.address,
      broker: broker.brokerName,
      topic,
      readQueues: value.readQueueNums,
      writeQueues: value.writeQueueNums,
      perm: value.perm,
      order: value.order,
      attributes: value.attributes,
    }))
    return table(TOPIC_COLUMNS, rows, { problems })
  },
})
