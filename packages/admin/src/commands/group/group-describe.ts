import { type AdminCommand, command } from '../../command.ts'
import { GROUP_ARGUMENT, GROUP_NAME } from '../shared/options.ts'
import { table } from '../shared/output.ts'
import { GROUP_COLUMNS, groupRow } from './update-sub-group.ts'

/** Java: GetConsumerConfigSubCommand. Codes 106, 201. */
export const getConsumerConfig: AdminCommand = command<{ readonly group: string }>({
  name: 'getConsumerConfig',
  path: ['group', 'describe'],
  summary: 'Show the settings of a consumer group at each broker',
  options: [GROUP_NAME],
  arguments: [GROUP_ARGUMENT],
  examples: ['group describe billing', 'getConsumerConfig -n 10.0.0.1:9876 -g billing'],
  async run({ admin }, { group }) {
    const { results, problems } = await admin.groups.describe(group)
    return table(GROUP_COLUMNS, results.map(groupRow), { problems })
  },
})
