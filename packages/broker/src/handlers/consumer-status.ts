import { isMalformed } from '@apogee/base'
import {
  type BodyEntry,
  decodeBody,
  encodeBody,
  encodeHeader,
  GetConsumerStatusBody,
  GetConsumerStatusRequestHeader,
  type MessageQueue,
  RequestCode,
  ResponseCode,
} from '@apogee/protocol'
import { type Answer, type Response, refuse, success } from '@apogee/remoting'
import type { ClientChannel } from '../client/client-channel.ts'
import type { ConsumerManager } from '../client/consumer-manager.ts'

const TIMEOUT_MS = 5000

/** Asks each client of a group, or one of them, how far it is in its queues (GET_CONSUMER_STATUS_FROM_CLIENT, 221). */
export async function consumerStatus(
  consumers: ConsumerManager,
  header: GetConsumerStatusRequestHeader,
): Promise<Answer> {
  const { topic, group, clientAddr } = header
  const channels = [...(consumers.get(group)?.channels.values() ?? [])]
  if (channels.length === 0) {
    const remark = `No Any Consumer online in the consumer group: [${group}]`
    return refuse(ResponseCode.SYSTEM_ERROR, remark)
  }
  const asked = channels.filter(({ clientId }) => !clientAddr?.trim() || clientId === clientAddr)
  const answers = await Promise.all(asked.map((channel) => ask(channel, topic, group)))
  const consumerTable = new Map<string, BodyEntry<MessageQueue, number>[]>()
  for (const [i, table] of answers.entries()) {
    if (table !== null) consumerTable.set(asked[i]!.clientId, table)
  }
  return success(encodeBody(GetConsumerStatusBody, { messageQueueTable: [], consumerTable }))
}

/** `null` when it gives no answer, or none that can be read: the others still count. */
function ask(
  channel: ClientChannel,
  topic: string,
  group: string,
): Promise<BodyEntry<MessageQueue, number>[] | null> {
  const fields = encodeHeader(GetConsumerStatusRequestHeader, { topic, group })
  const code = RequestCode.GET_CONSUMER_STATUS_FROM_CLIENT
  return new Promise((resolve) => {
    channel.connection.request(code, fields, null, TIMEOUT_MS, (error, response) => {
      resolve(error === null ? tableOf(response!) : null)
    })
  })
}

function tableOf(response: Response): BodyEntry<MessageQueue, number>[] | null {
  if (response.code !== ResponseCode.SUCCESS) return null
  const body = decodeBody(GetConsumerStatusBody, response.body)
  return isMalformed(body) ? null : body.messageQueueTable
}
