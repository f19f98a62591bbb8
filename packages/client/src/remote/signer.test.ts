import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { type GoldenSignature, goldenOf } from '../testing/java-golden.ts'
import { Signer } from './signer.ts'

test('the values of all fields in the order of their names, then the body, are signed', () => {
  const fields = new Map([
    ['topic', 'T'],
    ['a', '1'],
    ['Z', '2'],
  ])
  const body = Buffer.from('body')
  const signer = new Signer({ accessKey: 'key', secretKey: 'secret', securityToken: 'token' })
  const signed = signer.sign(fields, body)
  // Upper case comes before lower case: AccessKey, SecurityToken, Z, a, topic.
  const expected = createHmac('sha1', 'secret').update('keytoken21Tbody').digest('base64')
  assert.equal(signed.get('Signature'), expected)
  assert.equal(signed.get('AccessKey'), 'key')
  assert.equal(signed.get('SecurityToken'), 'token')
  assert.equal(fields.size, 3, 'the request itself stays as it was')
  assert.equal(signer.sign(signed, body).get('Signature'), expected, 'signing again is the same')
  assert.equal(new Signer({ accessKey: 'k', secretKey: 's' }).sign(null, null).size, 2)
})

test('every field is as the hook of the Java client makes it', () => {
  const golden = goldenOf<GoldenSignature>('signature')
  assert(golden.length >= 5)
  for (const { fields, body, signed, ...credentials } of golden) {
    const bytes = body === null ? null : Buffer.from(body)
    const made = new Signer(credentials).sign(new Map(Object.entries(fields)), bytes)
    assert.deepEqual(Object.fromEntries(made), signed)
  }
})
