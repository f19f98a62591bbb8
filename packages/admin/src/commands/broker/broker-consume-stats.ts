import { type AdminCommand, command } from '../../command.ts'
import { lagOf } from '../../operations/group-operations.ts'
import { column, numbers, wide } from '../shared/columns.ts'
import { BROKER_ADDR } from '../shared/options.ts'
import { table } from '../shared/output.ts'

interface Options {
  readonly brokerAddr: string
  readonly timeoutMs: number
  readonly level: number
  readonly isOrder: boolean
}

const COLUMNS = [
  column('topic', 'TOPIC'),
  column('group', 'GROUP'),
  column('broker', 'BROKER'),
  numbers('queueId', 'QUEUE'),
  numbers('brokerOffset', 'BROKER OFFSET'),
  numbers('consumerOffset', 'CONSUMER OFFSET'),
  numbers('lag', 'LAG'),
  ...wide(numbers('inflight', 'INFLIGHT')),
  column('lastConsumedAtMs', 'LAST CONSUMED'),
]

/** Java: BrokerConsumeStatsSubCommad. Code 317. */
export const brokerConsumeStats: AdminCommand = command<Options>({
  name: 'brokerConsumeStats',
  path: ['broker', 'consume-stats'],
  summary: 'Show how far every group is in the queues of one broker',
  options: [
    { ...BROKER_ADDR, help: 'the broker', required: true },
    {
      flags: '-t, --timeoutMillis <ms>',
      key: 'timeoutMs',
      help: 'for the answer',
      type: 'int',
      default: 50_000,
    },
    {
      flags: '-l, --level <count>',
      key: 'level',
      help: 'only queues where at least so many messages wait',
      type: 'long',
      default: 0,
    },
    {
      flags: '-o, --order <boolean>',
      key: 'isOrder',
      help: 'only ordered topics',
      type: 'boolean',
      default: false,
    },
  ],
  examples: ['broker consume-stats -b 10.0.0.1:10911 -l 1000'],
  async run({ admin }, { brokerAddr, isOrder, timeoutMs, level }) {
    const stats = await admin.brokers.consumeStats(brokerAddr, isOrder, timeoutMs)
    const queues = stats.consumeStatsList.flatMap((byGroup) =>
      [...byGroup].flatMap(([group, list]) =>
        lagOf(group, list).queues.map((queue) => ({ group, ...queue })),
      ),
    )
    const rows = queues
      .filter(({ lag }) => lag >= level)
      .map(({ brokerName, lastConsumedMs, ...rest }) => ({
        ...rest,
        broker: brokerName,
        lastConsumedAtMs: lastConsumedMs,
      }))
    const notes = [`lag in all: ${stats.totalDiff}, in flight: ${stats.totalInflightDiff}`]
    return table(COLUMNS, rows, { notes })
  },
})
