import { isMalformed } from '@apogee/base'
import {
  decodeHeader,
  encodeHeader,
  RecallMessageRequestHeader,
  RecallMessageResponseHeader,
  RequestCode,
} from '@apogee/protocol'
import { ErrorCode, RocketMQError } from '../api/errors.ts'
import { withoutNamespace } from '../consumer/names.ts'
import type { Client } from '../remote/contract.ts'
import { invalidArgument } from '../remote/errors.ts'
import type { SendTrace } from '../trace/send-trace.ts'
import type { ProducerSettings } from './producer-settings.ts'
import { parseRecallHandle } from './recall-handle.ts'

/** RECALL_MESSAGE (370). Resolves to the id of the message that will not be delivered. */
export async function recallMessage(
  client: Client,
  settings: ProducerSettings,
  trace: SendTrace | null,
  recallHandle: string,
  timeoutMs: number,
): Promise<string> {
  const handle = parseRecallHandle(recallHandle)
  if (handle === null) throw invalidArgument('recallHandle: none that a broker has given')
  const { topic, brokerName } = handle
  await client.routes.get(topic)
  const address = client.routes.brokerAddress(brokerName, 0)
  if (address === null) {
    const details = { broker: brokerName, retriable: true }
    throw new RocketMQError(ErrorCode.BROKER_UNREACHABLE, `no route to ${brokerName}`, details)
  }
  const header = { producerGroup: settings.group, topic, recallHandle }
  const fields = encodeHeader(RecallMessageRequestHeader, header)
  const name = withoutNamespace(client.namespace, topic)
  try {
    const request = { code: RequestCode.RECALL_MESSAGE, fields }
    const response = await client.remote.call(address, request, timeoutMs)
    const answer = decodeHeader(RecallMessageResponseHeader, response.fields)
    if (isMalformed(answer)) throw new RocketMQError(ErrorCode.PROTOCOL, answer.detail)
    trace?.recalled(name, answer.msgId, true)
    return answer.msgId
  } catch (error) {
    trace?.recalled(name, '', false)
    throw error
  }
}
