import { isMalformed } from '@apogee/base'
import {
  type BodyCodec,
  decodeBody,
  GroupRetryPolicy,
  type SubscriptionGroupConfig,
} from '@apogee/protocol'
import { AdminError, AdminErrorCode } from '../../admin-error.ts'
import { type AdminCommand, type Column, command, type Row } from '../../command.ts'
import type { OfBroker } from '../../operations/broker-operations.ts'
import type { GroupSettings } from '../../operations/group-operations.ts'
import { column, numbers, wide } from '../shared/columns.ts'
import {
  BROKER_ADDR,
  CLUSTER_NAME,
  GROUP_ARGUMENT,
  GROUP_NAME,
  type WhereOptions,
} from '../shared/options.ts'
import { table } from '../shared/output.ts'

interface Options extends WhereOptions {
  readonly group: string
  readonly consumeEnable?: boolean
  readonly consumeFromMinEnable?: boolean
  readonly consumeBroadcastEnable?: boolean
  readonly consumeMessageOrderly?: boolean
  readonly retryQueueNums?: number
  readonly retryMaxTimes?: number
  readonly groupRetryPolicy?: string
  readonly brokerId?: number
  readonly whichBrokerWhenConsumeSlowly?: number
  readonly notifyConsumerIdsChangedEnable?: boolean
  readonly attributes?: readonly string[]
}

/** A group's settings at one broker. */
export const GROUP_COLUMNS: readonly Column[] = [
  column('address', 'ADDRESS'),
  column('broker', 'BROKER'),
  column('groupName', 'GROUP'),
  column('consumeEnable', 'ENABLED'),
  column('consumeBroadcastEnable', 'BROADCAST'),
  column('consumeMessageOrderly', 'ORDERLY'),
  numbers('retryMaxTimes', 'RETRY MAX'),
  numbers('retryQueueNums', 'RETRY QUEUES'),
  numbers('consumeTimeoutMinute', 'TIMEOUT MIN'),
  ...wide(
    column('consumeFromMinEnable', 'FROM MIN'),
    numbers('brokerId', 'READS ID'),
    numbers('whichBrokerWhenConsumeSlowly', 'WHEN SLOW ID'),
    column('notifyConsumerIdsChangedEnable', 'NOTIFIED'),
    column('groupRetryPolicy', 'RETRY POLICY'),
    column('attributes', 'ATTRIBUTES'),
  ),
]

export function groupRow({ broker, value }: OfBroker<SubscriptionGroupConfig>): Row {
  return { address: broker.address, broker: broker.brokerName, ...value }
}

/** Java: UpdateSubGroupSubCommand. Codes 200, 201, 106. Settings that are not given stay as they are. */
export const updateSubGroup: AdminCommand = command<Options>({
  name: 'updateSubGroup',
  path: ['group', 'create'],
  summary: 'Create a consumer group, or change an existing one',
  options: [
    BROKER_ADDR,
    CLUSTER_NAME,
    GROUP_NAME,
    {
      flags: '-s, --consumeEnable <boolean>',
      key: 'consumeEnable',
      help: 'may consume at all',
      type: 'boolean',
    },
    {
      flags: '-m, --consumeFromMinEnable <boolean>',
      key: 'consumeFromMinEnable',
      help: 'may start at the oldest message',
      type: 'boolean',
    },
    {
      flags: '-d, --consumeBroadcastEnable <boolean>',
      key: 'consumeBroadcastEnable',
      help: 'may broadcast',
      type: 'boolean',
    },
    {
      flags: '-o, --consumeMessageOrderly <boolean>',
      key: 'consumeMessageOrderly',
      help: 'consumes in order',
      type: 'boolean',
    },
    {
      flags: '-q, --retryQueueNums <count>',
      key: 'retryQueueNums',
      help: 'queues of the retry topic',
      type: 'int',
    },
    {
      flags: '-r, --retryMaxTimes <count>',
      key: 'retryMaxTimes',
      help: 'retries before the dead-letter topic',
      type: 'int',
    },
    {
      flags: '-p, --groupRetryPolicy <json>',
      key: 'groupRetryPolicy',
      help: '{"type":"CUSTOMIZED","customizedRetryPolicy":{"next":[1000,5000]}}',
    },
    {
      flags: '-i, --brokerId <id>',
      key: 'brokerId',
      help: 'reads from the broker with this id',
      type: 'long',
    },
    {
      flags: '-w, --whichBrokerWhenConsumeSlowly <id>',
      key: 'whichBrokerWhenConsumeSlowly',
      help: 'reads from this one when it is slow',
      type: 'long',
    },
    {
      flags: '-a, --notifyConsumerIdsChanged <boolean>',
      key: 'notifyConsumerIdsChangedEnable',
      help: 'members hear of joins and leaves',
      type: 'boolean',
    },
    {
      flags: '--attributes <list>',
      key: 'attributes',
      help: '+name=value sets, -name removes',
      type: 'list',
    },
  ],
  arguments: [GROUP_ARGUMENT],
  examples: [
    'group create billing -r 5',
    'updateSubGroup -n 10.0.0.1:9876 -c DefaultCluster -g billing -s false',
  ],
  async run({ admin }, { group, brokerAddr, clusterName, groupRetryPolicy, attributes, ...rest }) {
    const settings: GroupSettings = { ...rest }
    if (groupRetryPolicy !== undefined) {
      settings.groupRetryPolicy = parsed(GroupRetryPolicy, groupRetryPolicy, '--groupRetryPolicy')
    }
    if (attributes !== undefined) settings.attributes = changes(attributes)
    const where = { brokerAddr, clusterName }
    const { results, problems } = await admin.groups.create(group, settings, where)
    return table(GROUP_COLUMNS, results.map(groupRow), { problems })
  },
})

function parsed<T>(codec: BodyCodec<T>, text: string, name: string): T {
  const value = decodeBody(codec, Buffer.from(text))
  if (!isMalformed(value)) return value
  throw new AdminError(AdminErrorCode.USAGE, `${name}: ${value.detail}`)
}

/** Attributes of groups go to the broker as changes by name: `+a` with a value, `-c` without. */
function changes(list: readonly string[]): Map<string, string> {
  return new Map(
    list.map((text) => {
      const at = text.indexOf('=')
      return at < 0 ? ([text, ''] as const) : ([text.slice(0, at), text.slice(at + 1)] as const)
    }),
  )
}
