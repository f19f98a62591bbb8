import { type AdminCommand, command, type Row } from '../../command.ts'
import { tryEach } from '../../operations/answers.ts'
import { column, numbers, wide } from '../shared/columns.ts'
import { TOPIC } from '../shared/options.ts'
import { table } from '../shared/output.ts'

interface Options {
  readonly topic: string
  readonly queueId: number
  readonly index: number
  readonly count: number
  readonly brokerAddr?: string
  readonly group?: string
}

const COLUMNS = [
  column('broker', 'BROKER'),
  numbers('index', 'INDEX'),
  numbers('physicOffset', 'LOG OFFSET'),
  numbers('physicSize', 'SIZE'),
  numbers('tagsCode', 'TAGS CODE'),
  ...wide(column('eval', 'MATCHES'), column('msg', 'MESSAGE'), column('bitMap', 'BIT MAP')),
]

/** Java: QueryConsumeQueueCommand. Codes 105, 321. */
export const queryCq: AdminCommand = command<Options>({
  name: 'queryCq',
  path: ['topic', 'queue-entries'],
  summary: "Show entries of a consume queue as they are on the broker's disk",
  options: [
    TOPIC,
    { flags: '-q, --queue <id>', key: 'queueId', help: 'the queue', type: 'int', required: true },
    {
      flags: '-i, --index <offset>',
      key: 'index',
      help: 'first entry; negative counts from the end',
      type: 'long',
      required: true,
    },
    { flags: '-c, --count <count>', key: 'count', help: 'how many', type: 'int', default: 10 },
    { flags: '-b, --broker <host:port>', key: 'brokerAddr', help: 'only at this broker' },
    {
      flags: '-g, --consumer <group>',
      key: 'group',
      help: 'whether entries match what this group subscribes',
    },
  ],
  examples: ['queryCq -n 10.0.0.1:9876 -t orders -q 0 -i 0 -c 2'],
  async run({ admin }, { brokerAddr, ...request }) {
    const targets =
      brokerAddr === undefined
        ? await admin.topics.brokersOf(request.topic)
        : await admin.cluster.targets({ brokerAddr })
    const { results, problems } = await tryEach(
      targets,
      ({ address }) => address,
      async ({ address }) => ({
        address,
        body: await admin.messages.consumeQueue(address, request),
      }),
    )
    const rows = results.flatMap(({ address, body }) =>
      body.queueData.map(
        (entry, i): Row => ({ broker: address, index: request.index + i, ...entry }),
      ),
    )
    const notes = results.map(
      ({ address, body }) => `${address}: min ${body.minQueueIndex}, max ${body.maxQueueIndex}`,
    )
    return table(COLUMNS, rows, { notes, problems })
  },
})
