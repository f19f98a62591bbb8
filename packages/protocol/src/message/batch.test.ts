import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isMalformed, Malformed } from '@apogee/base'
import fc from 'fast-check'
import { type BatchMessage, checkBatch, decodeBatch, encodeBatch } from './batch.ts'

const messages: fc.Arbitrary<BatchMessage[]> = fc.array(
  fc.record({
    flag: fc.integer({ min: -0x80000000, max: 0x7fffffff }),
    body: fc.uint8Array({ maxLength: 50 }),
    properties: fc.constantFrom(new Map(), new Map([['TAGS', 'a']]), new Map([['KEYS', 'k 1']])),
  }),
  { minLength: 1, maxLength: 8 },
)

function plain(batch: readonly BatchMessage[]): unknown {
  return batch.map(({ flag, body, properties }) => [
    flag,
    Buffer.from(body).toString('hex'),
    [...properties],
  ])
}

function codeOf(value: unknown): string | null {
  return value instanceof Malformed ? value.code : null
}

test('a batch has the bytes of the layout', () => {
  const bytes = encodeBatch([
    { flag: 7, body: Buffer.from('hi'), properties: new Map([['A', 'b']]) },
  ])
  assert.equal(bytes.toString('hex'), '0000001c000000000000000000000007000000026869000441016202')
})

test('a batch survives a round trip', () => {
  fc.assert(
    fc.property(messages, (batch) => {
      const decoded = decodeBatch(encodeBatch(batch))
      assert.ok(!isMalformed(decoded))
      assert.deepEqual(plain(decoded), plain(batch))
    }),
  )
})

test('empty, cut and inconsistent batches are refused', () => {
  const batch = encodeBatch([
    { flag: 0, body: Buffer.from('one'), properties: new Map() },
    { flag: 0, body: Buffer.from('two'), properties: new Map() },
  ])
  assert.equal(codeOf(decodeBatch(Buffer.alloc(0))), 'BATCH_EMPTY')
  for (let length = 1; length < batch.length; length++) {
    if (length === batch.length / 2) continue
    assert.equal(codeOf(decodeBatch(batch.subarray(0, length))), 'BATCH_SHORT', `${length}`)
  }
  for (const [at, value] of [
    [3, 24],
    [3, 21],
    [19, 4],
    [16, 255],
    [24, 1],
    [23, 255],
  ]) {
    const changed = Buffer.from(batch)
    changed[at!] = value!
    assert.equal(codeOf(decodeBatch(changed)), 'BATCH_BAD_SIZE', `byte ${at}`)
  }
})

test('limits of number and size hold', () => {
  const batch = encodeBatch(
    Array.from({ length: 3 }, () => ({ flag: 0, body: Buffer.alloc(9), properties: new Map() })),
  )
  assert.equal(checkBatch(batch, 0, batch.length, { maxMessages: 3, maxBodySize: 9 }), 3)
  assert.equal(codeOf(decodeBatch(batch, { maxMessages: 2 })), 'BATCH_TOO_MANY_MESSAGES')
  assert.equal(codeOf(decodeBatch(batch, { maxBodySize: 8 })), 'BATCH_BODY_TOO_LARGE')
})

test('any bytes are a batch or a coded error', () => {
  const mutated = fc
    .tuple(messages, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }))
    .map(([batch, changes]) => {
      const bytes = encodeBatch(batch)
      for (const [at, byte] of changes) bytes[at % bytes.length] = byte
      return bytes
    })
  fc.assert(
    fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 80 })), (bytes) => {
      const decoded = decodeBatch(bytes)
      if (isMalformed(decoded)) assert.match(decoded.code, /^BATCH_/)
    }),
    { numRuns: 1000 },
  )
})
