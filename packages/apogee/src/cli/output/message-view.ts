import { isUtf8 } from 'node:buffer'
import { MessageConst } from '@apogee/protocol'
import { printableLine } from './printable.ts'

/** What is shown of a message: the members of the client's ReceivedMessage that are needed. */
export interface ShownMessage {
  readonly topic: string
  readonly rawBody: Buffer
  readonly tag: string | null
  readonly keys: readonly string[]
  readonly properties: Readonly<Record<string, string>>
  readonly messageId: string
  readonly offsetMessageId: string
  readonly queue: { readonly brokerName: string; readonly queueId: number }
  readonly queueOffset: number
  readonly reconsumeTimes: number
  readonly bornTimestamp: number
  readonly bornHost: string
  readonly storeTimestamp: number
  readonly storeHost: string
  readonly shardingKey: string | null
}

/** A message as one line of JSON; docs/cli/message.schema.json. */
export interface MessageJson {
  topic: string
  brokerName: string
  queueId: number
  queueOffset: number
  messageId: string
  offsetMessageId: string
  tag: string | null
  keys: readonly string[]
  shardingKey: string | null
  bornAt: string
  bornAtMs: number
  bornHost: string
  storedAt: string
  storedAtMs: number
  storeHost: string
  reconsumeTimes: number
  /** Those that its sender set. */
  properties: Readonly<Record<string, string>>
  /** Those that RocketMQ set: UNIQ_KEY, DELAY, … */
  systemProperties: Readonly<Record<string, string>>
  /** The body when it is UTF-8. */
  body?: string
  /** The body when it is not. */
  bodyBase64?: string
}

export function messageJson(message: ShownMessage): MessageJson {
  const { bornTimestamp, storeTimestamp, rawBody } = message
  return {
    topic: message.topic,
    brokerName: message.queue.brokerName,
    queueId: message.queue.queueId,
    queueOffset: message.queueOffset,
    messageId: message.messageId,
    offsetMessageId: message.offsetMessageId,
    tag: message.tag,
    keys: message.keys,
    shardingKey: message.shardingKey,
    bornAt: isoTime(bornTimestamp),
    bornAtMs: bornTimestamp,
    bornHost: message.bornHost,
    storedAt: isoTime(storeTimestamp),
    storedAtMs: storeTimestamp,
    storeHost: message.storeHost,
    reconsumeTimes: message.reconsumeTimes,
    ...splitProperties(message.properties),
    ...(isUtf8(rawBody)
      ? { body: rawBody.toString('utf8') }
      : { bodyBase64: rawBody.toString('base64') }),
  }
}

const SYSTEM_PROPERTIES: ReadonlySet<string> = new Set(Object.values(MessageConst))

/** Names that RocketMQ uses itself are its own; a client refuses to send them. */
function splitProperties(
  all: Readonly<Record<string, string>>,
): Pick<MessageJson, 'properties' | 'systemProperties'> {
  const properties: Record<string, string> = {}
  const systemProperties: Record<string, string> = {}
  for (const [name, value] of Object.entries(all)) {
    const isSystem = SYSTEM_PROPERTIES.has(name) || name.startsWith(MessageConst.TRANSIENT_PREFIX)
    ;(isSystem ? systemProperties : properties)[name] = value
  }
  return { properties, systemProperties }
}

/** ISO 8601 in UTC; a number that is no time stays one. */
export function isoTime(ms: number): string {
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : String(ms)
}

/** Local time of day for a terminal, with the day when it is not today's. */
export function shortTime(ms: number, nowMs: number): string {
  const time = new Date(ms)
  if (Number.isNaN(time.getTime())) return String(ms)
  const two = (value: number): string => String(value).padStart(2, '0')
  const day = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`
  const clock = `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`
  const text = `${clock}.${String(time.getMilliseconds()).padStart(3, '0')}`
  return new Date(nowMs).toDateString() === time.toDateString() ? text : `${day} ${text}`
}

/** A body on one line of a terminal. */
export function bodyLine(body: Buffer): string {
  return isUtf8(body) ? printableLine(body.toString('utf8')) : `<${body.length} bytes, not text>`
}
