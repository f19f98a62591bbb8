import { type AdminCommand, command } from '../../command.ts'
import { column, wide } from '../shared/columns.ts'
import { BROKER_ADDR, CLUSTER_NAME, either, type WhereOptions } from '../shared/options.ts'
import { table } from '../shared/output.ts'

const COLUMNS = [
  column('address', 'ADDRESS'),
  column('key', 'KEY'),
  column('value', 'VALUE'),
  ...wide(column('broker', 'BROKER')),
]

/** Java: BrokerStatusSubCommand. Codes 28, 106. */
export const brokerStatus: AdminCommand = command<WhereOptions>({
  name: 'brokerStatus',
  path: ['broker', 'status'],
  summary: 'Show what brokers report about themselves',
  options: either('where', BROKER_ADDR, CLUSTER_NAME),
  examples: ['broker status -b 10.0.0.1:10911', 'brokerStatus -n 10.0.0.1:9876 -c DefaultCluster'],
  async run({ admin }, options) {
    const { results, problems } = await admin.brokers.status(options)
    const rows = results.flatMap(({ broker, value }) =>
      [...value].toSorted(byKey).map(([key, text]) => ({
        address: broker.address,
        broker: broker.brokerName,
        key,
        value: text,
      })),
    )
    return table(COLUMNS, rows, { problems })
  },
})

function byKey([a]: [string, string], [b]: [string, string]): number {
  return a < b ? -1 : 1
}
