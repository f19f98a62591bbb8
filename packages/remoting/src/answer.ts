import {
  CURRENT_VERSION,
  type ExtFields,
  encodeHeader,
  type FrameContent,
  FrameFlag,
  type HeaderInput,
  type HeaderTable,
  ResponseCode,
  type SerializeType,
} from '@apogee/protocol'

/** What a handler answers. `fields` become the extFields of the frame. */
export interface Answer {
  /** ResponseCode. */
  code: number
  remark?: string
  fields?: ExtFields
  body?: Buffer
}

export function success(body?: Buffer): Answer {
  return body === undefined ? { code: ResponseCode.SUCCESS } : { code: ResponseCode.SUCCESS, body }
}

export function succeedWith<T extends HeaderTable>(
  table: T,
  values: HeaderInput<T>,
  body?: Buffer,
): Answer {
  const answer: Answer = { code: ResponseCode.SUCCESS, fields: encodeHeader(table, values) }
  if (body !== undefined) answer.body = body
  return answer
}

/** `remark` is what the caller reads: say what is wrong and which limit or name it is about. */
export function refuse(code: number, remark: string): Answer {
  return { code, remark }
}

/** The frame of an answer to the request with this opaque. */
export function responseContent(
  opaque: number,
  language: number,
  serializeType: number,
  answer: Answer,
): FrameContent {
  const { code, remark = null, fields = null, body = null } = answer
  return {
    code,
    opaque,
    flag: FrameFlag.RESPONSE,
    language,
    version: CURRENT_VERSION,
    serializeType: serializeType as SerializeType,
    remark,
    fields,
    body,
  }
}

/** Instead of an answer that is too long for a frame. */
export function tooLarge(size: number, sizeMax: number): Answer {
  const remark = `the answer has ${size} bytes, a frame at most ${sizeMax}`
  return refuse(ResponseCode.SYSTEM_ERROR, remark)
}
