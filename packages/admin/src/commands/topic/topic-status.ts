import { type AdminCommand, command } from '../../command.ts'
import { column, numbers } from '../shared/columns.ts'
import { LMQ_CLUSTER, TOPIC, TOPIC_ARGUMENT } from '../shared/options.ts'
import { table } from '../shared/output.ts'

interface Options {
  readonly topic: string
}

const COLUMNS = [
  column('broker', 'BROKER'),
  numbers('queueId', 'QUEUE'),
  numbers('minOffset', 'MIN OFFSET'),
  numbers('maxOffset', 'MAX OFFSET'),
  numbers('messages', 'MESSAGES'),
  column('lastStoredAtMs', 'LAST STORED'),
]

/** Java: TopicStatusSubCommand. Codes 105, 202. */
export const topicStatus: AdminCommand = command<Options>({
  name: 'topicStatus',
  path: ['topic', 'stats'],
  summary: 'Show how far each queue of a topic reaches',
  options: [TOPIC, LMQ_CLUSTER],
  arguments: [TOPIC_ARGUMENT],
  examples: ['topic stats orders', 'topicStatus -n 10.0.0.1:9876 -t orders'],
  async run({ admin }, { topic }) {
    const { results, problems, putTps } = await admin.topics.stats(topic)
    const rows = results.map(({ brokerName, queueId, minOffset, maxOffset, lastUpdateMs }) => ({
      broker: brokerName,
      queueId,
      minOffset,
      maxOffset,
      messages: maxOffset - minOffset,
      lastStoredAtMs: lastUpdateMs,
    }))
    const notes = [`stored a second: ${putTps.toFixed(2)}`]
    return table(COLUMNS, rows, { notes, problems })
  },
})
