import type { Frame } from '@apogee/protocol'

// Names of the fields of SendMessageResponseHeader, told apart by their length and first letter.
const MSG_ID_LENGTH = 5
const QUEUE_ID_LENGTH = 7
const TRACE_ON_LENGTH = 8
const MSG_REGION_LENGTH = 10
const QUEUE_OFFSET_LENGTH = 11
const TRANSACTION_ID_LENGTH = 13
const RECALL_HANDLE_LENGTH = 12
const LETTER_M = 0x6d
const LETTER_Q = 0x71
const LETTER_R = 0x72
const LETTER_T = 0x74

/** What a broker answers to a send (Java: SendMessageResponseHeader). One object is reused. */
export class SendAnswer {
  /** One id, or those of a batch with commas between. */
  msgId = ''
  queueId = 0
  queueOffset = 0
  transactionId: string | null = null
  recallHandle: string | null = null
  regionId = ''
  traceOn = true

  /** Reads it straight from the frame; fields it does not know are passed over. */
  read(frame: Frame): void {
    this.msgId = ''
    this.queueId = 0
    this.queueOffset = 0
    this.transactionId = null
    this.recallHandle = null
    this.traceOn = true
    const { fieldSpans, buffer } = frame
    for (let i = 0; i < frame.fieldCount; i++) {
      if (!frame.unescapeField(i)) continue
      const keyStart = fieldSpans[4 * i]!
      const length = fieldSpans[4 * i + 1]! - keyStart
      this.take(frame, length, buffer[keyStart]!, fieldSpans[4 * i + 2]!, fieldSpans[4 * i + 3]!)
    }
  }

  private take(frame: Frame, length: number, first: number, start: number, end: number): void {
    if (length === MSG_ID_LENGTH && first === LETTER_M) this.msgId = latin1(frame, start, end)
    else if (length === QUEUE_ID_LENGTH && first === LETTER_Q)
      this.queueId = digits(frame, start, end)
    else if (length === QUEUE_OFFSET_LENGTH && first === LETTER_Q) {
      this.queueOffset = digits(frame, start, end)
    } else if (length === TRANSACTION_ID_LENGTH && first === LETTER_T) {
      this.transactionId = latin1(frame, start, end)
    } else if (length === RECALL_HANDLE_LENGTH && first === LETTER_R) {
      this.recallHandle = latin1(frame, start, end)
    } else if (length === MSG_REGION_LENGTH) this.takeRegion(frame, start, end)
    else if (length === TRACE_ON_LENGTH) this.traceOn = end - start !== 5
  }

  /** It is the same with every answer of a broker: the text is made once. */
  private takeRegion(frame: Frame, start: number, end: number): void {
    const known = this.regionId
    let isSame = known.length === end - start
    for (let i = start; isSame && i < end; i++) {
      isSame = frame.buffer[i] === known.charCodeAt(i - start)
    }
    if (!isSame) this.regionId = frame.text(start, end)
  }
}

function latin1(frame: Frame, start: number, end: number): string {
  return frame.buffer.toString('latin1', start, end)
}

/** A decimal number, read as far as it is one. */
function digits(frame: Frame, start: number, end: number): number {
  let value = 0
  for (let i = start; i < end; i++) {
    const digit = frame.buffer[i]! - 0x30
    if (digit < 0 || digit > 9) break
    value = value * 10 + digit
  }
  return value
}
