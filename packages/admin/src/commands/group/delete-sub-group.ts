import { type AdminCommand, command } from '../../command.ts'
import { column } from '../shared/columns.ts'
import {
  BROKER_ADDR,
  CLUSTER_NAME,
  GROUP_ARGUMENT,
  GROUP_NAME,
  placeText,
  type WhereOptions,
} from '../shared/options.ts'
import { table } from '../shared/output.ts'

interface Options extends WhereOptions {
  readonly group: string
  readonly removeOffset?: boolean
}

/** Java: DeleteSubscriptionGroupCommand. Codes 207, 215, 216, 201, 106. */
export const deleteSubGroup: AdminCommand = command<Options>({
  name: 'deleteSubGroup',
  path: ['group', 'delete'],
  summary: 'Delete a consumer group with its retry and dead-letter topics',
  options: [
    BROKER_ADDR,
    CLUSTER_NAME,
    GROUP_NAME,
    {
      flags: '-r, --removeOffset <boolean>',
      key: 'removeOffset',
      help: 'its offsets too: a group of this name then starts anew',
      type: 'boolean',
    },
  ],
  arguments: [GROUP_ARGUMENT],
  examples: ['group delete billing', 'deleteSubGroup -c DefaultCluster -g billing -r true'],
  damage({ group, removeOffset, ...where }) {
    const offsets = removeOffset === true ? ' and how far it is in every topic' : ''
    return `The settings of ${group}, its messages in retry and dead-letter topics${offsets} are lost ${placeText(where)}.`
  },
  async run({ admin }, { group, removeOffset = false, ...where }) {
    const { results, problems } = await admin.groups.delete(group, where, { removeOffset })
    const columns = [
      column('address', 'ADDRESS'),
      column('broker', 'BROKER'),
      column('result', 'RESULT'),
    ]
    const rows = results.map(({ broker }) => ({
      address: broker.address,
      broker: broker.brokerName,
      result: 'deleted',
    }))
    return table(columns, rows, { problems })
  },
})
