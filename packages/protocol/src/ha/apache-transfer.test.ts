import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { isMalformed } from '@apogee/base'
import fc from 'fast-check'
import {
  APACHE_TRANSFER_MAX,
  ApacheReportReader,
  ApacheTransferReader,
  TRANSFER_BYTES,
  TRANSFER_HEADER,
  TRANSFER_NONE,
  writeApacheReport,
  writeApacheTransferHeader,
} from './apache-transfer.ts'

function transfer(offset: number, bytes: Uint8Array): Buffer {
  const frame = Buffer.alloc(12 + bytes.length)
  writeApacheTransferHeader(frame, 0, offset, bytes.length)
  frame.set(bytes, 12)
  return frame
}

function reports(...offsets: number[]): Buffer {
  const bytes = Buffer.alloc(8 * offsets.length)
  offsets.forEach((offset, i) => {
    writeApacheReport(bytes, i * 8, offset)
  })
  return bytes
}

test('golden bytes: a report, a transfer, a heartbeat', () => {
  equal(reports(0x1_0000_0010).toString('hex'), '0000000100000010')
  equal(transfer(1024, Buffer.from('abc')).toString('hex'), '000000000000040000000003616263')
  equal(transfer(77, Buffer.alloc(0)).toString('hex'), '000000000000004d00000000')
})

test('transfers come out in pieces that lie where they say, wherever the bytes are cut', () => {
  const frame = fc.record({ offset: fc.nat(), bytes: fc.uint8Array({ maxLength: 300 }) })
  fc.assert(
    fc.property(fc.array(frame), fc.array(fc.nat(1000)), (frames, cuts) => {
      const stream = Buffer.concat(frames.map(({ offset, bytes }) => transfer(offset, bytes)))
      const reader = new ApacheTransferReader()
      const found: { offset: number; bytes: Buffer }[] = []
      let at = 0
      for (const end of [...cuts.sort((a, b) => a - b), stream.length]) {
        const to = Math.min(Math.max(end, at), stream.length)
        reader.push(stream.subarray(at, to))
        at = to
        for (let event = reader.next(); event !== TRANSFER_NONE; event = reader.next()) {
          ok(!isMalformed(event))
          const last = found.at(-1)
          if (event === TRANSFER_HEADER)
            found.push({ offset: reader.offset, bytes: Buffer.alloc(0) })
          else {
            equal(event, TRANSFER_BYTES)
            equal(reader.offset, last!.offset + last!.bytes.length)
            last!.bytes = Buffer.concat([last!.bytes, reader.bytes])
          }
        }
        equal(reader.unread, 0)
      }
      deepEqual(
        found,
        frames.map(({ offset, bytes }) => ({ offset, bytes: Buffer.from(bytes) })),
      )
    }),
  )
})

test('a transfer with a negative size or offset, or above the limit, is malformed for good', () => {
  for (const [offset, size] of [
    [0, -1],
    [0, APACHE_TRANSFER_MAX + 1],
    [-1, 10],
  ] as const) {
    const head = Buffer.alloc(12)
    writeApacheTransferHeader(head, 0, offset, size)
    const reader = new ApacheTransferReader()
    reader.push(head)
    const event = reader.next()
    ok(isMalformed(event) && event.code === 'HA_FRAME_MALFORMED')
    equal(reader.next(), event)
  }
})

test('of the reports in a chunk the last whole one counts, wherever they are cut', () => {
  const reader = new ApacheReportReader()
  equal(reader.push(Buffer.alloc(0)), -1)
  equal(reader.push(reports(5, 9, 700)), 700)
  const bytes = reports(800, 900)
  equal(reader.push(bytes.subarray(0, 3)), -1)
  equal(reader.push(bytes.subarray(3, 9)), 800)
  equal(reader.push(bytes.subarray(9)), 900)
})

test('a report that is no offset is malformed, also between two that are', () => {
  for (const bad of [Buffer.alloc(8, 0xff), Buffer.from('7fffffffffffffff', 'hex')]) {
    const answer = new ApacheReportReader().push(Buffer.concat([reports(1), bad, reports(2)]))
    ok(isMalformed(answer) && answer.code === 'HA_FRAME_MALFORMED')
  }
})
