import { SubscriptionGroupConfig } from '@apogee/protocol'
import { type AdminCommand, command } from '../../command.ts'
import { column, numbers } from '../shared/columns.ts'
import { readJsonList } from '../shared/files.ts'
import { BROKER_ADDR, CLUSTER_NAME, either, type WhereOptions } from '../shared/options.ts'
import { table } from '../shared/output.ts'

interface Options extends WhereOptions {
  readonly filename: string
}

/** Java: UpdateSubGroupListSubCommand. Codes 225, 106. */
export const updateSubGroupList: AdminCommand = command<Options>({
  name: 'updateSubGroupList',
  path: ['group', 'create-list'],
  summary: 'Create or change the groups that a JSON file lists',
  options: [
    ...either('where', BROKER_ADDR, CLUSTER_NAME),
    {
      flags: '-f, --filename <file>',
      key: 'filename',
      help: 'JSON list of group configurations: groupName, retryMaxTimes, …',
      required: true,
    },
  ],
  examples: ['updateSubGroupList -c DefaultCluster -f groups.json'],
  async run(context, { filename, ...where }) {
    const configs = await readJsonList(context, filename, SubscriptionGroupConfig)
    const { results, problems } = await context.admin.groups.createMany(configs, where)
    const columns = [
      column('address', 'ADDRESS'),
      column('broker', 'BROKER'),
      numbers('groups', 'GROUPS'),
    ]
    const rows = results.map(({ broker, value }) => ({
      address: broker.address,
      broker: broker.brokerName,
      groups: value,
    }))
    return table(columns, rows, { problems })
  },
})
