import {
  type AdminCommand,
  type CommandContext,
  type CommandOutput,
  command,
} from '../../command.ts'
import type { Diagnosis } from '../../operations/group-admin.ts'
import { column, wide } from '../shared/columns.ts'
import { CLUSTER_NAME, GROUP_ARGUMENT, GROUP_NAME } from '../shared/options.ts'
import { table } from '../shared/output.ts'

interface Options {
  readonly group: string
  readonly clusterName?: string
  readonly intervalSeconds: number
  readonly slowHandlerMs: number
}

const COLUMNS = [
  column('severity', 'SEVERITY'),
  column('code', 'CAUSE'),
  column('message', 'WHAT'),
  ...wide(
    column('topic', 'TOPIC'),
    column('broker', 'BROKER'),
    column('queueId', 'QUEUE'),
    column('clientId', 'CLIENT'),
  ),
  column('hint', 'DO'),
]

/** Looks twice and names the causes of a group's lag. Codes 105, 106, 202, 201, 203, 208, 307, 351. */
export const groupWhy: AdminCommand = command<Options>({
  name: null,
  path: ['group', 'why'],
  summary: 'Say why a consumer group is behind: which cause, which queue, which member',
  options: [
    GROUP_NAME,
    CLUSTER_NAME,
    {
      flags: '--interval <seconds>',
      key: 'intervalSeconds',
      help: 'between the two looks; Java consumers commit every 5 s',
      type: 'int',
      default: 6,
    },
    {
      flags: '--slow <ms>',
      key: 'slowHandlerMs',
      help: 'from when on a handler counts as slow',
      type: 'int',
      default: 1_000,
    },
  ],
  arguments: [GROUP_ARGUMENT],
  examples: ['group why billing'],
  run: (context, options) => why(context, options),
})

async function why(context: CommandContext, options: Options): Promise<CommandOutput> {
  const { group, clusterName, intervalSeconds, slowHandlerMs } = options
  context.progress?.(`looking at ${group} for ${intervalSeconds} s`)
  const diagnosis = await context.admin.groups.why(group, {
    clusterName,
    intervalMs: intervalSeconds * 1_000,
    limits: { slowHandlerMs },
    signal: context.signal,
  })
  const rows = diagnosis.findings.map(({ brokerName, ...rest }) => ({
    ...rest,
    broker: brokerName ?? null,
  }))
  const notes = [summary(diagnosis)]
  if (rows.length === 0) notes.push('nothing is wrong that can be seen from here')
  // A client that is silent is a finding; brokers that are down are findings and problems.
  const clientIds = new Set(diagnosis.later.clients.map(({ clientId }) => clientId))
  const problems = diagnosis.later.problems.filter(({ target }) => !clientIds.has(target))
  return table(COLUMNS, rows, { notes, problems })
}

function summary({ later }: Diagnosis): string {
  const lag = later.lags.reduce((sum, one) => sum + one.lag, 0)
  return `${later.clients.length} members, ${later.lags.length} queues, ${lag} messages wait`
}
