import { type AdminCommand, command } from '../../command.ts'
import { notOnline } from '../../operations/client-operations.ts'
import { CLIENT_COLUMNS, clientRow } from '../shared/client-rows.ts'
import {
  BROKER_ADDR,
  CONSUMER_GROUP,
  GROUP_ARGUMENT,
  type WhereOptions,
} from '../shared/options.ts'
import { table } from '../shared/output.ts'

interface Options extends WhereOptions {
  readonly group: string
}

/** Java: ConsumerConnectionSubCommand. Code 203. */
export const consumerConnection: AdminCommand = command<Options>({
  name: 'consumerConnection',
  path: ['group', 'clients'],
  summary: 'Show the connected members of a consumer group and what they subscribe',
  options: [CONSUMER_GROUP, BROKER_ADDR],
  arguments: [GROUP_ARGUMENT],
  examples: ['group clients billing', 'consumerConnection -n 10.0.0.1:9876 -g billing'],
  async run({ admin }, { group, brokerAddr }) {
    const found = await admin.groups.connections(group, { brokerAddr })
    if (found.clients.length === 0 && found.problems.length === 0) throw notOnline(group)
    const subscriptions = found.subscriptions.map(
      ({ topic, expressionType, subString }) =>
        `subscribes ${topic} ${expressionType} ${subString}`,
    )
    const notes = [
      ...subscriptions,
      `${found.consumeType}, ${found.messageModel}, ${found.consumeFromWhere}`,
    ]
    return table(CLIENT_COLUMNS, found.clients.map(clientRow), { notes, problems: found.problems })
  },
})
