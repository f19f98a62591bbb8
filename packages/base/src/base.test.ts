import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  javaHash,
  javaHashAscii,
  Prng,
  RingQueue,
  readInt16,
  readInt32,
  readInt64,
  writeInt16,
  writeInt32,
  writeInt64,
} from './mod.ts'

test('integers of every width survive a round trip and agree with Buffer', () => {
  const bytes = Buffer.alloc(8)
  fc.assert(
    fc.property(fc.maxSafeInteger(), (value) => {
      writeInt64(bytes, 0, value)
      equal(bytes.readBigInt64BE(0), BigInt(value))
      equal(readInt64(bytes, 0), value)
      writeInt32(bytes, 0, value | 0)
      equal(bytes.readInt32BE(0), value | 0)
      equal(readInt32(bytes, 0), value | 0)
      writeInt16(bytes, 0, (value << 16) >> 16)
      equal(bytes.readInt16BE(0), (value << 16) >> 16)
      equal(readInt16(bytes, 0), (value << 16) >> 16)
    }),
  )
})

test('javaHash gives the values Java gives', () => {
  equal(javaHash(''), 0)
  equal(javaHash('TagA'), 2598919)
  equal(javaHash('polygenelubricants'), -2147483648)
  equal(javaHashAscii(Buffer.from('xTagAx'), 1, 5), 2598919)
  equal(javaHashAscii(Buffer.from('é'), 0, 2), null)
})

test('a seed repeats its run and forks do not disturb it', () => {
  const draw = (prng: Prng): number[] => Array.from({ length: 5 }, () => prng.below(1000))
  deepEqual(draw(new Prng(7)), draw(new Prng(7)))
  for (let i = 0; i < 1000; i++) {
    const value = new Prng(i).below(10)
    equal(value >= 0 && value < 10, true)
  }
})

test('a ring queue keeps order through growth', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 200 }), (pushes) => {
      const ring = new RingQueue<number>(2)
      const model: number[] = []
      let next = 0
      for (const push of pushes) {
        if (push) {
          ring.push(next)
          model.push(next++)
        } else equal(ring.shift(), model.shift())
        equal(ring.size, model.length)
        equal(ring.peek(), model[0])
      }
    }),
  )
})
