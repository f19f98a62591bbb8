import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FrameCutter } from './frame-cutter.ts'

function frameOf(size: number, fill: number): Buffer {
  const frame = Buffer.alloc(4 + size, fill)
  frame.writeInt32BE(size)
  return frame
}

test('whatever the chunks and whoever looks, every byte goes on in its order and frames are whole', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(40), { maxLength: 20 }),
      fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }),
      fc.array(fc.boolean(), { minLength: 1 }),
      (sizes, cuts, looks) => {
        const frames = sizes.map((size, i) => frameOf(size, i + 1))
        const stream = Buffer.concat(frames)
        const out: Buffer[] = []
        let asked = 0
        let cut = 0
        const cutter = new FrameCutter(
          {
            pass: (bytes) => out.push(Buffer.from(bytes)),
            frame: (bytes) => {
              equal(bytes.readInt32BE(), bytes.length - 4)
              cut++
              out.push(bytes)
            },
          },
          () => looks[asked++ % looks.length]!,
        )
        for (let at = 0, i = 0; at < stream.length; i++) {
          const end = at + cuts[i % cuts.length]!
          cutter.push(stream.subarray(at, end))
          at = end
        }
        deepEqual(Buffer.concat(out), stream)
        equal(asked, frames.length)
        equal(cut, frames.filter((_, i) => looks[i % looks.length]).length)
        equal(cutter.isBetweenFrames, true)
      },
    ),
  )
})

test('a chunk in which nobody looks passes as it is', () => {
  const out: Buffer[] = []
  const cutter = new FrameCutter({ pass: (bytes) => out.push(bytes), frame() {} }, () => false)
  const chunk = Buffer.concat([frameOf(5, 1), frameOf(0, 2), frameOf(9, 3)])
  cutter.push(chunk)
  equal(out.length, 1)
  equal(out[0], chunk)
})

test('after a length that is none, everything passes', () => {
  const out: Buffer[] = []
  const cutter = new FrameCutter({ pass: (bytes) => out.push(bytes), frame() {} }, () => true)
  cutter.push(Buffer.from([0xff, 0xff]))
  cutter.push(Buffer.from([0xff, 0xff, 1, 2]))
  cutter.push(Buffer.from([3]))
  deepEqual(Buffer.concat(out), Buffer.from([0xff, 0xff, 0xff, 0xff, 1, 2, 3]))
})
