import { type AdminCommand, command } from '../../command.ts'
import { column, numbers } from '../shared/columns.ts'
import { TOPIC } from '../shared/options.ts'
import { table } from '../shared/output.ts'

interface Options {
  readonly group: string
  readonly topic: string
  readonly clientId?: string
}

const COLUMNS = [
  column('clientId', 'CLIENT'),
  column('broker', 'BROKER'),
  numbers('queueId', 'QUEUE'),
  numbers('offset', 'OFFSET'),
]

/** Java: GetConsumerStatusCommand. Codes 105, 223. */
export const getConsumerStatus: AdminCommand = command<Options>({
  name: 'getConsumerStatus',
  path: null,
  summary: 'Ask the consumers of a group themselves how far they are in a topic',
  options: [
    { flags: '-g, --group <group>', key: 'group', help: 'consumer group', required: true },
    TOPIC,
    { flags: '-i, --originClientId <id>', key: 'clientId', help: 'only this consumer' },
  ],
  examples: ['getConsumerStatus -n 10.0.0.1:9876 -g billing -t orders'],
  async run({ admin }, { group, topic, clientId }) {
    const { results, problems } = await admin.offsets.consumerStatus(group, topic, clientId)
    const rows = results.map((one) => ({
      clientId: one.clientId,
      broker: one.queue.brokerName,
      queueId: one.queue.queueId,
      offset: one.offset,
    }))
    return table(COLUMNS, rows, { problems })
  },
})
