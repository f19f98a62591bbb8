import {
  type AdminCommand,
  type CommandContext,
  type CommandOutput,
  command,
  type Row,
} from '../../command.ts'
import type { ReplicaStatus } from '../../operations/replica-status.ts'
import { column, numbers, wide } from '../shared/columns.ts'
import { CLUSTER_NAME } from '../shared/options.ts'
import { table } from '../shared/output.ts'

interface Options {
  readonly clusterName?: string
}

const COLUMNS = [
  column('cluster', 'CLUSTER'),
  column('broker', 'BROKER'),
  numbers('brokerId', 'ID'),
  column('address', 'ADDRESS'),
  column('role', 'ROLE'),
  numbers('offset', 'OFFSET'),
  numbers('lagBytes', 'LAG'),
  column('inSync', 'IN SYNC'),
  numbers('inSyncReplicas', 'REPLICAS'),
  column('serves', 'SERVES', { format: (value) => (value as readonly string[]).join('+') || '-' }),
  column('state', 'STATE'),
  ...wide(
    numbers('confirmedOffset', 'CONFIRMED'),
    numbers('slaves', 'SLAVES'),
    column('masterHaAddress', 'COPIES FROM'),
    column('problem', 'PROBLEM'),
  ),
]

/** No command of mqadmin: what haStatus, brokerStatus and clusterList say, in one table. Codes 106, 28. */
export const clusterReplicas: AdminCommand = command<Options>({
  name: null,
  path: ['cluster', 'replicas'],
  summary: 'Show masters and slaves: how far each is, who is in sync, who serves',
  options: [CLUSTER_NAME],
  examples: ['cluster replicas', 'cluster replicas --watch 2', 'cluster replicas -o json'],
  run: look,
})

async function look({ admin }: CommandContext, options: Options): Promise<CommandOutput> {
  const { results, problems } = await admin.cluster.replicas(options.clusterName)
  const notes = results.flatMap(({ brokerId, brokerName, problem }) =>
    problem === null ? [] : [`${brokerName}/${brokerId}: ${problem}`],
  )
  return table(COLUMNS, results.map(rowOf), { problems, notes })
}

function rowOf({ clusterName, brokerName, ...rest }: ReplicaStatus): Row {
  return { cluster: clusterName, broker: brokerName, ...rest }
}
