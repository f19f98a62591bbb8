import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { deflateSync } from 'node:zlib'
import { isMalformed, Malformed } from '@apogee/base'
import fc from 'fast-check'
import * as protocol from '../mod.ts'
import { type BodyCodec, decodeBody, encodeBody } from './codec.ts'
import { HeartbeatData } from './heartbeat.ts'
import { ConsumerOffsetSerializeWrapper, ResetOffsetBody } from './offset.ts'
import { formatPropertiesText, parsePropertiesText } from './properties-text.ts'
import {
  decodeRegisterBrokerBody,
  encodeRegisterBrokerBody,
  type RegisterBrokerBody,
  registerBodyCrc32,
} from './register-broker.ts'
import { TopicRouteData } from './route.ts'
import { TopicStatsTable } from './stats.ts'
import { SubscriptionGroupConfig } from './subscription-group.ts'
import { decodeTopicConfigText, encodeTopicConfigText, type TopicConfig } from './topic-config.ts'

const word = fc.stringMatching(/^[A-Za-z%_-]{1,8}$/)
const int = fc.integer()
const long = fc.maxSafeInteger()
const version = fc.record(
  { stateVersion: long, timestamp: long, counter: long },
  { noNullPrototype: true },
)
const topic: fc.Arbitrary<TopicConfig> = fc.record(
  {
    topicName: word,
    readQueueNums: int,
    writeQueueNums: int,
    perm: int,
    topicFilterType: fc.constantFrom('SINGLE_TAG' as const, 'MULTI_TAG' as const),
    topicSysFlag: fc.constant(0),
    order: fc.constant(false),
    attributes: mapOf(fc.string()),
  },
  { noNullPrototype: true },
)

function mapOf<T>(value: fc.Arbitrary<T>): fc.Arbitrary<Map<string, T>> {
  return fc.array(fc.tuple(word, value), { maxLength: 3 }).map((entries) => new Map(entries))
}

const queue = fc.record({ topic: word, brokerName: word, queueId: int }, { noNullPrototype: true })
const mapping = fc.record(
  {
    topic: word,
    scope: word,
    totalQueues: int,
    bname: word,
    epoch: long,
    dirty: fc.boolean(),
    currIdMap: fc.array(fc.tuple(fc.nat(), int)).map((entries) => new Map(entries)),
  },
  { noNullPrototype: true },
)

const registrations: fc.Arbitrary<RegisterBrokerBody> = fc
  .tuple(fc.array(topic, { maxLength: 4 }), version, fc.array(mapping, { maxLength: 2 }), word)
  .map(([topics, dataVersion, mappings, server]) => ({
    filterServerList: [server],
    topicConfigSerializeWrapper: {
      topicConfigTable: new Map(topics.map((config) => [config.topicName, config])),
      dataVersion,
      topicQueueMappingInfoMap: new Map(mappings.map((info) => [info.topic, info])),
      topicQueueMappingDetailMap: new Map(),
      mappingDataVersion: { stateVersion: 0, timestamp: 0, counter: 0 },
    },
  }))

test('a registration survives, plain and compressed', () => {
  fc.assert(
    fc.property(registrations, fc.boolean(), (body, compressed) => {
      const bytes = encodeRegisterBrokerBody(body, compressed)
      deepEqual(decodeRegisterBrokerBody(bytes, compressed, 479), body)
    }),
  )
})

test('a compressed registration of an older broker ends before the mappings', () => {
  const inner = Buffer.concat([
    sized('{"counter":1}'),
    int32(1),
    sized('T 4 4 6 SINGLE_TAG'),
    sized('[]'),
  ])
  const body = decodeRegisterBrokerBody(deflateSync(inner), true, 401)
  ok(!isMalformed(body))
  equal(body.topicConfigSerializeWrapper.dataVersion.counter, 1)
  deepEqual([...body.topicConfigSerializeWrapper.topicConfigTable.keys()], ['T'])
  const newer = decodeRegisterBrokerBody(deflateSync(inner), true, 479)
  ok(isMalformed(newer))
  equal(newer.code, 'BODY_INVALID')
})

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

function sized(text: string): Buffer {
  return Buffer.concat([int32(Buffer.byteLength(text)), Buffer.from(text)])
}

test('a compressed registration that is none, lies about sizes or grows too large has its code', () => {
  const code = (bytes: Buffer, inflatedMax = 1000): string => {
    const body = decodeRegisterBrokerBody(bytes, true, 479, { inflatedMax })
    return body instanceof Malformed ? body.code : 'none'
  }
  equal(code(Buffer.from('nothing')), 'BODY_COMPRESSION_INVALID')
  equal(code(deflateSync(Buffer.alloc(2000))), 'BODY_TOO_LARGE')
  equal(code(deflateSync(int32(2_000_000_000))), 'BODY_INVALID')
  equal(code(deflateSync(Buffer.concat([sized('{}'), int32(2_000_000_000)]))), 'BODY_TOO_LARGE')
  equal(code(deflateSync(Buffer.concat([sized('{}'), int32(100_000)]))), 'BODY_INVALID')
  equal(
    code(deflateSync(Buffer.concat([sized('{}'), int32(1), sized('T x')]))),
    'TOPIC_CONFIG_INVALID',
  )
  equal(registerBodyCrc32(Buffer.from('123456789')), 0xcbf43926 & 0x7fffffff)
})

test('a topic survives its one-line form; attributes with spaces too', () => {
  fc.assert(
    fc.property(topic, (config) => {
      deepEqual(decodeTopicConfigText(encodeTopicConfigText(config)), config)
    }),
  )
  for (const bad of [
    '',
    'T',
    'T 1 1 6',
    'T 1 x 6 SINGLE_TAG',
    'T 1 1 6 NO_TAG',
    ' 1 1 6 SINGLE_TAG',
  ]) {
    ok(isMalformed(decodeTopicConfigText(bad)), bad)
  }
})

test('routes are spelled as fastjson spells them, and as standard JSON when asked', () => {
  const route: TopicRouteData = {
    orderTopicConf: null,
    queueDatas: [
      { brokerName: 'a', readQueueNums: 8, writeQueueNums: 8, perm: 6, topicSysFlag: 0 },
    ],
    brokerDatas: [
      {
        cluster: 'c',
        brokerName: 'a',
        brokerAddrs: new Map([[0, '127.0.0.1:10911']]),
        zoneName: null,
        enableActingMaster: false,
      },
    ],
    filterServerTable: new Map(),
    topicQueueMappingByBroker: null,
  }
  const text = (key: string): string =>
    `{"brokerDatas":[{"brokerAddrs":{${key}:"127.0.0.1:10911"},"brokerName":"a","cluster":"c",` +
    '"enableActingMaster":false}],"filterServerTable":{},"queueDatas":[{"brokerName":"a",' +
    '"perm":6,"readQueueNums":8,"topicSysFlag":0,"writeQueueNums":8}]}'
  equal(encodeBody(TopicRouteData, route).toString(), text('0'))
  equal(encodeBody(TopicRouteData, route, 'standard').toString(), text('"0"'))
  for (const key of ['0', '"0"'])
    deepEqual(decodeBody(TopicRouteData, Buffer.from(text(key))), route)
})

test('maps keyed by queues survive in both spellings', () => {
  const tables = fc.record(
    {
      topicPutTps: fc.constant(0),
      offsetTable: fc.array(
        fc.record(
          {
            key: queue,
            value: fc.record(
              { minOffset: long, maxOffset: long, lastUpdateTimestamp: long },
              { noNullPrototype: true },
            ),
          },
          { noNullPrototype: true },
        ),
        { maxLength: 4 },
      ),
    },
    { noNullPrototype: true },
  )
  const spellings = fc.constantFrom('fastjson' as const, 'standard' as const)
  const distinct = tables.filter(
    ({ offsetTable }) =>
      new Set(offsetTable.map(({ key }) => JSON.stringify(key))).size === offsetTable.length,
  )
  fc.assert(
    fc.property(distinct, spellings, (table, spelling) => {
      deepEqual(decodeBody(TopicStatsTable, encodeBody(TopicStatsTable, table, spelling)), table)
    }),
  )
  equal(
    encodeBody(ResetOffsetBody, {
      offsetTable: [{ key: { topic: 't', brokerName: 'b', queueId: 1 }, value: 9 }],
    }).toString(),
    '{"offsetTable":{{"brokerName":"b","queueId":1,"topic":"t"}:9}}',
  )
})

test('offsets are spelled with bare queue ids', () => {
  const wrapper = { offsetTable: new Map([['t@g', new Map([[0, 12]])]]), dataVersion: null }
  const bytes = encodeBody(ConsumerOffsetSerializeWrapper, wrapper)
  equal(bytes.toString(), '{"offsetTable":{"t@g":{0:12}}}')
  deepEqual(decodeBody(ConsumerOffsetSerializeWrapper, bytes), wrapper)
})

test('absent members take the value that Java starts with', () => {
  const group = decodeBody(SubscriptionGroupConfig, Buffer.from('{"groupName":"g"}'))
  ok(!isMalformed(group))
  equal(group.retryMaxTimes, 16)
  equal(group.consumeEnable, true)
  equal(group.groupRetryPolicy.type, 'CUSTOMIZED')
  const heartbeat = decodeBody(HeartbeatData, Buffer.from('{"clientID":"c"}'))
  ok(!isMalformed(heartbeat))
  deepEqual(heartbeat.consumerDataSet, [])
})

test('enum members read by name and, as C++ clients send them, by ordinal', () => {
  const consumer = (type: string): string =>
    `{"consumerDataSet":[{"consumeType":${type},"messageModel":0,"consumeFromWhere":4}]}`
  for (const type of ['"CONSUME_ACTIVELY"', '0']) {
    const heartbeat = decodeBody(HeartbeatData, Buffer.from(consumer(type)))
    ok(!isMalformed(heartbeat))
    const { consumeType, messageModel, consumeFromWhere } = heartbeat.consumerDataSet[0]!
    equal(consumeType, 'CONSUME_ACTIVELY')
    equal(messageModel, 'BROADCASTING')
    equal(consumeFromWhere, 'CONSUME_FROM_FIRST_OFFSET')
  }
  for (const type of ['7', '-1', '1.5', '"SOMEHOW"']) {
    ok(isMalformed(decodeBody(HeartbeatData, Buffer.from(consumer(type)))), type)
  }
})

test('members of the wrong kind have a code and a place', () => {
  const bad = decodeBody(HeartbeatData, Buffer.from('{"consumerDataSet":[{"unitMode":[]}]}'))
  ok(isMalformed(bad))
  equal(bad.code, 'BODY_INVALID')
  ok(bad.detail.includes('consumerDataSet[].unitMode'))
  const empty = decodeBody(HeartbeatData, Buffer.alloc(0))
  ok(isMalformed(empty) && empty.code === 'BODY_EMPTY')
})

test('every body codec gives a value or a Malformed for any JSON, and what it gave survives', () => {
  const codecs = Object.entries(protocol).filter(
    (entry): entry is [string, BodyCodec<unknown>] =>
      typeof entry[1] === 'object' && 'decode' in entry[1] && 'encode' in entry[1],
  )
  ok(codecs.length >= 50, String(codecs.length))
  const members = fc.constantFrom(
    'offsetTable',
    'dataVersion',
    'topic',
    'brokerAddrs',
    '0',
    'table',
  )
  const json = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom<unknown>(null, true, 1, 'x', '12', 1.5, -1),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.oneof(members, fc.string({ maxLength: 3 })), tie('value'), { maxKeys: 4 }),
    ),
  })).value
  fc.assert(
    fc.property(json, fc.nat(codecs.length - 1), (value, index) => {
      const [name, codec] = codecs[index]!
      const decoded = decodeBody(codec, Buffer.from(JSON.stringify(value)))
      if (isMalformed(decoded)) return
      const again = decodeBody(codec, encodeBody(codec, decoded))
      deepEqual(again, decoded, name)
    }),
    { numRuns: 2000 },
  )
})

test('properties text survives and Java forms are read', () => {
  const key = fc.stringMatching(/^[A-Za-z0-9_.]{1,12}$/)
  const value = fc.stringMatching(/^[A-Za-z0-9_.:;=/ -]{0,20}$/).map((text) => text.trimStart())
  fc.assert(
    fc.property(fc.array(fc.tuple(key, value)), (entries) => {
      const map = new Map(
        entries.map(([k, v]) => [k, v.replace(/^[=:]+/, '').trimStart()] as const),
      )
      deepEqual(parsePropertiesText(Buffer.from(formatPropertiesText(map))), map)
    }),
  )
  const java = '# c\n! c\n\n a = 1 \nb:2\nc 3\nd\\ e=\\u0041\\t\nlong=x\\\n   y\nempty\n'
  const expected = { a: '1 ', b: '2', c: '3', 'd e': 'A\t', long: 'xy', empty: '' }
  deepEqual(parsePropertiesText(Buffer.from(java)), new Map(Object.entries(expected)))
  equal(formatPropertiesText(new Map([['a', 'b\nc=d']])), 'a=b\\nc=d\n')
  ok(isMalformed(parsePropertiesText(Buffer.from('a=\\u12'))))
  ok(isMalformed(parsePropertiesText(Buffer.alloc(11, 'x'), { bytesMax: 10 })))
})

test('any bytes as properties text give entries or a Malformed', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const entries = parsePropertiesText(Buffer.from(text))
      ok(isMalformed(entries) || entries instanceof Map)
    }),
  )
})
