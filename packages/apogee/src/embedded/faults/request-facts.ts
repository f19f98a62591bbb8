import { isMalformed } from '@apogee/base'
import { Frame, FrameScanner, RequestCode } from '@apogee/protocol'

/** What a fault rule and a made-up reply need of a frame. */
export interface FrameFacts {
  readonly code: number
  readonly opaque: number
  readonly serializeType: 0 | 1
  readonly isResponse: boolean
  readonly isOneway: boolean
  readonly topic: string | undefined
  readonly group: string | undefined
  readonly queueId: number | undefined
}

/** SEND_MESSAGE_V2 and its batches name their fields by one letter. */
const SHORT_NAMES: ReadonlySet<number> = new Set([
  RequestCode.SEND_MESSAGE_V2,
  RequestCode.SEND_BATCH_MESSAGE,
])

/** Reads the header of one whole frame; null when it is none. The bytes stay as they are. */
export function frameFacts(bytes: Buffer): FrameFacts | null {
  const scanner = new FrameScanner({ frameMax: bytes.length, headerMax: bytes.length })
  // Reading fields may rewrite escapes where they stand.
  scanner.push(Buffer.from(bytes))
  const frame = new Frame()
  if (scanner.next(frame) !== true) return null
  const { code, isOneway, isResponse, opaque, serializeType } = frame
  const fields = frame.fields()
  if (isMalformed(fields)) return null
  const isShort = SHORT_NAMES.has(code)
  const field = (...names: string[]): string | undefined => {
    for (const name of names) if (fields.has(name)) return fields.get(name)
    return undefined
  }
  const queueId = isShort ? field('e') : field('queueId')
  return {
    code,
    opaque,
    serializeType,
    isResponse,
    isOneway,
    topic: isShort ? field('b') : field('topic', 'originTopic'),
    group: isShort ? field('a') : field('consumerGroup', 'producerGroup', 'group'),
    queueId: queueId === undefined ? undefined : Number(queueId),
  }
}
