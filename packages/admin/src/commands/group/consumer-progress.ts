import {
  type AdminCommand,
  type CommandContext,
  type CommandOutput,
  command,
  type Row,
} from '../../command.ts'
import type { GroupSummary, QueueLag } from '../../operations/group-operations.ts'
import { column, numbers, wide } from '../shared/columns.ts'
import { GROUP_ARGUMENT, GROUP_NAME, LMQ_CLUSTER, optional } from '../shared/options.ts'
import { table } from '../shared/output.ts'
import { repeated } from '../shared/repeated.ts'
import { versionName } from '../shared/version-name.ts'

interface Options {
  readonly group?: string
  readonly topic?: string
  readonly isClientShown?: boolean
}

const QUEUE_COLUMNS = [
  column('topic', 'TOPIC'),
  column('broker', 'BROKER'),
  numbers('queueId', 'QUEUE'),
  numbers('brokerOffset', 'BROKER OFFSET'),
  numbers('consumerOffset', 'CONSUMER OFFSET'),
  numbers('lag', 'LAG'),
  numbers('inflight', 'INFLIGHT'),
  column('lastConsumedAtMs', 'LAST CONSUMED'),
]
const CLIENT = column('clientId', 'CLIENT')

const GROUP_COLUMNS = [
  column('group', 'GROUP'),
  numbers('members', 'MEMBERS'),
  column('version', 'VERSION'),
  column('type', 'TYPE'),
  column('model', 'MODEL'),
  numbers('consumeTps', 'CONSUMED/S'),
  numbers('lag', 'LAG'),
]

/** Java: ConsumerProgressSubCommand. Codes 106, 208; 203 and 307 with clients; 201, 317, 203 without a group. */
export const consumerProgress: AdminCommand = command<Options>({
  name: 'consumerProgress',
  path: null,
  summary: 'Show how far a consumer group is in its queues, or all groups',
  options: [
    { ...optional(GROUP_NAME), help: 'consumer group; without it all groups' },
    { flags: '-t, --topicName <topic>', key: 'topic', help: 'only this topic' },
    {
      flags: '-s, --showClientIP <boolean>',
      key: 'isClientShown',
      help: 'who owns each queue',
      type: 'boolean',
    },
    LMQ_CLUSTER,
  ],
  examples: ['consumerProgress -n 10.0.0.1:9876 -g billing -s true', 'consumerProgress'],
  run: async (context, options) =>
    options.group === undefined ? allGroups(context) : lagOutput(context, options.group, options),
})

interface LagOptions {
  readonly group: string
  readonly topic?: string
  readonly isClientShown?: boolean
  readonly watchSeconds?: number
}

/** Codes 106, 208; 203 and 307 with clients. */
export const groupLag: AdminCommand = command<LagOptions>({
  name: null,
  path: ['group', 'lag'],
  summary: 'Show how far a consumer group is in its queues',
  options: [
    GROUP_NAME,
    { flags: '-t, --topicName <topic>', key: 'topic', help: 'only this topic' },
    { flags: '--clients', key: 'isClientShown', help: 'who owns each queue' },
    {
      flags: '--watch <seconds>',
      key: 'watchSeconds',
      help: 'repeat until interrupted',
      type: 'int',
    },
  ],
  arguments: [GROUP_ARGUMENT],
  examples: ['group lag billing', 'group lag billing --clients --watch 2'],
  run(context, options) {
    const { group, watchSeconds } = options
    if (watchSeconds === undefined) return lagOutput(context, group, options)
    return repeated(context, watchSeconds * 1_000, () => lagOutput(context, group, options))
  },
})

async function lagOutput(
  { admin }: CommandContext,
  group: string,
  { topic, isClientShown = false }: Options,
): Promise<CommandOutput> {
  const lag = await admin.groups.lag(group, { topic, owners: isClientShown })
  const columns = isClientShown ? [...QUEUE_COLUMNS, CLIENT] : [...QUEUE_COLUMNS, ...wide(CLIENT)]
  const notes = [
    `consumed a second: ${lag.consumeTps.toFixed(2)}`,
    `lag in all: ${lag.totalLag}, in flight: ${lag.totalInflight}`,
  ]
  return table(columns, lag.queues.map(queueRow), { notes, problems: lag.problems })
}

function queueRow({ brokerName, lastConsumedMs, ...rest }: QueueLag): Row {
  return { ...rest, broker: brokerName, lastConsumedAtMs: lastConsumedMs }
}

async function allGroups({ admin }: CommandContext): Promise<CommandOutput> {
  const { results, problems } = await admin.groups.list({}, { connections: true })
  const rows = results.filter(({ isSystem }) => !isSystem).map(groupRow)
  return table(GROUP_COLUMNS, rows, { problems })
}

const TYPES = { CONSUME_ACTIVELY: 'PULL', CONSUME_PASSIVELY: 'PUSH', CONSUME_POP: 'POP' } as const

function groupRow({ group, connections, consumeTps, lag }: GroupSummary): Row {
  const versions = (connections?.clients ?? []).map(({ version }) => version)
  const type = connections?.consumeType ?? null
  return {
    group,
    members: versions.length,
    // Of several the oldest: that is the one that cannot do something.
    version: versions.length === 0 ? null : versionName(Math.min(...versions)),
    type: type === null ? null : TYPES[type],
    model: connections?.messageModel ?? null,
    consumeTps,
    lag,
  }
}
