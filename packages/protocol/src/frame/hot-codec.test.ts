import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { isMalformed } from '@apogee/base'
import fc from 'fast-check'
import { UpdateConsumerOffsetRequestHeader } from '../header/offset.ts'
import { PullMessageRequestHeader, PullMessageResponseHeader } from '../header/pull.ts'
import {
  SendMessageRequestHeader,
  SendMessageRequestHeaderV2,
  SendMessageResponseHeader,
} from '../header/send.ts'
import { decodeHeader, type ExtFields, encodeHeader, type HeaderTable } from '../header/table.ts'
import { frameOf, openFrame } from './frame.fixture.ts'
import type { Frame } from './frame.ts'
import { PullReply, pullReplySizeMax, writePullReplyHead } from './pull-reply.ts'
import { decodePull, PullFields } from './pull-request.ts'
import { emptyReplySizeMax, writeEmptyReply } from './reply-writer.ts'
import { SendReply, sendReplySizeMax, writeSendReply } from './send-reply.ts'
import { decodeSend, SendFields } from './send-request.ts'
import { decodeUpdateOffset, UpdateOffsetFields } from './update-offset-request.ts'

const serializeType = fc.constantFrom(0 as const, 1 as const)
// The binary form has no empty values: Java reads a length of 0 as none.
const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
const properties = fc
  .array(fc.tuple(text, text))
  .map((pairs) => pairs.map(([key, value]) => `${key}\u0001${value}\u0002`).join(''))
  .filter((value) => value !== '')

const sends = fc.record({
  producerGroup: text,
  topic: text,
  defaultTopic: text,
  defaultTopicQueueNums: fc.integer(),
  queueId: fc.integer(),
  sysFlag: fc.integer(),
  bornTimestamp: fc.maxSafeInteger(),
  flag: fc.integer(),
  properties: fc.option(properties),
  reconsumeTimes: fc.option(fc.integer()),
  unitMode: fc.option(fc.boolean()),
  maxReconsumeTimes: fc.option(fc.integer()),
  batch: fc.option(fc.boolean()),
})

function span(buffer: Buffer, start: number, end: number): string | null {
  return start < 0 ? null : buffer.toString('utf8', start, end)
}

function sendOf(fields: SendFields): object {
  const { buffer } = fields
  return {
    producerGroup: span(buffer, fields.producerGroupStart, fields.producerGroupEnd),
    topic: span(buffer, fields.topicStart, fields.topicEnd),
    defaultTopic: span(buffer, fields.defaultTopicStart, fields.defaultTopicEnd),
    defaultTopicQueueNums: fields.defaultTopicQueueNums,
    queueId: fields.queueId,
    sysFlag: fields.sysFlag,
    bornTimestamp: fields.bornTimestamp,
    flag: fields.flag,
    properties: span(buffer, fields.propertiesStart, fields.propertiesEnd),
    reconsumeTimes: fields.reconsumeTimes,
    unitMode: fields.unitMode,
    maxReconsumeTimes: fields.maxReconsumeTimes,
    batch: fields.batch,
  }
}

test('the straight-line send decoder agrees with the tables, long names and short, both forms', () => {
  const into = new SendFields()
  fc.assert(
    fc.property(sends, serializeType, fc.boolean(), (send, type, short) => {
      const fields = short
        ? encodeHeader(SendMessageRequestHeaderV2, send)
        : encodeHeader(SendMessageRequestHeader, send)
      const bytes = frameOf({ code: short ? 310 : 10, serializeType: type, fields })
      const frame = openFrame(bytes)
      equal(decodeSend(frame, into), null)
      deepEqual(sendOf(into), {
        ...send,
        reconsumeTimes: send.reconsumeTimes ?? 0,
        maxReconsumeTimes: send.maxReconsumeTimes ?? -1,
        unitMode: send.unitMode ?? false,
        batch: send.batch ?? false,
      })
      const table = short ? SendMessageRequestHeaderV2 : SendMessageRequestHeader
      const byTable = decodeHeader(table as HeaderTable, frame.fields() as ExtFields)
      deepEqual((byTable as { topic: string }).topic, send.topic)
    }),
  )
})

const pulls = fc.record({
  consumerGroup: text,
  topic: text,
  queueId: fc.integer(),
  queueOffset: fc.maxSafeInteger(),
  maxMsgNums: fc.integer(),
  sysFlag: fc.integer(),
  commitOffset: fc.maxSafeInteger(),
  suspendTimeoutMillis: fc.maxSafeInteger(),
  subscription: fc.option(text),
  subVersion: fc.maxSafeInteger(),
  expressionType: fc.option(text),
  maxMsgBytes: fc.option(fc.nat()),
  requestSource: fc.option(fc.nat()),
})

test('the straight-line pull decoder agrees with the table', () => {
  const into = new PullFields()
  fc.assert(
    fc.property(pulls, serializeType, (pull, type) => {
      const fields = encodeHeader(PullMessageRequestHeader, pull)
      const frame = openFrame(frameOf({ code: 11, serializeType: type, fields }))
      equal(decodePull(frame, into), null)
      const { buffer } = into
      equal(span(buffer, into.consumerGroupStart, into.consumerGroupEnd), pull.consumerGroup)
      equal(span(buffer, into.topicStart, into.topicEnd), pull.topic)
      equal(span(buffer, into.subscriptionStart, into.subscriptionEnd), pull.subscription)
      equal(span(buffer, into.expressionTypeStart, into.expressionTypeEnd), pull.expressionType)
      equal(into.maxMsgBytes, pull.maxMsgBytes ?? -1)
      equal(into.requestSource, pull.requestSource ?? -1)
      for (const name of ['queueId', 'queueOffset', 'maxMsgNums', 'sysFlag'] as const) {
        equal(into[name], pull[name])
      }
      for (const name of ['commitOffset', 'suspendTimeoutMillis', 'subVersion'] as const) {
        equal(into[name], pull[name])
      }
    }),
  )
})

test('the straight-line offset decoder agrees with the table', () => {
  const commits = fc.record({
    consumerGroup: text,
    topic: text,
    queueId: fc.integer(),
    commitOffset: fc.maxSafeInteger(),
  })
  const into = new UpdateOffsetFields()
  fc.assert(
    fc.property(commits, serializeType, (commit, type) => {
      const fields = encodeHeader(UpdateConsumerOffsetRequestHeader, commit)
      const frame = openFrame(frameOf({ code: 15, serializeType: type, fields }))
      equal(decodeUpdateOffset(frame, into), null)
      equal(span(into.buffer, into.consumerGroupStart, into.consumerGroupEnd), commit.consumerGroup)
      equal(span(into.buffer, into.topicStart, into.topicEnd), commit.topic)
      equal(into.queueId, commit.queueId)
      equal(into.commitOffset, commit.commitOffset)
    }),
  )
})

test('with any fields the straight-line decoders refuse what the tables refuse', () => {
  const value = fc.oneof(fc.constantFrom('1', '-5', '', 'x', '4294967296', 'true', '1e5'), text)
  const check = (
    table: HeaderTable,
    hot: (frame: Frame) => unknown,
    given: readonly (string | null)[],
    type: 0 | 1,
  ): void => {
    const names = Object.entries(table).map(([name, spec]) =>
      typeof spec === 'string' ? name : spec[1],
    )
    const known = ['clientId', 'proxyFrowardClientId', 'n']
    const fields: ExtFields = new Map()
    for (const [i, name] of names.entries()) {
      const text = given[i % given.length]
      if (text != null && !known.includes(name)) fields.set(name, text)
    }
    const frame = openFrame(frameOf({ serializeType: type, fields }))
    const byTable = decodeHeader(table, frame.fields() as ExtFields)
    equal(isMalformed(hot(frame)), isMalformed(byTable))
  }
  const given = fc.array(fc.option(value), { minLength: 1, maxLength: 14 })
  fc.assert(
    fc.property(given, serializeType, (values, type) => {
      const send = (frame: Frame): unknown => decodeSend(frame, new SendFields())
      check(SendMessageRequestHeader, send, values, type)
      check(SendMessageRequestHeaderV2, send, values, type)
      check(PullMessageRequestHeader, (f) => decodePull(f, new PullFields()), values, type)
      const update = (f: Frame): unknown => decodeUpdateOffset(f, new UpdateOffsetFields())
      check(UpdateConsumerOffsetRequestHeader, update, values, type)
    }),
    { numRuns: 500 },
  )
})

const remarks = fc.option(text)

test('a send reply written straight into a buffer is the frame the table gives', () => {
  const replies = fc.record({
    code: fc.constantFrom(0, 10, 11, 12),
    opaque: fc.integer(),
    remark: remarks,
    host: fc.constantFrom('7F00000100002A9F', `${'20010DB8'.repeat(4)}00002A9F`),
    offsets: fc.array(fc.maxSafeInteger(), { minLength: 1, maxLength: 4 }),
    queueId: fc.nat(),
    queueOffset: fc.nat(),
    transactionId: fc.option(text),
    recallHandle: fc.option(text),
    traceOn: fc.boolean(),
  })
  const reply = new SendReply()
  fc.assert(
    fc.property(replies, serializeType, (given, type) => {
      const id = Buffer.from(`<${given.transactionId ?? ''}>`)
      Object.assign(reply, given, {
        remark: given.remark === null ? null : Buffer.from(given.remark),
        storeHost: Buffer.from(given.host, 'hex'),
        messageCount: given.offsets.length,
        transactionId: id,
        transactionIdStart: given.transactionId === null ? -1 : 1,
        transactionIdEnd: id.length - 1,
        recallHandle: given.recallHandle === null ? null : Buffer.from(given.recallHandle),
        region: Buffer.from('DefaultRegion'),
      })
      given.offsets.forEach((offset, i) => {
        reply.physicalOffsets[i] = offset
      })
      const into = Buffer.alloc(sendReplySizeMax(reply) + 3)
      const end = writeSendReply(into, 3, type, reply)
      const fields = encodeHeader(SendMessageResponseHeader, {
        msgId: given.offsets.map((offset) => given.host + hex64(offset)).join(','),
        queueId: given.queueId,
        queueOffset: given.queueOffset,
        transactionId: given.transactionId,
        recallHandle: given.recallHandle,
      })
      fields.set('MSG_REGION', 'DefaultRegion').set('TRACE_ON', String(given.traceOn))
      const { code, opaque, remark } = given
      const expected = { code, opaque, remark, fields, flag: 1, serializeType: type }
      sameMeaning(into.subarray(3, end), frameOf(expected))
    }),
  )
})

function hex64(value: number): string {
  return BigInt.asUintN(64, BigInt(value)).toString(16).toUpperCase().padStart(16, '0')
}

/** The two frames may differ in how JSON escapes a character, nothing else. */
function sameMeaning(actual: Buffer, expected: Buffer): void {
  const a = openFrame(actual)
  const b = openFrame(expected)
  deepEqual(a.fields(), b.fields())
  deepEqual([...(a.fields() as ExtFields).keys()], [...(b.fields() as ExtFields).keys()])
  deepEqual(a.remark(), b.remark())
  deepEqual([a.code, a.opaque, a.flag, a.language], [b.code, b.opaque, b.flag, b.language])
  deepEqual([a.version, a.serializeType], [b.version, b.serializeType])
  if (a.serializeType === 1) deepEqual(actual, expected)
}

test('a pull reply written straight into a buffer is the frame the table gives', () => {
  const replies = fc.record({
    code: fc.constantFrom(0, 19, 20, 21),
    opaque: fc.integer(),
    remark: remarks,
    suggestWhichBrokerId: fc.nat(5),
    nextBeginOffset: fc.maxSafeInteger(),
    minOffset: fc.maxSafeInteger(),
    maxOffset: fc.maxSafeInteger(),
    topicSysFlag: fc.nat(),
    groupSysFlag: fc.nat(),
    forbiddenType: fc.option(fc.nat(5)),
  })
  const reply = new PullReply()
  const body = Buffer.from('records')
  fc.assert(
    fc.property(replies, serializeType, (given, type) => {
      Object.assign(reply, given, {
        remark: given.remark === null ? null : Buffer.from(given.remark),
        forbiddenType: given.forbiddenType ?? -1,
      })
      const into = Buffer.alloc(pullReplySizeMax(reply))
      const end = writePullReplyHead(into, 0, type, reply, body.length)
      const { code, opaque, remark } = given
      const fields = encodeHeader(PullMessageResponseHeader, given)
      const expected = frameOf({ code, opaque, remark, fields, flag: 1, serializeType: type, body })
      sameMeaning(Buffer.concat([into.subarray(0, end), body]), expected)
    }),
  )
})

test('an empty reply has no fields in either form', () => {
  for (const type of [0, 1] as const) {
    for (const remark of [null, Buffer.from('a "quoted" é')]) {
      const into = Buffer.alloc(emptyReplySizeMax(remark))
      const end = writeEmptyReply(into, 0, type, 2, 77, remark)
      const frame = openFrame(into.subarray(0, end))
      equal(frame.code, 2)
      equal(frame.opaque, 77)
      ok(frame.isResponse)
      equal(frame.fieldCount, 0)
      equal(frame.remark(), remark === null ? null : remark.toString())
    }
  }
})
