import type { CommandContext, CommandOutput } from '../../command.ts'
import { notOnline } from '../../operations/client-operations.ts'
import type { FoundMessage } from '../../operations/found-message.ts'
import { column, numbers } from './columns.ts'
import { table } from './output.ts'

const COLUMNS = [
  column('msgId', 'MESSAGE ID'),
  column('clientId', 'CLIENT'),
  column('consumeResult', 'RESULT'),
  numbers('spentMs', 'MS'),
  column('remark', 'REMARK'),
]

/** Hands messages to one consumer of a group, the first one when none is named, and says what it made of each. */
export async function consumeDirectly(
  { admin }: Pick<CommandContext, 'admin'>,
  group: string,
  clientId: string | undefined,
  messages: readonly FoundMessage[],
): Promise<CommandOutput> {
  const { clients } = await admin.groups.connections(group)
  const client =
    clientId === undefined ? clients[0] : clients.find((one) => one.clientId === clientId)
  if (client === undefined) throw notOnline(group, clientId)
  const rows = []
  for (const message of messages) {
    const result = await admin.messages.consumeDirectly(group, client, message)
    const { consumeResult, remark, spentTimeMills, order, autoCommit } = result
    rows.push({
      msgId: message.msgId,
      clientId: client.clientId,
      consumeResult,
      spentMs: spentTimeMills,
      remark,
      order,
      autoCommit,
    })
  }
  return table(COLUMNS, rows)
}
