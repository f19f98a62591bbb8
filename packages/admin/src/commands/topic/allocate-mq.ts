import { AdminError, AdminErrorCode } from '../../admin-error.ts'
import { type AdminCommand, command } from '../../command.ts'
import { column, numbers } from '../shared/columns.ts'
import { TOPIC, TOPIC_ARGUMENT } from '../shared/options.ts'
import { table } from '../shared/output.ts'

interface Options {
  readonly topic: string
  readonly ipList: readonly string[]
}

const COLUMNS = [
  column('client', 'CLIENT'),
  column('broker', 'BROKER'),
  numbers('queueId', 'QUEUE'),
]

/** Java: AllocateMQSubCommand. Code 105. */
export const allocateMq: AdminCommand = command<Options>({
  name: 'allocateMQ',
  path: ['topic', 'allocate'],
  summary: 'Show how the queues of a topic would be shared between consumers',
  options: [
    TOPIC,
    {
      flags: '-i, --ipList <list>',
      key: 'ipList',
      help: 'the consumers, separated by commas',
      type: 'list',
      required: true,
    },
  ],
  arguments: [TOPIC_ARGUMENT],
  examples: ['allocateMQ -t orders -i 10.0.0.7,10.0.0.8'],
  async run({ admin }, { topic, ipList }) {
    if (ipList.length === 0) throw new AdminError(AdminErrorCode.USAGE, '--ipList is empty')
    const queues = await admin.offsets.queues(topic)
    const rows = averagely(queues, ipList).flatMap(([client, owned]) =>
      owned.map(({ brokerName, queueId }) => ({ client, broker: brokerName, queueId })),
    )
    return table(COLUMNS, rows)
  },
})

/** The default strategy of consumers: neighbouring queues, the first members one more when it does not divide evenly. */
function averagely<T>(queues: readonly T[], clients: readonly string[]): [string, readonly T[]][] {
  const share = Math.floor(queues.length / clients.length)
  const rest = queues.length % clients.length
  let next = 0
  return clients.map((client, index) => {
    const owned = queues.slice(next, next + share + (index < rest ? 1 : 0))
    next += owned.length
    return [client, owned]
  })
}
