import {
  type ExtFields,
  encodeHeader,
  type HeaderInput,
  type HeaderTable,
  ResponseCode,
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
