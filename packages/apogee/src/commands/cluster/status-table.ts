import type { Column, TableOutput } from '@apogee/admin'
import type { ClusterStatus } from './cluster-status.ts'

const COLUMNS: readonly Column[] = [
  { key: 'node', title: 'NODE' },
  { key: 'role', title: 'ROLE' },
  { key: 'state', title: 'STATE' },
  { key: 'address', title: 'ADDRESS' },
  { key: 'offset', title: 'OFFSET', align: 'right' },
  { key: 'lag', title: 'LAG', align: 'right' },
  { key: 'inSync', title: 'IN SYNC' },
  { key: 'serves', title: 'SERVES' },
  { key: 'pid', title: 'PID', wide: true },
  { key: 'log', title: 'LOG', wide: true },
]

/** As other commands show what they found: tables for people, raw values for scripts. */
export function statusTable({ nodes, problems }: ClusterStatus): TableOutput {
  return { kind: 'table', columns: COLUMNS, rows: nodes.map((node) => ({ ...node })), problems }
}
