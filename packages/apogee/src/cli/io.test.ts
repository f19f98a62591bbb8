import { equal, rejects } from 'node:assert/strict'
import { PassThrough, Writable } from 'node:stream'
import { test } from 'node:test'
import { streamOutput, usesColor } from './io.ts'

test('colours are for terminals, unless the environment says otherwise', () => {
  equal(usesColor({}, true), true)
  equal(usesColor({}, false), false)
  equal(usesColor({ NO_COLOR: '1' }, true), false)
  equal(usesColor({ NO_COLOR: '' }, true), true)
  equal(usesColor({ TERM: 'dumb' }, true), false)
  equal(usesColor({ FORCE_COLOR: '1' }, false), true)
  equal(usesColor({ FORCE_COLOR: '0' }, true), false)
  equal(usesColor({ FORCE_COLOR: '1', NO_COLOR: '1' }, false), true)
})

test('a reader that goes away closes the output, and writing to it does nothing', async () => {
  const stream = new PassThrough()
  const output = streamOutput(stream, {})
  await output.write('seen')
  stream.destroy(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
  await new Promise((resolve) => output.closed.addEventListener('abort', resolve))
  await output.write('not seen')
})

test('a write waits while the reader is slow', async () => {
  const waiting: (() => void)[] = []
  const slow = new Writable({
    highWaterMark: 1,
    write: (_chunk, _encoding, done) => void waiting.push(done),
  })
  let isDone = false
  const write = streamOutput(slow, {})
    .write('long enough')
    .then(() => {
      isDone = true
    })
  await Promise.resolve()
  equal(isDone, false)
  waiting[0]!()
  await write
})

test('an output that fails for another reason says so', async () => {
  const stream = new PassThrough()
  const output = streamOutput(stream, {})
  stream.destroy(Object.assign(new Error('disk full'), { code: 'ENOSPC' }))
  await new Promise((resolve) => output.closed.addEventListener('abort', resolve))
  await rejects(output.write('x'), { code: 'ENOSPC' })
})
