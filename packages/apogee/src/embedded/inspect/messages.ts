import { isMalformed } from '@apogee/base'
import type { BrokerServices } from '@apogee/broker'
import { type DiskError, DiskFailure } from '@apogee/env'
import {
  decodeRecord,
  formatHost,
  MessageConst,
  offsetMsgIdOf,
  shownBody,
  splitKeys,
} from '@apogee/protocol'
import { type ConsumeQueue, QueueUnits } from '@apogee/store'

/** A message as a broker of the cluster holds it. */
export interface StoredMessage {
  /** The brokerName, which a master shares with its slaves. */
  readonly broker: string
  /** The node that was asked: `broker-a`, or a slave, `broker-a-1`. */
  readonly node: string
  readonly topic: string
  readonly queueId: number
  readonly queueOffset: number
  /** As the sender gave it: inflated when it was sent compressed. */
  readonly body: Buffer
  readonly tags: string | undefined
  readonly keys: readonly string[]
  readonly properties: Readonly<Record<string, string>>
  /** The unique key that the sender gave it. */
  readonly messageId: string | undefined
  /** Where it is stored, as tools name it. */
  readonly offsetMessageId: string
  readonly bornHost: string
  readonly bornTimestamp: number
  readonly storeTimestamp: number
  /** How often it has come back for another try. */
  readonly reconsumeTimes: number
  readonly sysFlag: number
  readonly flag: number
}

/** Which of a topic's messages. */
export interface MessagesQuery {
  /** Only of this node, master (`'broker-a'`) or slave (`'broker-a-1'`). */
  broker?: string
  /** Without `broker`: of all masters, or of all slaves. Default `'master'`. */
  role?: 'master' | 'slave'
  /** Only of this queue. */
  queueId?: number
  /** Messages at most. Default 10,000. */
  limit?: number
}

/** What `messages` gives when nobody says how many. */
export const MESSAGES_MAX = 10_000
const UNITS = 256

/** Messages of a topic on one broker, by queue and offset, as far as retention has left them. */
export async function storedMessages(
  node: { readonly name: string; readonly brokerName: string },
  { store }: BrokerServices,
  {
    limit,
    queueId,
    topic,
  }: { readonly topic: string; readonly queueId: number | undefined; readonly limit: number },
): Promise<StoredMessage[]> {
  const messages: StoredMessage[] = []
  for (const id of store.queuesOf(topic).toSorted((a, b) => a - b)) {
    if (queueId !== undefined && id !== queueId) continue
    const queue = store.consumeQueue(topic, id)
    const units = new QueueUnits(UNITS)
    let next = store.minOffset(topic, id)
    while (messages.length < limit) {
      await readUnits(queue, next, Math.min(UNITS, limit - messages.length), units)
      if (units.count === 0) break
      next += units.count
      for (let i = 0; i < units.count; i++) {
        const record = await store.readRecord(units.physicalOffset[i]!)
        if (record !== null) messages.push(decoded(node, record))
      }
    }
  }
  return messages
}

function readUnits(
  queue: ConsumeQueue,
  from: number,
  count: number,
  units: QueueUnits,
): Promise<void> {
  return new Promise((resolve, reject) => {
    queue.read(from, count, units, (error: DiskError | null) => {
      if (error === null) resolve()
      else reject(error)
    })
  })
}

function decoded(
  { brokerName, name }: { readonly name: string; readonly brokerName: string },
  record: Buffer,
): StoredMessage {
  const message = decodeRecord(record, 0)
  if (isMalformed(message)) throw new DiskFailure('EIO', 'decode', name)
  const { bornHost, bornTimestamp, flag, properties, queueId, queueOffset, topic } = message
  const { reconsumeTimes, storeTimestamp, sysFlag } = message
  const body = shownBody(sysFlag, message.body)
  return {
    broker: brokerName,
    node: name,
    topic,
    queueId,
    queueOffset,
    body: Buffer.from(body.buffer, body.byteOffset, body.length),
    tags: properties.get(MessageConst.TAGS),
    keys: splitKeys(properties.get(MessageConst.KEYS)),
    properties: Object.fromEntries(properties),
    messageId: properties.get(MessageConst.UNIQ_KEY),
    offsetMessageId: offsetMsgIdOf(message),
    bornHost: formatHost(bornHost),
    bornTimestamp,
    storeTimestamp,
    reconsumeTimes,
    sysFlag,
    flag,
  }
}
