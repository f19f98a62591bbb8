import { AdminError, AdminErrorCode } from '../../admin-error.ts'
import type { Column, Row } from '../../command.ts'
import type { FoundMessage } from '../../operations/found-message.ts'
import { column, numbers, wide } from './columns.ts'

/** Messages, one a row. */
export const MESSAGE_COLUMNS: readonly Column[] = [
  column('msgId', 'MESSAGE ID'),
  column('broker', 'BROKER'),
  numbers('queueId', 'QUEUE'),
  numbers('queueOffset', 'OFFSET'),
  column('tags', 'TAGS'),
  column('keys', 'KEYS'),
  column('storedAtMs', 'STORED'),
  numbers('bodyBytes', 'BYTES'),
  ...wide(
    column('topic', 'TOPIC'),
    column('offsetMsgId', 'OFFSET ID'),
    column('bornAtMs', 'BORN'),
    column('bornHost', 'BORN AT'),
    numbers('reconsumeTimes', 'RETRIES'),
    column('properties', 'PROPERTIES'),
  ),
]

/** With the body at the end. */
export const MESSAGE_AND_BODY_COLUMNS: readonly Column[] = [
  ...MESSAGE_COLUMNS,
  column('body', 'BODY'),
]

/** The name that Java programs use is the default. */
export const BODY_CHARSET = 'UTF-8'

/** A message as a row; `charset` is how its body becomes text: what is no such text comes as base64. */
export function messageRow(message: FoundMessage, charset: string = BODY_CHARSET): Row {
  const { bornMs, storeMs, brokerName, body, ...rest } = message
  return {
    ...rest,
    broker: brokerName || message.storeHost,
    bornAtMs: bornMs,
    storedAtMs: storeMs,
    bodyBytes: body.length,
    ...bodyText(body, charset),
  }
}

function bodyText(body: Uint8Array, charset: string): { body: string; bodyEncoding: string } {
  const decoder = decoderOf(charset)
  try {
    return { body: decoder.decode(body), bodyEncoding: charset }
  } catch {
    return { body: Buffer.from(body).toString('base64'), bodyEncoding: 'base64' }
  }
}

function decoderOf(charset: string): TextDecoder {
  try {
    return new TextDecoder(charset, { fatal: true })
  } catch (cause) {
    const message = `${charset.slice(0, 40)} is no known character set`
    throw new AdminError(AdminErrorCode.USAGE, message, { cause })
  }
}
