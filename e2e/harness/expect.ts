// What every client must find true of sent and received messages.
import assert from 'node:assert/strict'
import type { ReceivedMessage, SentMessage } from './client-program.ts'

/** Bodies that `send` makes: prefix-0, prefix-1, ... */
export function bodies(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}-${index}`)
}

export function bodiesOf(messages: readonly { body: string }[]): string[] {
  return messages.map((message) => message.body)
}

/** Every send was acknowledged, and in each queue the offsets are dense from `first`. */
export function assertAcknowledged(sent: readonly SentMessage[], count: number, first = 0): void {
  assert.equal(sent.length, count)
  const byQueue = new Map<number, number[]>()
  for (const message of sent) {
    assert.equal(message.status, 'SEND_OK', message.body)
    const offsets = byQueue.get(message.queueId) ?? []
    offsets.push(message.queueOffset)
    byQueue.set(message.queueId, offsets)
  }
  for (const [queueId, offsets] of byQueue) {
    const sorted = offsets.toSorted((a, b) => a - b)
    const dense = sorted.map((_, index) => first + index)
    assert.deepEqual(sorted, dense, `offsets of queue ${queueId} are dense`)
  }
}

/** Exactly these bodies came, each once, in any order. */
export function assertSameBodies(
  received: readonly { body: string }[],
  wanted: readonly string[],
): void {
  assert.deepEqual(bodiesOf(received).toSorted(), wanted.toSorted())
}

/** Each acknowledged message came once, from the queue and offset and under the id that its sender was told. */
export function assertDelivered(
  received: readonly ReceivedMessage[],
  sent: readonly SentMessage[],
): void {
  const place = (message: SentMessage | ReceivedMessage): string =>
    `${message.queueId}/${message.queueOffset} ${message.msgId} ${message.body}`
  assert.deepEqual(received.map(place).toSorted(), sent.map(place).toSorted())
}

/** Inside each queue messages came in the order of their offsets. */
export function assertQueueOrder(received: readonly ReceivedMessage[]): void {
  const last = new Map<number, number>()
  for (const message of received) {
    const before = last.get(message.queueId) ?? -1
    assert.ok(message.queueOffset >= before, `queue ${message.queueId} went backwards`)
    last.set(message.queueId, message.queueOffset)
  }
}

/** An offset message id names the broker's address: ip, port, physical offset in hexadecimal. */
export function decodeOffsetMessageId(id: string): { host: string; port: number; offset: number } {
  assert.match(id, /^[0-9A-F]{32}$/)
  const bytes = Buffer.from(id, 'hex')
  const host = [...bytes.subarray(0, 4)].join('.')
  return { host, port: bytes.readInt32BE(4), offset: Number(bytes.readBigInt64BE(8)) }
}
