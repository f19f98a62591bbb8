import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { isMalformed } from '@apogee/base'
import fc from 'fast-check'
import {
  encodeHaFrame,
  HA_CHECK_MAX,
  HA_DATA_AT,
  HA_DATA_MAX,
  HA_HEADER_SIZE,
  HA_MASTER_MAGIC,
  HA_SLAVE_MAGIC,
  HaFrameType,
  sealHaData,
} from './ha-frame.ts'
import { HaFrameReader } from './ha-frame-reader.ts'
import {
  decodeHaCheck,
  decodeHaChecked,
  decodeHaGreeting,
  decodeHaLogEnd,
  decodeHaRefusal,
  encodeHaCheck,
  encodeHaChecked,
  encodeHaGreeting,
  encodeHaRefusal,
  splitHaWelcome,
} from './ha-messages.ts'

interface Found {
  type: number
  offset: number
  payload: Buffer
}

const offsets = fc.nat({ max: Number.MAX_SAFE_INTEGER })

/** Reads `stream` cut at `cuts`; stops at what is malformed. `lent`: each chunk is wiped once it is read. */
function readAll(
  sender: 'master' | 'slave',
  stream: Buffer,
  cuts: readonly number[],
  lent: boolean,
): { found: Found[]; code: string | null; memory: number } {
  const reader = new HaFrameReader(sender)
  const found: Found[] = []
  let at = 0
  for (const end of [...cuts.filter((cut) => cut <= stream.length), stream.length]) {
    if (end < at) continue
    const chunk = Buffer.from(stream.subarray(at, end))
    at = end
    reader.push(chunk)
    for (;;) {
      const next = reader.next()
      if (isMalformed(next)) return { found, code: next.code, memory: reader.memory }
      if (!next) break
      found.push({
        type: reader.type,
        offset: reader.offset,
        payload: Buffer.from(reader.payload),
      })
    }
    reader.keep()
    if (lent) chunk.fill(0xee)
  }
  return { found, code: null, memory: reader.memory }
}

const dataFrame = fc
  .record({
    offset: offsets,
    end: offsets,
    bytes: fc.uint8Array({ minLength: 1, maxLength: 9000 }),
  })
  .map(({ offset, end, bytes }) => {
    const frame = Buffer.alloc(HA_DATA_AT + bytes.length)
    frame.set(bytes, HA_DATA_AT)
    equal(sealHaData(frame, offset, end, bytes.length), frame.length)
    return frame
  })

const masterFrame = fc.oneof(
  dataFrame,
  offsets.map((offset) => encodeHaFrame(HaFrameType.HEARTBEAT, offset)),
  fc
    .tuple(offsets, fc.nat(HA_CHECK_MAX), fc.uint8Array({ minLength: 32, maxLength: 32 }))
    .map(([offset, length, hash]) =>
      encodeHaFrame(HaFrameType.CHECKED, offset, encodeHaChecked({ length, hash })),
    ),
)

test('golden bytes of each frame', () => {
  // Made with zlib.crc32 and struct.pack of Python.
  const hex = (type: HaFrameType, offset: number, payload?: Uint8Array): string =>
    encodeHaFrame(type, offset, payload).toString('hex')
  equal(HA_SLAVE_MAGIC.toString('hex'), 'c1504f4745454841')
  equal(HA_MASTER_MAGIC.toString('hex'), 'c1504f474545484d')
  equal(hex(HaFrameType.ACK, 0x1_0000_0002), '080000000000000000000001000000024cc69c86')
  equal(hex(HaFrameType.FOLLOW, 0), '06000000000000000000000000000000bf2a22b1')
  equal(hex(HaFrameType.HEARTBEAT, 4096), '090000000000000000000000000010007b0257da')
  equal(
    hex(HaFrameType.CHECK, 256, encodeHaCheck(65_536)),
    '040000000000000400000000000001004b1fa3d000010000',
  )
  const hash = new Uint8Array(32).fill(0xab)
  equal(
    hex(HaFrameType.CHECKED, 256, encodeHaChecked({ length: 3, hash })),
    '050000000000002400000000000001005fe83af500000003abababababababababababababababababababababababababababababababab',
  )
  const refusal = encodeHaRefusal({ code: 'HA_LOG_GONE', message: 'gone' })
  equal(
    hex(HaFrameType.REFUSED, 0, refusal),
    '0a00000000000010000000000000000081fb44380b48415f4c4f475f474f4e45676f6e65',
  )
  const data = Buffer.alloc(HA_DATA_AT + 3)
  data.set([1, 2, 3], HA_DATA_AT)
  sealHaData(data, 77, 80, 3)
  equal(data.toString('hex'), '070000000000000b000000000000004d35e16ffe0000000000000050010203')
  const greeting = encodeHaGreeting({
    version: 1,
    clusterName: 'DefaultCluster',
    brokerName: 'a',
    brokerId: 2,
    fileSize: 1 << 30,
    minOffset: 0,
    endOffset: 500,
    nonce: new Uint8Array(32).fill(9),
  })
  equal(
    hex(HaFrameType.HELLO, 0, greeting),
    '01000000000000510000000000000000470e7f2e00000001000000020000000040000000000000000000000000000000000001f409090909090909090909090909090909090909090909090909090909090909090e44656661756c74436c75737465720161',
  )
})

test('frames come out as they went in, wherever the bytes are cut', () => {
  fc.assert(
    fc.property(
      fc.array(masterFrame, { maxLength: 12 }),
      fc.array(fc.nat(20_000), { maxLength: 30 }),
      fc.boolean(),
      (frames, cuts, lent) => {
        const stream = Buffer.concat(frames)
        const sorted = cuts.sort((a, b) => a - b)
        const { found, code, memory } = readAll('master', stream, sorted, lent)
        equal(code, null)
        deepEqual(
          found.map(({ type, offset, payload }) =>
            encodeHaFrame(type as HaFrameType, offset, payload),
          ),
          frames,
        )
        ok(memory <= 32 * 1024)
      },
    ),
  )
})

test('one flipped bit is found, wherever it is, and the stream stays broken', () => {
  fc.assert(
    fc.property(masterFrame, fc.nat(), fc.nat(7), (frame, place, bit) => {
      const damaged = Buffer.from(frame)
      damaged[place % frame.length]! ^= 1 << bit
      // A larger size asks for more bytes than came; those that follow do not help it.
      const stream = Buffer.concat([damaged, Buffer.alloc(HA_DATA_MAX + 100)])
      const { found, code } = readAll('master', stream, [10], false)
      equal(code, 'HA_FRAME_MALFORMED')
      equal(found.length, 0)
    }),
    { numRuns: 50 },
  )
})

test('random bytes never throw and never make it hold more than came', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('master' as const, 'slave' as const),
      fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 10 }),
      (sender, chunks) => {
        const stream = Buffer.concat(chunks)
        const { memory } = readAll(sender, stream, [], false)
        ok(memory <= 4_096)
      },
    ),
  )
})

test('memory follows the bytes that came, not the size that was claimed', () => {
  const head = encodeHaFrame(HaFrameType.DATA, 0, Buffer.alloc(HA_DATA_MAX)).subarray(0, 100)
  const { code, memory } = readAll('master', head, [], false)
  equal(code, null)
  ok(memory <= 4_096)
})

test('frames of the other side, of no type, too large, too small, with a bad offset are malformed', () => {
  const bad: [string, 'master' | 'slave', Buffer][] = [
    ['DATA from a slave', 'slave', encodeHaFrame(HaFrameType.DATA, 0, Buffer.alloc(9))],
    ['ACK from a master', 'master', encodeHaFrame(HaFrameType.ACK, 0)],
    ['type 0', 'slave', encodeHaFrame(0 as HaFrameType, 0)],
    ['type 11', 'slave', encodeHaFrame(11 as HaFrameType, 0)],
    ['ACK with a payload', 'slave', encodeHaFrame(HaFrameType.ACK, 0, Buffer.alloc(1))],
    ['DATA without bytes', 'master', encodeHaFrame(HaFrameType.DATA, 0, Buffer.alloc(8))],
    [
      'DATA above the limit',
      'master',
      encodeHaFrame(HaFrameType.DATA, 0, Buffer.alloc(HA_DATA_MAX + 9)).subarray(0, 64),
    ],
    ['short proof', 'slave', encodeHaFrame(HaFrameType.PROOF, 0, Buffer.alloc(31))],
    ['negative offset', 'slave', encodeHaFrame(HaFrameType.ACK, -1)],
  ]
  for (const [name, sender, frame] of bad) {
    equal(readAll(sender, frame, [], false).code, 'HA_FRAME_MALFORMED', name)
  }
  ok(bad.every(([, , frame]) => frame.length >= HA_HEADER_SIZE))
})

test('greetings, checks and refusals are read as they were written', () => {
  const name = fc.string({ unit: 'grapheme', maxLength: 40 })
  fc.assert(
    fc.property(
      fc.record({
        version: fc.nat(100),
        clusterName: name,
        brokerName: name,
        brokerId: fc.nat(1000),
        fileSize: fc.integer({ min: 1, max: 2 ** 31 }),
        minOffset: fc.nat(),
        endOffset: fc.nat().map((n) => n + 2 ** 40),
        nonce: fc.uint8Array({ minLength: 32, maxLength: 32 }),
      }),
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      (greeting, proof) => {
        const payload = encodeHaGreeting(greeting)
        deepEqual(decodeHaGreeting(payload), {
          ...greeting,
          nonce: Uint8Array.from(greeting.nonce),
        })
        const split = splitHaWelcome(Buffer.concat([payload, proof]))
        deepEqual(Uint8Array.from(split.proof), Uint8Array.from(proof))
        ok(split.greeting.equals(payload))
      },
    ),
  )
  equal(decodeHaCheck(encodeHaCheck(HA_CHECK_MAX)), HA_CHECK_MAX)
  const refusal = { code: 'HA_LOG_GONE', message: 'weg – gone' }
  deepEqual(decodeHaRefusal(encodeHaRefusal(refusal)), refusal)
  const long = decodeHaRefusal(encodeHaRefusal({ code: 'A', message: 'x'.repeat(5_000) }))
  ok(!isMalformed(long) && long.message.length === 512)
  equal(decodeHaLogEnd(Buffer.alloc(8, 0xff)), -1)
})

test('payloads that are none are malformed, never an exception', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 700 }), (bytes) => {
      const payload = Buffer.from(bytes)
      for (const decode of [decodeHaGreeting, decodeHaCheck, decodeHaChecked, decodeHaRefusal]) {
        const decoded: unknown = decode(payload)
        if (isMalformed(decoded)) equal(decoded.code, 'HA_FRAME_MALFORMED')
      }
    }),
  )
  for (const length of [0, -1, HA_CHECK_MAX + 1])
    ok(isMalformed(decodeHaCheck(encodeHaCheck(length))))
  ok(isMalformed(decodeHaRefusal(Buffer.from('\x04abc', 'latin1'))))
  ok(isMalformed(decodeHaRefusal(Buffer.from('\x03a b', 'latin1'))))
})
