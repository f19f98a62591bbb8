/** The tag of op messages: "these half messages are decided" (Java: TransactionalMessageUtil.REMOVE_TAG). */
export const OP_TAG = 'd'

const SEPARATOR = ','

/** The queue offsets that an op message names. What is no offset is left out: an op message never decides by accident. */
export function parseOpBody(body: string): number[] {
  const offsets: number[] = []
  for (const text of body.split(SEPARATOR)) {
    const offset = /^\d+$/.test(text) ? Number(text) : -1
    if (Number.isSafeInteger(offset) && offset >= 0) offsets.push(offset)
  }
  return offsets
}

/**
 * Takes offsets off the front of `waiting` and gives the body that names them: each followed by a comma, as Apache writes
 * them. Ends with the first that reaches `sizeMax` bytes; at least one is taken.
 */
export function takeOpBody(waiting: number[], sizeMax: number): { body: string; taken: number[] } {
  let body = ''
  let count = 0
  while (count < waiting.length && (count === 0 || body.length < sizeMax)) {
    body += `${waiting[count++]}${SEPARATOR}`
  }
  return { body, taken: waiting.splice(0, count) }
}
