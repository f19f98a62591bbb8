import { equal, notEqual, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { OUTPUT_CHUNK_SIZE, OutputPool } from './output-pool.ts'

test('a chunk that came back is taken again, by size', () => {
  const pool = new OutputPool(1 << 20)
  const small = pool.take(100)
  const large = pool.take(200_000)
  equal(small.buffer.length, OUTPUT_CHUNK_SIZE)
  equal(large.buffer.length, 4 * OUTPUT_CHUNK_SIZE)
  small.release()
  large.release()
  equal(pool.idleBytes, 5 * OUTPUT_CHUNK_SIZE)
  equal(pool.take(150_000), large)
  equal(pool.take(OUTPUT_CHUNK_SIZE), small)
  equal(pool.idleBytes, 0)
})

test('the pool keeps no more than its limit, and nothing made to measure', () => {
  const pool = new OutputPool(2 * OUTPUT_CHUNK_SIZE)
  const chunks = [1, 2, 3, 4].map(() => pool.take(1))
  for (const chunk of chunks) chunk.release()
  equal(pool.idleBytes, 2 * OUTPUT_CHUNK_SIZE)
  const huge = pool.take(5_000_001)
  equal(huge.buffer.length, 5_000_001)
  huge.release()
  notEqual(pool.take(5_000_001), huge)
})

test('a chunk that is released twice is a bug', () => {
  const chunk = new OutputPool(1 << 20).take(1)
  chunk.release()
  throws(() => chunk.release(), /released twice/)
})
