import type { ConsumeQueue } from '../consume-queue/consume-queue.ts'

const NOTHING = new Uint8Array(0)

/**
 * The record about to be appended. One per store, filled by the caller and read by `append` before it returns: a message
 * costs no object. Spans are copied; their buffers may be used again at once.
 */
export class RecordDraft {
  topic = ''
  /** UTF-8 of `topic`. */
  topicBytes: Uint8Array = NOTHING
  queueId = 0
  /** The message's own flag, RocketMQ passes it through. */
  flag = 0
  /** MessageSysFlag; the host-version bits are set by `append`. */
  sysFlag = 0
  bornTimestamp = 0
  /** 4 or 16 bytes. */
  bornHost: Uint8Array = NOTHING
  bornPort = 0
  reconsumeTimes = 0
  preparedTransactionOffset = 0
  body: Uint8Array = NOTHING
  bodyStart = 0
  bodyEnd = 0
  properties: Uint8Array = NOTHING
  propertiesStart = 0
  propertiesEnd = 0
  /** False: acknowledged once written, whatever the flush mode (the property WAIT=false). */
  waitStore = true

  // Set by append.
  queue: ConsumeQueue | null = null
  queueOffset = 0
  physicalOffset = 0
  storeTimestamp = 0
  /** Bytes of the stored record. */
  size = 0
}
