// Ready-made SEND_MESSAGE_V2 frames, one for each topic and queue; what differs from message to message is patched in.
import { encodeFrame, type HeaderForm, RequestCode } from './frames.ts'

export interface TemplateOptions {
  topicPrefix: string
  topics: number
  queues: number
  bodySize: number
  form: HeaderForm
}

export interface SendTemplate {
  /** Everything before the body. */
  head: Buffer
  opaqueAt: number
  /** Eight hexadecimal digits inside UNIQ_KEY, so that every message has its own key as a real client's does. */
  keyAt: number
  /** Head and body. */
  size: number
}

const KEY_MARK = 'KKKKKKKK'
const HEX = Buffer.from('0123456789ABCDEF')

/** One topic is named as it is asked for, several get a number. */
export function topicName(prefix: string, topics: number, index: number): string {
  return topics === 1 ? prefix : `${prefix}_${index}`
}

export function sendTemplates(options: TemplateOptions): SendTemplate[] {
  const templates: SendTemplate[] = []
  for (let topic = 0; topic < options.topics; topic++) {
    const name = topicName(options.topicPrefix, options.topics, topic)
    for (let queue = 0; queue < options.queues; queue++) {
      const fields = sendFields(name, queue, options.queues)
      const { bytes, opaqueAt } = encodeFrame({
        code: RequestCode.SEND_MESSAGE_V2,
        fields,
        form: options.form,
      })
      const size = bytes.length + options.bodySize
      bytes.writeInt32BE(size - 4, 0)
      templates.push({ head: bytes, opaqueAt, keyAt: bytes.indexOf(KEY_MARK), size })
    }
  }
  return templates
}

function sendFields(topic: string, queueId: number, queues: number): Record<string, string> {
  const bornTimestamp = String(Date.now())
  const uniqKey = `7F0000010B0C0D0E0F0A0B0C${KEY_MARK}`
  return {
    a: 'bench_producer',
    b: topic,
    c: 'TBW102',
    d: String(Math.min(queues, 16)),
    e: String(queueId),
    f: '0',
    g: bornTimestamp,
    h: '0',
    i: `WAIT\u0001true\u0002TAGS\u0001TagA\u0002UNIQ_KEY\u0001${uniqKey}\u0002`,
    j: '0',
    k: 'false',
    m: 'false',
  }
}

/** Writes `value` as eight hexadecimal digits. */
export function patchKey(bytes: Buffer, at: number, value: number): void {
  let rest = value
  for (let digit = 7; digit >= 0; digit--) {
    bytes[at + digit] = HEX[rest & 15] ?? 48
    rest >>>= 4
  }
}
