import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32 } from 'node:zlib'
import { isMalformed } from '@apogee/base'
import fc from 'fast-check'
import { bodyCrc } from './body-crc.ts'
import { formatHost, type Host } from './host.ts'
import {
  inspectRecord,
  RECORD_BAD_MAGIC,
  RECORD_BAD_SIZE,
  RECORD_BLANK,
  RECORD_EMPTY,
  RECORD_MAGIC_BLANK,
  RECORD_OK,
  RECORD_SHORT,
  RecordView,
  recordCrcHolds,
  recordSize,
} from './record.ts'
import {
  decodeRecord,
  decodeRecords,
  encodeRecord,
  type MessageExt,
  offsetMsgIdOf,
} from './record-codec.ts'
import { MessageSysFlag } from './sys-flag.ts'

const example: MessageExt = {
  version: 1,
  topic: 'TopicTest',
  queueId: 3,
  queueOffset: 0x1_0000_0002,
  physicalOffset: 4711,
  flag: -1,
  sysFlag: 0,
  body: Buffer.from('hello'),
  properties: new Map([['TAGS', 'a']]),
  bornTimestamp: 1_700_000_000_000,
  bornHost: { address: '192.168.0.1', port: 50000 },
  storeTimestamp: 1_700_000_000_001,
  storeHost: { address: '10.0.0.2', port: 10911 },
  reconsumeTimes: 2,
  preparedTransactionOffset: 77,
}

// Written by hand from the layout in record.ts; the checksum is zlib's.
const EXAMPLE_HEX =
  '00000070daa320a73610a68600000003ffffffff00000001000000020000000000001267000000000000018bcfe56800' +
  'c0a800010000c3500000018bcfe568010a00000200002a9f00000002000000000000004d0000000568656c6c6f' +
  '09546f706963546573740007544147530161' +
  '02'

const hosts: fc.Arbitrary<Host> = fc.record({
  address: fc.oneof(fc.ipV4(), fc.constantFrom('::1', '2001:db8::1', 'fe80::1:0:9')),
  port: fc.integer({ min: 0, max: 65535 }),
})
const int32 = fc.integer({ min: -0x80000000, max: 0x7fffffff })
const propertyText = fc
  .string({ minLength: 1, unit: 'grapheme' })
  .map((s) => s.replaceAll('\x01', '.').replaceAll('\x02', '.'))
const messages: fc.Arbitrary<MessageExt> = fc
  .record({
    topic: fc.oneof(
      fc.string({ maxLength: 127, unit: 'grapheme-ascii' }),
      fc.string({ minLength: 128, maxLength: 255, unit: 'grapheme-ascii' }),
    ),
    queueId: int32,
    queueOffset: fc.maxSafeInteger(),
    physicalOffset: fc.maxSafeNat(),
    flag: int32,
    sysFlag: int32,
    body: fc.uint8Array({ maxLength: 200 }),
    properties: fc
      .array(fc.tuple(propertyText, propertyText), { maxLength: 5 })
      .map((entries) => new Map(entries)),
    bornTimestamp: fc.maxSafeInteger(),
    bornHost: hosts,
    storeTimestamp: fc.maxSafeInteger(),
    storeHost: hosts,
    reconsumeTimes: int32,
    preparedTransactionOffset: fc.maxSafeInteger(),
  })
  .map((message) => {
    const bornV6 = message.bornHost.address.includes(':') ? MessageSysFlag.BORN_HOST_V6 : 0
    const storeV6 = message.storeHost.address.includes(':') ? MessageSysFlag.STORE_HOST_V6 : 0
    return {
      ...message,
      version: message.topic.length > 127 ? (2 as const) : (1 as const),
      sysFlag: (message.sysFlag & ~0x30) | bornV6 | storeV6,
    }
  })

function plain(message: MessageExt): unknown {
  return {
    ...message,
    bornHost: formatHost(message.bornHost),
    storeHost: formatHost(message.storeHost),
    body: Buffer.from(message.body).toString('hex'),
    properties: [...message.properties],
  }
}

test('a record has the bytes of the layout', () => {
  assert.equal(encodeRecord(example).toString('hex'), EXAMPLE_HEX)
  assert.equal(recordSize(1, 0, 5, 9, 7), EXAMPLE_HEX.length / 2)
})

test('a record read back is the message that was written, V1 and V2, IPv4 and IPv6', () => {
  fc.assert(
    fc.property(messages, (message) => {
      const decoded = decodeRecord(encodeRecord(message))
      assert.ok(!isMalformed(decoded), JSON.stringify(decoded))
      assert.deepEqual(plain(decoded), plain(message))
    }),
  )
})

test('records that follow each other are read one by one', () => {
  const body = Buffer.concat([encodeRecord(example), encodeRecord({ ...example, queueId: 4 })])
  const decoded = decodeRecords(body)
  assert.ok(!isMalformed(decoded))
  assert.deepEqual(
    decoded.map((message) => message.queueId),
    [3, 4],
  )
  assert.equal(offsetMsgIdOf(decoded[0]!), '0A00000200002A9F0000000000001267')
  assert.ok(isMalformed(decodeRecords(body.subarray(0, body.length - 1))))
})

test('a cut record is short at every length', () => {
  const record = encodeRecord(example)
  const view = new RecordView()
  for (let length = 0; length < record.length; length++) {
    assert.equal(inspectRecord(record, 0, length, view), RECORD_SHORT)
  }
  assert.equal(inspectRecord(record, 0, record.length, view), RECORD_OK)
})

test('blank, empty and wrong magic are told apart', () => {
  const view = new RecordView()
  const bytes = Buffer.alloc(200)
  assert.equal(inspectRecord(bytes, 0, 200, view), RECORD_EMPTY)
  bytes.writeInt32BE(150, 0)
  assert.equal(inspectRecord(bytes, 0, 200, view), RECORD_BAD_MAGIC)
  bytes.writeInt32BE(RECORD_MAGIC_BLANK, 4)
  assert.equal(inspectRecord(bytes, 0, 200, view), RECORD_BLANK)
  assert.equal(view.totalSize, 150)
  bytes.writeInt32BE(7, 0)
  assert.equal(inspectRecord(bytes, 0, 200, view), RECORD_BAD_SIZE)
})

test('sizes inside a record must add up', () => {
  const view = new RecordView()
  const changes: [offset: number, bytes: number[]][] = [
    [0, [0, 0, 0, 0x6f]],
    [0, [0, 0, 0, 0]],
    [0, [0x80, 0, 0, 0]],
    [84, [0, 0, 0, 6]],
    [84, [0x7f, 0xff, 0xff, 0xff]],
    [84, [0xff, 0xff, 0xff, 0xff]],
    [93, [8]],
    [93, [0x80]],
    [103, [0, 6]],
    [103, [0xff, 0xff]],
  ]
  for (const [offset, bytes] of changes) {
    const record = encodeRecord(example)
    record.set(bytes, offset)
    assert.equal(inspectRecord(record, 0, record.length, view), RECORD_BAD_SIZE, `${offset}`)
  }
})

test('a changed body fails its checksum', () => {
  const record = encodeRecord(example)
  const view = new RecordView()
  inspectRecord(record, 0, record.length, view)
  assert.ok(recordCrcHolds(view, record))
  record[view.bodyStart]! ^= 1
  assert.ok(!recordCrcHolds(view, record))
  const decoded = decodeRecord(record)
  assert.ok(isMalformed(decoded) && decoded.code === 'RECORD_BAD_CRC')
})

test('any bytes give a status or a coded error, and spans inside the record', () => {
  const view = new RecordView()
  const mutated = fc.tuple(messages, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 6 }))
  fc.assert(
    fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 300 })), (input) => {
      let bytes: Uint8Array
      if (input instanceof Uint8Array) bytes = input
      else {
        bytes = encodeRecord(input[0])
        for (const [at, byte] of input[1]) bytes[at % bytes.length] = byte
      }
      if (inspectRecord(bytes, 0, bytes.length, view) === RECORD_OK) {
        assert.ok(view.bodyStart <= view.bodyEnd && view.bodyEnd < view.topicStart)
        assert.ok(view.topicStart <= view.topicEnd && view.topicEnd + 2 === view.propertiesStart)
        assert.equal(view.propertiesEnd, view.totalSize)
      }
      const decoded = decodeRecords(bytes)
      assert.ok(isMalformed(decoded) ? decoded.code.startsWith('RECORD_') : Array.isArray(decoded))
    }),
    { numRuns: 500 },
  )
})

test('the checksum is CRC-32 without its sign, below and above the native threshold', () => {
  assert.equal(bodyCrc(Buffer.from('123456789'), 0, 9), 0xcbf43926 & 0x7fffffff)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), fc.nat(10), (bytes, start) => {
      const from = Math.min(start, bytes.length)
      assert.equal(bodyCrc(bytes, from, bytes.length), crc32(bytes.subarray(from)) & 0x7fffffff)
    }),
  )
})
