import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { encodeFrame, type HeaderForm, patchOpaque, ReplyReader, replyField } from './frames.ts'

const forms: readonly HeaderForm[] = ['binary', 'json']

/** A frame that reads as a reply: requests and replies have the same layout. */
function frame(form: HeaderForm, opaque: number, value: string, bodySize: number): Buffer {
  const fields = { queueId: '1', offset: value }
  const request = { code: 0, fields, body: Buffer.alloc(bodySize, 'x'), form }
  const { bytes, opaqueAt } = encodeFrame(request)
  patchOpaque(bytes, opaqueAt, opaque, form)
  return bytes
}

test('replies come out whole, however the stream is cut', () => {
  const cuts = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 20 })
  fc.assert(
    fc.property(fc.constantFrom(...forms), cuts, (form, sizes) => {
      const sent = sizes.map((size, index) => frame(form, index, String(size), size))
      const stream = Buffer.concat(sent)
      const got: [number, string | null, number][] = []
      const reader = new ReplyReader(form, (reply) =>
        got.push([reply.opaque, replyField(reply, 'offset'), reply.end - reply.bodyAt]),
      )
      for (let at = 0, turn = 0; at < stream.length; turn++) {
        const end = Math.min(stream.length, at + (sizes[turn % sizes.length] ?? 1))
        reader.push(stream.subarray(at, end))
        at = end
      }
      deepEqual(
        got,
        sizes.map((size, index) => [index, String(size), size]),
      )
    }),
  )
})

test('a field that is not there is null', () => {
  for (const form of forms) {
    let found: string | null = ''
    const reader = new ReplyReader(form, (reply) => {
      found = replyField(reply, 'absent')
    })
    reader.push(frame(form, 1, 'x', 0))
    equal(found, null)
  }
})

test('a JSON answer to a binary request keeps the opaque that was asked with', () => {
  let opaque = -1
  const reader = new ReplyReader('binary', (reply) => {
    opaque = reply.opaque
  })
  const text = JSON.stringify({ code: 0, opaque: 7 })
  const bytes = Buffer.alloc(8 + text.length)
  bytes.writeInt32BE(4 + text.length, 0)
  bytes.writeInt32BE(text.length, 4)
  bytes.write(text, 8)
  reader.push(bytes)
  equal(opaque, 7)
})
