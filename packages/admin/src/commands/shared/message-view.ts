import type { CommandContext, CommandOutput } from '../../command.ts'
import type { FoundMessage } from '../../operations/found-message.ts'
import { trackMessage } from '../../operations/message-track.ts'
import { messageRow } from './message-rows.ts'
import { record } from './output.ts'

/** One message whole, and what each group made of it. */
export async function messageView(
  { admin }: Pick<CommandContext, 'admin'>,
  message: FoundMessage,
  charset?: string,
): Promise<CommandOutput> {
  const { results, problems } = await trackMessage(admin, message)
  return record({ ...messageRow(message, charset), tracks: results }, { problems })
}
