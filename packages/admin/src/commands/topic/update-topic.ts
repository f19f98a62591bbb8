import { AdminError, AdminErrorCode } from '../../admin-error.ts'
import { type AdminCommand, type Column, command } from '../../command.ts'
import type { MessageType } from '../../operations/topic-settings.ts'
import { column, numbers, permissions } from '../shared/columns.ts'
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
  readonly attributes?: readonly string[]
  readonly readQueues: number
  readonly writeQueues: number
  readonly perm: number
  readonly type?: MessageType
  readonly order?: boolean
  readonly isUnit?: boolean
  readonly hasUnitSub?: boolean
}

/** What a broker has of a topic. */
export const TOPIC_COLUMNS: readonly Column[] = [
  column('address', 'ADDRESS'),
  column('broker', 'BROKER'),
  column('topic', 'TOPIC'),
  numbers('readQueues', 'READ QUEUES'),
  numbers('writeQueues', 'WRITE QUEUES'),
  permissions('perm', 'PERM'),
  column('order', 'ORDER'),
  column('attributes', 'ATTRIBUTES'),
]

/** Java: UpdateTopicSubCommand. Codes 17, 106. */
export const updateTopic: AdminCommand = command<Options>({
  name: 'updateTopic',
  path: ['topic', 'create'],
  summary: 'Create a topic, or change an existing one',
  options: [
    BROKER_ADDR,
    CLUSTER_NAME,
    {
      flags: '-a, --attributes <list>',
      key: 'attributes',
      help: '+name=value sets, -name removes',
      type: 'list',
    },
    TOPIC,
    {
      flags: '-r, --readQueueNums <count>',
      key: 'readQueues',
      help: 'queues to read, on each broker',
      type: 'int',
      default: 8,
    },
    {
      flags: '-w, --writeQueueNums <count>',
      key: 'writeQueues',
      help: 'queues to write, on each broker',
      type: 'int',
      default: 8,
    },
    {
      flags: '-p, --perm <bits>',
      key: 'perm',
      help: '2 write, 4 read, 6 both',
      type: 'int',
      default: 6,
    },
    {
      flags: '--type <type>',
      key: 'type',
      help: 'what kind of messages it takes',
      choices: ['normal', 'fifo', 'delay', 'transaction', 'mixed'],
    },
    { flags: '-o, --order <boolean>', key: 'order', help: 'an ordered topic', type: 'boolean' },
    { flags: '-u, --unit <boolean>', key: 'isUnit', help: 'a unit topic', type: 'boolean' },
    {
      flags: '-s, --hasUnitSub <boolean>',
      key: 'hasUnitSub',
      help: 'has subscriptions of units',
      type: 'boolean',
    },
  ],
  arguments: [TOPIC_ARGUMENT],
  examples: [
    'topic create orders',
    'topic create orders -r 16 -w 16 --type fifo',
    'updateTopic -n 10.0.0.1:9876 -c DefaultCluster -t orders',
  ],
  async run({ admin }, { topic, attributes, ...settings }) {
    const { brokerAddr, clusterName } = settings
    const { results, problems } = await admin.topics.create(
      topic,
      { ...settings, attributes: attributeChanges(attributes) },
      { brokerAddr, clusterName },
    )
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

/** `+a=b` and `-c` by their names; an empty value removes. */
function attributeChanges(list: readonly string[] | undefined): Map<string, string> | undefined {
  if (list === undefined) return undefined
  return new Map(
    list.map((text) => {
      const parts = /^(\+[^=]+)=(.+)$|^(-[^=]+)$/.exec(text)
      if (parts === null) {
        const message = `--attributes: ${text.slice(0, 80)} is neither +name=value nor -name`
        throw new AdminError(AdminErrorCode.USAGE, message)
      }
      return [parts[1] ?? parts[3]!, parts[2] ?? ''] as const
    }),
  )
}
