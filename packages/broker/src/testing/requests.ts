import { isMalformed } from '@apogee/base'
import {
  buildSubscription,
  type ConsumerData,
  decodeRecords,
  type ExtFields,
  encodeHeader,
  formatProperties,
  type HeaderInput,
  HeartbeatData,
  type MessageExt,
  PermName,
  PullMessageRequestHeader,
  RequestCode,
  SendMessageRequestHeader,
  SendMessageRequestHeaderV2,
} from '@apogee/protocol'
import type { RemotingClient, Response } from '@apogee/remoting'
import type { TopicUpdate } from '../topic/topic-config-manager.ts'
import type { BrokerWorld } from './broker-world.ts'

export type SendHeader = HeaderInput<typeof SendMessageRequestHeader>
export type PullHeader = HeaderInput<typeof PullMessageRequestHeader>

/** A send that nothing is wrong with, but for what `changes` says. */
export function sendHeader(changes: Partial<SendHeader> = {}): SendHeader {
  return {
    producerGroup: 'p',
    topic: 'orders',
    defaultTopic: 'TBW102',
    defaultTopicQueueNums: 4,
    queueId: 0,
    sysFlag: 0,
    bornTimestamp: 1_700_000_000_000,
    flag: 0,
    properties: '',
    reconsumeTimes: 0,
    unitMode: false,
    batch: false,
    ...changes,
  }
}

/** Sends with a header; `code` 10 writes the long names, others the short ones. */
export function sendWith(
  world: BrokerWorld,
  client: RemotingClient,
  changes: Partial<SendHeader>,
  body: string | Buffer = 'x',
  code: number = RequestCode.SEND_MESSAGE_V2,
): Promise<Response> {
  const fields = sendFields(sendHeader(changes), code)
  return invoke(world, client, code, fields, Buffer.from(body))
}

export function sendFields(header: SendHeader, code: number): ExtFields {
  return code === RequestCode.SEND_MESSAGE
    ? encodeHeader(SendMessageRequestHeader, header)
    : encodeHeader(SendMessageRequestHeaderV2, header)
}

/** A pull that nothing is wrong with; it brings its subscription (sysFlag 4). */
export function pullHeader(changes: Partial<PullHeader> = {}): PullHeader {
  return {
    consumerGroup: 'g',
    topic: 'orders',
    queueId: 0,
    queueOffset: 0,
    maxMsgNums: 32,
    sysFlag: 4,
    commitOffset: 0,
    suspendTimeoutMillis: 0,
    subscription: '*',
    subVersion: 0,
    ...changes,
  }
}

export function pullWith(
  world: BrokerWorld,
  client: RemotingClient,
  changes: Partial<PullHeader>,
  code: number = RequestCode.PULL_MESSAGE,
): Promise<Response> {
  const fields = encodeHeader(PullMessageRequestHeader, pullHeader(changes))
  return invoke(world, client, code, fields)
}

export function invoke(
  world: BrokerWorld,
  client: RemotingClient,
  code: number,
  fields: ExtFields,
  body?: Buffer,
): Promise<Response> {
  const request = body === undefined ? { code, fields } : { code, fields, body }
  return world.settle(client.invoke(world.address, request, 40_000))
}

/** A consumer's heartbeat. */
export interface Beat {
  clientId?: string
  group?: string
  consumeType?: 'CONSUME_PASSIVELY' | 'CONSUME_ACTIVELY'
  messageModel?: 'CLUSTERING' | 'BROADCASTING'
  topic?: string
  expression?: string
  expressionType?: string
  subVersion?: number
}

export async function beatWith(
  world: BrokerWorld,
  client: RemotingClient,
  beat: Beat,
): Promise<void> {
  const { expression = '*', expressionType = 'TAG', subVersion = 1 } = beat
  const data = buildSubscription(beat.topic ?? 'orders', expression, expressionType, subVersion)
  if (isMalformed(data)) throw new Error(data.detail)
  const consumer: ConsumerData = {
    groupName: beat.group ?? 'g',
    consumeType: beat.consumeType ?? 'CONSUME_PASSIVELY',
    messageModel: beat.messageModel ?? 'CLUSTERING',
    consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
    unitMode: false,
    subscriptionDataSet: [data],
  }
  await world.callBody(client, RequestCode.HEART_BEAT, HeartbeatData, {
    clientID: beat.clientId ?? 'c1',
    heartbeatFingerprint: 0,
    withoutSub: false,
    producerDataSet: [],
    consumerDataSet: [consumer],
  })
}

/** An operator's wish for an ordinary topic of four queues. */
export function topicUpdate(topicName: string, changes: Partial<TopicUpdate> = {}): TopicUpdate {
  return {
    readQueueNums: 4,
    writeQueueNums: 4,
    perm: PermName.READ | PermName.WRITE,
    topicFilterType: 'SINGLE_TAG',
    topicSysFlag: 0,
    order: false,
    attributes: new Map(),
    ...changes,
    topicName,
  }
}

export function properties(...entries: [name: string, value: string][]): string {
  return formatProperties(entries)
}

/** The messages of a pull's answer. Throws when they are none. */
export function messagesOf(response: Response): MessageExt[] {
  const records = decodeRecords(response.body)
  if (isMalformed(records)) throw new Error(records.detail)
  return records
}

export function textsOf(response: Response): string[] {
  return messagesOf(response).map(({ body }) => Buffer.from(body).toString())
}
