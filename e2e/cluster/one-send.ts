// One message to one broker, and what it answered.
import { codes, RawClient } from '../harness/raw-client.ts'

let number = 0

/**
 * The response code of a send to queue 0. `wait` is the property WAIT: whether the producer asks for the broker's
 * promise.
 */
export async function sendOnce(address: string, topic: string, wait = true): Promise<number> {
  return (await sendWhole(address, topic, `single-${number++}`, wait)).code
}

export async function sendWhole(
  address: string,
  topic: string,
  body: string,
  wait = true,
): Promise<{ code: number; remark: string; queueOffset: number }> {
  const client = await RawClient.connect(address)
  const properties = `WAIT\u0001${wait}\u0002`
  const names = { a: 'single_producer', b: topic, c: 'TBW102', d: 4, e: 0, f: 0 }
  const rest = { g: Date.now(), h: 0, i: properties, j: 0, k: false, l: 0, m: false }
  try {
    const answer = await client.request(
      codes.sendMessageV2,
      { ...names, ...rest },
      Buffer.from(body),
    )
    const queueOffset = Number(answer.fields['queueOffset'] ?? -1)
    return { code: answer.code, remark: answer.remark ?? '', queueOffset }
  } finally {
    client.close()
  }
}
