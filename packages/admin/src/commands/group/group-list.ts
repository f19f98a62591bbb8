import { type AdminCommand, command } from '../../command.ts'
import { column, numbers, wide } from '../shared/columns.ts'
import { CLUSTER_NAME } from '../shared/options.ts'
import { counted, table } from '../shared/output.ts'

interface Options {
  readonly clusterName?: string
  readonly isOnlineShown?: boolean
  readonly isSystemShown?: boolean
}

const COLUMNS = [
  column('group', 'GROUP'),
  numbers('lag', 'LAG'),
  numbers('consumeTps', 'CONSUMED/S'),
  column('consumeEnable', 'ENABLED'),
  column('consumeMessageOrderly', 'ORDERLY'),
  numbers('retryMaxTimes', 'RETRY MAX'),
  column('brokers', 'BROKERS'),
]
const MEMBERS = numbers('members', 'MEMBERS')

/** Two requests a broker, however many groups there are; with --online one more a group. Codes 106, 201, 317; 203. */
export const groupList: AdminCommand = command<Options>({
  name: null,
  path: ['group', 'list'],
  summary: 'List consumer groups with their lag',
  options: [
    CLUSTER_NAME,
    { flags: '--online', key: 'isOnlineShown', help: 'how many members each has now' },
    { flags: '--system', key: 'isSystemShown', help: "RocketMQ's own groups too" },
  ],
  examples: ['group list', 'group list --online'],
  async run({ admin }, { clusterName, isOnlineShown = false, isSystemShown = false }) {
    const { results, problems } = await admin.groups.list(
      { clusterName },
      { connections: isOnlineShown },
    )
    const shown = results.filter(({ isSystem }) => isSystemShown || !isSystem)
    const rows = shown.map(({ connections, ...rest }) => ({
      ...rest,
      members: connections?.clients.length ?? null,
    }))
    const hidden = results.length - shown.length
    const notes = hidden === 0 ? [] : [`${counted(hidden, 'system group')} not shown: --system`]
    const columns = isOnlineShown ? [...COLUMNS, MEMBERS] : [...COLUMNS, ...wide(MEMBERS)]
    return table(columns, rows, { notes, problems })
  },
})
