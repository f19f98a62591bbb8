import {
  type AdminCommand,
  type CommandContext,
  type CommandOutput,
  command,
  type Row,
} from '../../command.ts'
import { Collector } from '../../diagnosis/collect.ts'
import { diagnose } from '../../diagnosis/diagnose.ts'
import type { GroupSnapshot } from '../../diagnosis/snapshot.ts'
import { tryEach } from '../../operations/answers.ts'
import { column, numbers } from '../shared/columns.ts'
import { table } from '../shared/output.ts'
import { repeated } from '../shared/repeated.ts'

interface Options {
  readonly intervalSeconds: number
}

const COLUMNS = [
  column('group', 'GROUP'),
  numbers('lag', 'LAG'),
  numbers('members', 'MEMBERS'),
  column('severity', 'SEVERITY'),
  column('code', 'CAUSE'),
  column('message', 'WHAT'),
]

/** Java: StartMonitoringSubCommand, which looks once a minute. Codes 106, 201, 317 and those of `group why`. */
export const startMonitoring: AdminCommand = command<Options>({
  name: 'startMonitoring',
  path: ['group', 'monitor'],
  summary: 'Look at every consumer group again and again and report what is wrong',
  options: [
    {
      flags: '--interval <seconds>',
      key: 'intervalSeconds',
      help: 'between two looks',
      type: 'int',
      default: 60,
    },
  ],
  examples: ['group monitor --interval 30'],
  run(context, { intervalSeconds }) {
    const before = new Map<string, GroupSnapshot>()
    return repeated(context, intervalSeconds * 1_000, () => look(context, before))
  },
})

/** A group is compared with what it was at the last look; one that is new with itself, which shows nothing that moves. */
async function look(
  { admin, transport, progress }: CommandContext,
  before: Map<string, GroupSnapshot>,
): Promise<CommandOutput> {
  const groups = await admin.groups.list()
  const names = groups.results.filter(({ isSystem }) => !isSystem).map(({ group }) => group)
  progress?.(`looking at ${names.length} groups`)
  const collector = new Collector(transport)
  const looked = await tryEach(
    names,
    (group) => group,
    async (group) => ({ group, later: await collector.snapshot(group) }),
  )
  const rows = looked.results.flatMap(({ group, later }): Row[] => {
    const first = before.get(group)
    before.set(group, later)
    const lag = later.lags.reduce((sum, one) => sum + one.lag, 0)
    const state = { group, lag, members: later.clients.length }
    const findings = first === undefined ? [] : diagnose(first, later)
    if (findings.length === 0) return [{ ...state, severity: null, code: null, message: null }]
    return findings.map(({ severity, code, message }) => ({ ...state, severity, code, message }))
  })
  return table(COLUMNS, rows, { problems: [...groups.problems, ...looked.problems] })
}
