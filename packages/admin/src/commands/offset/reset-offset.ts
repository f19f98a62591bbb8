import { AdminError, AdminErrorCode } from '../../admin-error.ts'
import {
  type AdminCommand,
  type CommandContext,
  type CommandOutput,
  command,
} from '../../command.ts'
import type { ResetTarget } from '../../operations/offset-operations.ts'
import { readTime } from '../../options.ts'
import { column, numbers } from '../shared/columns.ts'
import { DRY_RUN, GROUP_ARGUMENT, LMQ_CLUSTER, TOPIC } from '../shared/options.ts'
import { table } from '../shared/output.ts'

const COLUMNS = [
  column('topic', 'TOPIC'),
  column('broker', 'BROKER'),
  numbers('queueId', 'QUEUE'),
  numbers('from', 'FROM'),
  numbers('to', 'TO'),
  numbers('difference', 'DIFFERENCE'),
]

interface Place {
  readonly group: string
  readonly topic: string
  readonly brokerName?: string | undefined
  readonly queueId?: number | undefined
  readonly isForce?: boolean | undefined
  readonly dryRun?: boolean | undefined
}

async function reset(
  { admin }: Pick<CommandContext, 'admin'>,
  to: ResetTarget,
  { group, topic, ...options }: Place,
): Promise<CommandOutput> {
  const { dryRun = false } = options
  const { results, problems } = await admin.groups.resetOffset(group, topic, to, {
    ...options,
    dryRun,
  })
  const rows = results.map(({ brokerName, ...rest }) => ({ ...rest, broker: brokerName }))
  const notes = [
    dryRun ? 'nothing was changed' : 'consumers go on from there when they next ask for offsets',
  ]
  return table(COLUMNS, rows, { notes, problems })
}

function damageOf(to: string, { group, topic, dryRun }: Place): string | null {
  if (dryRun === true) return null
  return `${group} goes to ${to} in ${topic}: messages between are skipped, or consumed once more.`
}

const GROUP = { flags: '-g, --group <group>', key: 'group', help: 'consumer group', required: true }
const FORCE = {
  flags: '-f, --force <boolean>',
  key: 'isForce',
  help: 'also forwards over what was not consumed; brokers of 5.1 and later always do',
  type: 'boolean',
  default: true,
} as const

interface ByTimeOptions extends Place {
  readonly time: string
  readonly offset?: number
  readonly brokerAddr?: string
}

/** Java: ResetOffsetByTimeCommand. Codes 105, 14, 29, 30, 222; 15 where the broker leaves it to offline clients. */
export const resetOffsetByTime: AdminCommand = command<ByTimeOptions>({
  name: 'resetOffsetByTime',
  path: null,
  summary: 'Move a consumer group in a topic to a time, or to an offset of one queue',
  options: [
    GROUP,
    TOPIC,
    {
      flags: '-s, --timestamp <time>',
      key: 'time',
      help: 'now, -1 (the end), milliseconds, yyyy-MM-dd#HH:mm:ss:SSS or ISO 8601',
      required: true,
    },
    FORCE,
    LMQ_CLUSTER,
    { flags: '--cplus', key: 'isCplus', help: 'for C++ clients', ignored: true },
    { flags: '-b, --broker <host:port>', key: 'brokerAddr', help: 'only at this broker' },
    { flags: '-q, --queue <id>', key: 'queueId', help: 'only this queue; needs -b', type: 'int' },
    {
      flags: '-o, --offset <offset>',
      key: 'offset',
      help: 'to this offset instead; needs -b and -q',
      type: 'long',
    },
    DRY_RUN,
  ],
  examples: [
    'resetOffsetByTime -g billing -t orders -s now --dry-run',
    'resetOffsetByTime -n 10.0.0.1:9876 -g billing -t orders -s 2026-01-31#00:00:00:000',
  ],
  damage: (options) => damageOf(options.time, options),
  async run(context, { time, offset, brokerAddr, ...place }) {
    const to = offset === undefined ? timeTarget(time, context.clock.wallMs()) : { offset }
    if (brokerAddr === undefined) return reset(context, to, place)
    const [target] = await context.admin.cluster.targets({ brokerAddr })
    return reset(context, to, { ...place, brokerName: target?.brokerName || undefined })
  },
})

/** mqadmin says -1 for the end; a time of now is the end as well, up to what arrives meanwhile. */
function timeTarget(text: string, nowMs: number): ResetTarget {
  const timestampMs = readTime('--timestamp', text, nowMs)
  return timestampMs < 0 ? 'latest' : { timestampMs }
}

/** Java: SkipAccumulationSubCommand. Codes as for resetOffsetByTime. */
export const skipAccumulatedMessage: AdminCommand = command<Place>({
  name: 'skipAccumulatedMessage',
  path: ['group', 'skip'],
  summary: 'Move a consumer group to the end of a topic',
  options: [GROUP, TOPIC, FORCE, LMQ_CLUSTER, DRY_RUN],
  arguments: [GROUP_ARGUMENT],
  examples: [
    'group skip billing -t orders --dry-run',
    'skipAccumulatedMessage -g billing -t orders',
  ],
  damage: (options) =>
    options.dryRun === true
      ? null
      : `${options.group} never sees the messages of ${options.topic} that wait for it now.`,
  run: (context, options) => reset(context, 'latest', options),
})

interface NounOptions extends Place {
  readonly to: string
  readonly offset?: number
}

/** Codes as for resetOffsetByTime. */
export const groupResetOffset: AdminCommand = command<NounOptions>({
  name: null,
  path: ['group', 'reset-offset'],
  summary: 'Move a consumer group in a topic: earliest, latest, a time, or an offset of a queue',
  options: [
    GROUP,
    TOPIC,
    {
      flags: '--to <place>',
      key: 'to',
      help: 'earliest, latest, a time (ISO 8601, milliseconds, -90m), or offset:<n> with a broker and queue',
      required: true,
    },
    { flags: '--broker <name>', key: 'brokerName', help: 'only this broker, by name' },
    { flags: '--queue <id>', key: 'queueId', help: 'only this queue', type: 'int' },
    DRY_RUN,
  ],
  arguments: [GROUP_ARGUMENT],
  examples: [
    'group reset-offset billing -t orders --to earliest --dry-run',
    'group reset-offset billing -t orders --to -90m',
    'group reset-offset billing -t orders --to offset:1200 --broker broker-a --queue 3',
  ],
  damage: (options) => damageOf(options.to, options),
  run: async (context, { to, ...place }) =>
    reset(context, placeTarget(to, context.clock.wallMs()), place),
})

function placeTarget(text: string, nowMs: number): ResetTarget {
  if (text === 'earliest' || text === 'latest') return text
  const offset = /^offset:(\d{1,16})$/.exec(text)
  if (offset !== null) return { offset: Number(offset[1]) }
  const timestampMs = readTime('--to', text, nowMs)
  if (timestampMs < 0) throw new AdminError(AdminErrorCode.USAGE, '--to is before 1970')
  return { timestampMs }
}
