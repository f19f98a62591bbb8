import { PROPERTIES_MAX_SIZE, withCompression } from '@apogee/protocol'
import { ErrorCode, RocketMQError } from '../api/errors.ts'
import type { Message } from '../api/message.ts'
import { invalidArgument } from '../remote/errors.ts'
import { compressNow, compressOffLoop, isCompressedOffLoop } from './body-compression.ts'
import { isDelayed, propertiesText } from './message-properties.ts'
import type { ProducerSettings } from './producer-settings.ts'
import type { MessageFields } from './send-frame.ts'

/** Properties that the client sets itself, beside those of the message. */
export type MoreProperties = readonly (readonly [string, string])[]

/** A message as it goes over the wire, encoded once for all its attempts. */
export interface PreparedMessage extends MessageFields {
  readonly message: Message
  /** UNIQ_KEY. */
  readonly messageId: string
  /** Of the body as the caller gave it. */
  readonly bodySize: number
}

/** Throws RMQ_INVALID_ARGUMENT, RMQ_MESSAGE_TOO_LARGE. */
export function prepareMessage(
  message: Message,
  messageId: string,
  settings: ProducerSettings,
  more: MoreProperties,
  sysFlag: number,
): PreparedMessage {
  const { body: given, flag = 0 } = message
  if (typeof given !== 'string' && !(given instanceof Uint8Array)) {
    throw invalidArgument('body: neither text nor bytes; a topic with a codec makes them of values')
  }
  const body = typeof given === 'string' ? Buffer.from(given) : given
  if (body.length === 0) throw invalidArgument('body: empty, which brokers refuse')
  if (flag !== (flag | 0)) throw invalidArgument(`flag: ${flag} is no 32-bit number`)
  const properties = propertiesText(message, messageId, more)
  const propertiesSize = Buffer.byteLength(properties)
  if (propertiesSize > PROPERTIES_MAX_SIZE) {
    throw tooLarge(`properties of ${propertiesSize} bytes, at most ${PROPERTIES_MAX_SIZE}`)
  }
  const size = body.length + propertiesSize
  if (size > settings.maxMessageSize) {
    throw tooLarge(`message of ${size} bytes, maxMessageSize is ${settings.maxMessageSize}`)
  }
  const bodySize = body.length
  return { message, messageId, bodySize, body, flag, sysFlag, properties, propertiesSize }
}

/** The same message with its body compressed, when it is long enough. A promise for bodies that take long. */
export function compressed(
  prepared: PreparedMessage,
  settings: ProducerSettings,
): PreparedMessage | Promise<PreparedMessage> {
  const { compress } = settings
  const { body } = prepared
  if (compress === null || body.length < compress.over) return prepared
  const { type, level } = compress
  const withBody = (shorter: Uint8Array): PreparedMessage =>
    shorter === body
      ? prepared
      : { ...prepared, body: shorter, sysFlag: withCompression(prepared.sysFlag, type) }
  return isCompressedOffLoop(type, body.length)
    ? compressOffLoop(type, body, level).then(withBody)
    : withBody(compressNow(type, body, level))
}

/** Brokers store a batch as one write: no message of it may take another way. Throws RMQ_INVALID_ARGUMENT. */
export function checkBatchable(message: Message): void {
  if (isDelayed(message)) throw invalidArgument('a message with a delay cannot be part of a batch')
  if (message.topic.startsWith('%RETRY%')) throw invalidArgument('a retry topic takes no batches')
}

function tooLarge(text: string): RocketMQError {
  return new RocketMQError(ErrorCode.MESSAGE_TOO_LARGE, text)
}
