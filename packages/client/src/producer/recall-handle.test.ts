import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { type GoldenRecall, goldenOf } from '../testing/java-golden.ts'
import { parseRecallHandle } from './recall-handle.ts'

const encoded = (text: string): string => Buffer.from(text).toString('base64url')

test('topic and broker are read from handles that Java has made', () => {
  const golden = goldenOf<GoldenRecall>('recall')
  equal(golden.length, 2)
  for (const { topic, brokerName, handle } of golden) {
    deepEqual(parseRecallHandle(handle), { topic, brokerName })
    // Without the padding that base64url may leave out.
    deepEqual(parseRecallHandle(handle.replaceAll('=', '')), { topic, brokerName })
  }
})

test('what is no handle of version 1 is none', () => {
  deepEqual(parseRecallHandle(encoded('v1 t b 1 id')), { topic: 't', brokerName: 'b' })
  for (const text of ['v2 t b 1 id', 'v1 t b 1', 'v1', '', 'V1 t b 1 id', 'v1,t,b,1,id']) {
    equal(parseRecallHandle(encoded(text)), null, text)
  }
  for (const text of ['', 'v1 t b 1 id', '\u0000', '####'])
    equal(parseRecallHandle(text), null, text)
})
