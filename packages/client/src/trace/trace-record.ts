// Records of RMQ_SYS_TRACE_TOPIC (Java: TraceDataEncoder): text, fields joined by the character 1, each record ended by the
// character 2.

const FIELD_END = '\x01'
const RECORD_END = '\x02'

/** Ordinals of Java's MessageType. */
export const TraceMessageType = {
  NORMAL: 0,
  TRANSACTION_HALF: 1,
  TRANSACTION_COMMIT: 2,
  DELAY: 3,
  ORDER: 4,
} as const

/**
 * What Java's client writes for no keys. Its decoder, which mqadmin uses, loses empty fields at the end of a record, and
 * then fails for want of one.
 */
const NO_KEYS = 'null'

/** One record with the words that it can be found by. */
export interface TraceRecord {
  readonly text: string
  /** Message ids and keys. */
  readonly keys: readonly string[]
}

export interface PublishedMessage {
  readonly atMs: number
  readonly regionId: string
  readonly group: string
  readonly topic: string
  readonly messageId: string
  readonly tag: string
  readonly keys: string
  /** Address of the broker. */
  readonly storeHost: string
  readonly bodySize: number
  readonly costMs: number
  /** One of TraceMessageType. */
  readonly messageType: number
  readonly offsetMessageId: string
  readonly isSuccess: boolean
}

export function publishRecord(message: PublishedMessage): TraceRecord {
  const text = record([
    'Pub',
    message.atMs,
    message.regionId,
    message.group,
    message.topic,
    message.messageId,
    message.tag,
    message.keys,
    message.storeHost,
    message.bodySize,
    message.costMs,
    message.messageType,
    message.offsetMessageId,
    message.isSuccess,
  ])
  return { text, keys: keysOf(message.messageId, message.keys) }
}

export interface EndedTransaction {
  readonly atMs: number
  readonly regionId: string
  readonly group: string
  readonly topic: string
  readonly messageId: string
  readonly tag: string
  readonly keys: string
  readonly storeHost: string
  readonly transactionId: string
  /** COMMIT_MESSAGE, ROLLBACK_MESSAGE or UNKNOW, as Java's LocalTransactionState. */
  readonly state: string
  readonly fromCheck: boolean
}

export function endTransactionRecord(end: EndedTransaction): TraceRecord {
  const text = record([
    'EndTransaction',
    end.atMs,
    end.regionId,
    end.group,
    end.topic,
    end.messageId,
    end.tag,
    end.keys,
    end.storeHost,
    TraceMessageType.TRANSACTION_COMMIT,
    end.transactionId,
    end.state,
    end.fromCheck,
  ])
  return { text, keys: keysOf(end.messageId, end.keys) }
}

export interface RecalledMessage {
  readonly atMs: number
  readonly regionId: string
  readonly group: string
  readonly topic: string
  readonly messageId: string
  readonly isSuccess: boolean
}

export function recallRecord(recall: RecalledMessage): TraceRecord {
  const { atMs, regionId, group, topic, messageId, isSuccess } = recall
  const text = record(['Recall', atMs, regionId, group, topic, messageId, isSuccess])
  return { text, keys: keysOf(messageId, '') }
}

/** A message given to a handler. */
export interface ConsumedMessage {
  readonly messageId: string
  readonly keys: string
  readonly reconsumeTimes: number
}

export interface ConsumeStart {
  readonly atMs: number
  readonly regionId: string
  readonly group: string
  /** Ties the record before to the one after. */
  readonly requestId: string
}

export function consumeBeforeRecord(start: ConsumeStart, message: ConsumedMessage): TraceRecord {
  const text = record([
    'SubBefore',
    start.atMs,
    start.regionId,
    start.group,
    start.requestId,
    message.messageId,
    message.reconsumeTimes,
    message.keys === '' ? NO_KEYS : message.keys,
  ])
  return { text, keys: keysOf(message.messageId, message.keys) }
}

/** How a handler ended: ordinals of Java's ConsumeReturnType. */
export const ConsumeReturn = {
  SUCCESS: 0,
  TIME_OUT: 1,
  EXCEPTION: 2,
  RETURNNULL: 3,
  FAILED: 4,
} as const

export interface ConsumeEnd extends ConsumeStart {
  readonly costMs: number
  readonly isSuccess: boolean
  /** One of ConsumeReturn. */
  readonly contextCode: number
}

export function consumeAfterRecord(end: ConsumeEnd, message: ConsumedMessage): TraceRecord {
  const text = record([
    'SubAfter',
    end.requestId,
    message.messageId,
    end.costMs,
    end.isSuccess,
    message.keys,
    end.contextCode,
    end.atMs,
    end.group,
  ])
  return { text, keys: keysOf(message.messageId, message.keys) }
}

function record(fields: readonly (string | number | boolean)[]): string {
  return fields.join(FIELD_END) + RECORD_END
}

function keysOf(messageId: string, keys: string): string[] {
  return [messageId, ...keys.split(' ').filter((key) => key !== '')]
}
