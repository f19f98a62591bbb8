import type { BrokerStatsData } from '@apogee/protocol'
import { AdminError } from '../../admin-error.ts'
import { type AdminCommand, type CommandContext, command, type Row } from '../../command.ts'
import { tryEach } from '../../operations/answers.ts'
import type { StatsName } from '../../operations/broker-operations.ts'
import { kindOf } from '../../operations/topic-settings.ts'
import type { BrokerTarget } from '../../operations/where.ts'
import { column, numbers } from '../shared/columns.ts'
import { optional, TOPIC } from '../shared/options.ts'
import { table } from '../shared/output.ts'

interface Options {
  readonly isActiveOnly?: boolean
  readonly topic?: string
}

const COLUMNS = [
  column('topic', 'TOPIC'),
  column('group', 'GROUP'),
  numbers('lag', 'LAG'),
  numbers('inTps', 'IN/S'),
  numbers('outTps', 'OUT/S'),
  numbers('inToday', 'IN 24 H'),
  numbers('outToday', 'OUT 24 H'),
]

/** Java: StatsAllSubCommand. Codes 105, 206, 208, 300, 315. */
export const statsAll: AdminCommand = command<Options>({
  name: 'statsAll',
  path: ['topic', 'traffic'],
  summary: 'Show what goes into each topic and out to each group',
  options: [
    {
      flags: '-a, --activeTopic',
      key: 'isActiveOnly',
      help: 'only where something went in or out',
    },
    { ...optional(TOPIC), help: 'only this topic' },
  ],
  examples: ['topic traffic', 'statsAll -n 10.0.0.1:9876 -a -t orders'],
  async run(context, { isActiveOnly = false, topic }) {
    const names = topic === undefined ? await context.admin.topics.names() : [topic]
    const wanted = names.filter((name) => name === topic || !/^(?:retry|dlq)$/.test(kindOf(name)))
    context.progress?.(`asking about ${wanted.length} topics`)
    // A topic that was named must be there; of all topics one may go meanwhile.
    if (topic !== undefined) await context.admin.topics.route(topic)
    const { results, problems } = await tryEach(
      wanted,
      (name) => name,
      (name) => rowsOf(context, name),
    )
    const rows = results
      .flat()
      .filter(
        ({ inToday, outToday }) => !isActiveOnly || Number(inToday) > 0 || Number(outToday) > 0,
      )
    return table(COLUMNS, rows, { problems })
  },
})

async function rowsOf(context: CommandContext, topic: string): Promise<Row[]> {
  const { admin } = context
  const brokers = await admin.topics.brokersOf(topic)
  const put = await sumOf(context, brokers, 'TOPIC_PUT_NUMS', topic)
  const common = { topic, inTps: put.tps, inToday: put.today }
  const { results } = await admin.topics.groups(topic)
  if (results.length === 0) {
    return [{ ...common, group: null, lag: null, outTps: null, outToday: null }]
  }
  const rows: Row[] = []
  for (const group of results) {
    const got = await sumOf(context, brokers, 'GROUP_GET_NUMS', `${topic}@${group}`)
    const lag = await lagOf(context, group, topic)
    rows.push({ ...common, group, lag, outTps: got.tps, outToday: got.today })
  }
  return rows
}

async function sumOf(
  { admin }: CommandContext,
  brokers: readonly BrokerTarget[],
  name: StatsName,
  key: string,
): Promise<{ tps: number; today: number }> {
  const { results } = await tryEach(
    brokers,
    ({ address }) => address,
    ({ address }) => admin.brokers.stats(address, name, key),
  )
  const known = results.filter((one): one is BrokerStatsData => one !== null)
  return {
    tps: known.reduce((sum, { statsMinute }) => sum + statsMinute.tps, 0),
    today: known.reduce((sum, stats) => sum + todayOf(stats), 0),
  }
}

/** A day is counted only once an hour has passed, and an hour once a minute has. */
function todayOf({ statsDay, statsHour, statsMinute }: BrokerStatsData): number {
  return statsDay.sum || statsHour.sum || statsMinute.sum
}

async function lagOf(
  { admin }: CommandContext,
  group: string,
  topic: string,
): Promise<number | null> {
  try {
    return (await admin.groups.lag(group, { topic })).totalLag
  } catch (error) {
    // A group may be gone, or be one that only pulls.
    if (!(error instanceof AdminError)) throw error
    return null
  }
}
