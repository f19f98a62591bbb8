import assert from 'node:assert/strict'
import { isMalformed } from '@apogee/base'
import {
  decodeRecords,
  encodeHeader,
  type MessageExt,
  PullMessageRequestHeader,
  plainBody,
  RequestCode,
  ResponseCode,
} from '@apogee/protocol'
import type { ReceivedMessage } from '../api/message.ts'
import { receivedMessage } from '../producer/received-message.ts'
import type { ClientInstance } from '../remote/client.ts'
import type { ClientWorld } from './client-world.ts'

export interface StoredMessage extends Omit<MessageExt, 'body'> {
  readonly body: Buffer
  /** Decompressed. */
  readonly plain: Buffer
  readonly received: ReceivedMessage
}

/** Every message of a topic, of all its queues on all brokers of its route. */
export async function messagesIn(
  world: ClientWorld,
  client: ClientInstance,
  topic: string,
): Promise<StoredMessage[]> {
  const found: StoredMessage[] = []
  const route = await world.settle(client.routes.refresh(topic))
  for (const { brokerName, queueId } of route?.subscribeQueues ?? []) {
    const address = client.routes.brokerAddress(brokerName, 0)!
    let queueOffset = 0
    while (true) {
      const header = {
        consumerGroup: 'inspector',
        topic,
        queueId,
        queueOffset,
        maxMsgNums: 32,
        sysFlag: 4,
        commitOffset: 0,
        suspendTimeoutMillis: 0,
        subscription: '*',
        subVersion: 0,
      }
      const fields = encodeHeader(PullMessageRequestHeader, header)
      const request = { code: RequestCode.PULL_MESSAGE, fields }
      const response = await world.settle(client.remote.invoke(address, request, 5_000))
      if (response.code !== ResponseCode.SUCCESS) break
      const messages = decodeRecords(response.body)
      assert(!isMalformed(messages))
      for (const message of messages) found.push(storedMessage(message, brokerName))
      queueOffset = Number(response.fields.get('nextBeginOffset'))
    }
  }
  return found
}

function storedMessage(message: MessageExt, brokerName: string): StoredMessage {
  const plain = plainBody(message.sysFlag, message.body, 1024 * 1024)
  assert(!isMalformed(plain))
  const received = receivedMessage(message, brokerName, null)
  return { ...message, body: Buffer.from(message.body), plain: Buffer.from(plain), received }
}
