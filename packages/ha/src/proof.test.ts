import { equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { haProof, isSameProof } from './proof.ts'

const hello = Buffer.from('hello')
const welcome = Buffer.from('welcome')

test('a proof is of one secret, one role and both greetings', () => {
  const proof = haProof('x', 'slave', { hello, welcome })
  // HMAC-SHA256 as Python's hmac makes it.
  equal(proof.toString('hex'), '6e8289562473bd2e208028f78060c986c1b62516b883d99ff8ce4bcd533a26ee')
  const others = [
    haProof('y', 'slave', { hello, welcome }),
    haProof('', 'slave', { hello, welcome }),
    haProof('x', 'master', { hello, welcome }),
    haProof('x', 'slave', { hello: Buffer.from('hallo'), welcome }),
    haProof('x', 'slave', { hello, welcome: Buffer.from('welcomf') }),
  ]
  for (const other of others) ok(!isSameProof(proof, other))
  ok(isSameProof(proof, haProof('x', 'slave', { hello, welcome })))
  ok(!isSameProof(proof.subarray(1), proof))
})
