import { deepEqual, equal, ok } from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { Malformed } from '@apogee/base'
import { type BodyCodec, decodeBody, encodeBody } from './body/codec.ts'
import { decodeRegisterBrokerBody } from './body/register-broker.ts'
import { encodeFrame } from './frame/encode.ts'
import { openFrame } from './frame/frame.fixture.ts'
import type { Frame } from './frame/frame.ts'
import { decodePull, PullFields } from './frame/pull-request.ts'
import { decodeSend, SendFields } from './frame/send-request.ts'
import { decodeUpdateOffset, UpdateOffsetFields } from './frame/update-offset-request.ts'
import { decodeHeader, type ExtFields, type HeaderTable } from './header/table.ts'
import * as protocol from './mod.ts'

// Frames of real peers, recorded by e2e/record-golden.ts.

interface GoldenFrame {
  readonly file: string
  readonly kind: 'request' | 'response'
  readonly requestCode: number
  readonly name: string
  readonly responseCode: number | null
  readonly serializer: 'JSON' | 'ROCKETMQ'
  readonly fields: readonly string[]
  readonly bodyBytes: number
}

const folder = new URL('../testdata/golden/', import.meta.url)
const index = new URL('index.json', folder)
const frames: readonly GoldenFrame[] = existsSync(index)
  ? (JSON.parse(readFileSync(index, 'utf8')) as { frames: GoldenFrame[] }).frames
  : []

function read(golden: GoldenFrame): Frame {
  return openFrame(readFileSync(new URL(golden.file, folder)))
}

function fieldsOf(frame: Frame): ExtFields {
  const fields = frame.fields()
  if (fields instanceof Malformed) throw new Error(`${fields.code}: ${fields.detail}`)
  return fields
}

test('every recorded frame opens, and encoded again it means the same', () => {
  for (const golden of frames) {
    const frame = read(golden)
    const { code, opaque, flag, language, version, serializeType } = frame
    equal(code, golden.responseCode ?? golden.requestCode, golden.file)
    equal(frame.isResponse, golden.kind === 'response', golden.file)
    equal(serializeType, golden.serializer === 'JSON' ? 0 : 1, golden.file)
    equal(frame.bodySize, golden.bodyBytes, golden.file)
    const fields = fieldsOf(frame)
    // The binary form has no empty values: Java reads them as null.
    const listed = golden.fields.filter((name) => fields.has(name) || serializeType === 0)
    deepEqual([...fields.keys()].toSorted(), [...listed].toSorted(), golden.file)
    const remark = frame.remark() as string | null
    const body = frame.body()
    const content = { code, opaque, flag, language, version, serializeType, remark, fields, body }
    const again = openFrame(encodeFrame(content))
    deepEqual(fieldsOf(again), fields, golden.file)
    deepEqual(again.body(), body, golden.file)
    deepEqual(
      [again.code, again.opaque, again.flag, again.language, again.version, again.remark()],
      [code, opaque, flag, language, version, remark],
      golden.file,
    )
  }
})

const requestTables: Readonly<Record<number, HeaderTable>> = {
  10: protocol.SendMessageRequestHeader,
  11: protocol.PullMessageRequestHeader,
  12: protocol.QueryMessageRequestHeader,
  14: protocol.QueryConsumerOffsetRequestHeader,
  15: protocol.UpdateConsumerOffsetRequestHeader,
  17: protocol.CreateTopicRequestHeader,
  21: protocol.GetAllTopicConfigRequestHeader,
  29: protocol.SearchOffsetRequestHeader,
  30: protocol.GetMaxOffsetRequestHeader,
  31: protocol.GetMinOffsetRequestHeader,
  32: protocol.GetEarliestMsgStoretimeRequestHeader,
  33: protocol.ViewMessageRequestHeader,
  34: protocol.HeartbeatRequestHeader,
  35: protocol.UnregisterClientRequestHeader,
  36: protocol.ConsumerSendMsgBackRequestHeader,
  37: protocol.EndTransactionRequestHeader,
  38: protocol.GetConsumerListByGroupRequestHeader,
  39: protocol.CheckTransactionStateRequestHeader,
  40: protocol.NotifyConsumerIdsChangedRequestHeader,
  100: protocol.PutKVConfigRequestHeader,
  101: protocol.GetKVConfigRequestHeader,
  102: protocol.DeleteKVConfigRequestHeader,
  103: protocol.RegisterBrokerRequestHeader,
  104: protocol.UnRegisterBrokerRequestHeader,
  105: protocol.GetRouteInfoRequestHeader,
  201: protocol.GetAllSubscriptionGroupRequestHeader,
  202: protocol.GetTopicStatsInfoRequestHeader,
  203: protocol.GetConsumerConnectionListRequestHeader,
  204: protocol.GetProducerConnectionListRequestHeader,
  205: protocol.WipeWritePermOfBrokerRequestHeader,
  207: protocol.DeleteSubscriptionGroupRequestHeader,
  208: protocol.GetConsumeStatsRequestHeader,
  215: protocol.DeleteTopicRequestHeader,
  216: protocol.DeleteTopicFromNamesrvRequestHeader,
  220: protocol.ResetOffsetRequestHeader,
  222: protocol.ResetOffsetRequestHeader,
  300: protocol.QueryTopicConsumeByWhoRequestHeader,
  303: protocol.QueryConsumeTimeSpanRequestHeader,
  307: protocol.GetConsumerRunningInfoRequestHeader,
  309: protocol.ConsumeMessageDirectlyResultRequestHeader,
  310: protocol.SendMessageRequestHeaderV2,
  315: protocol.ViewBrokerStatsDataRequestHeader,
  317: protocol.GetConsumeStatsInBrokerHeader,
  320: protocol.SendMessageRequestHeaderV2,
  321: protocol.QueryConsumeQueueRequestHeader,
  322: protocol.QueryDataVersionRequestHeader,
  324: protocol.SendMessageRequestHeader,
  325: protocol.SendMessageRequestHeaderV2,
  326: protocol.ReplyMessageRequestHeader,
  327: protocol.AddWritePermOfBrokerRequestHeader,
  361: protocol.PullMessageRequestHeader,
  351: protocol.GetTopicConfigRequestHeader,
  352: protocol.GetSubscriptionGroupConfigRequestHeader,
}

const responseTables: Readonly<Record<number, HeaderTable>> = {
  10: protocol.SendMessageResponseHeader,
  11: protocol.PullMessageResponseHeader,
  12: protocol.QueryMessageResponseHeader,
  14: protocol.QueryConsumerOffsetResponseHeader,
  29: protocol.SearchOffsetResponseHeader,
  30: protocol.GetMaxOffsetResponseHeader,
  31: protocol.GetMinOffsetResponseHeader,
  32: protocol.GetEarliestMsgStoretimeResponseHeader,
  34: protocol.HeartbeatResponseHeader,
  361: protocol.PullMessageResponseHeader,
  21: protocol.GetAllTopicConfigResponseHeader,
  26: protocol.GetBrokerConfigResponseHeader,
  201: protocol.GetAllSubscriptionGroupResponseHeader,
  101: protocol.GetKVConfigResponseHeader,
  205: protocol.WipeWritePermOfBrokerResponseHeader,
  310: protocol.SendMessageResponseHeader,
  320: protocol.SendMessageResponseHeader,
  327: protocol.AddWritePermOfBrokerResponseHeader,
}

test('every recorded header reads by its table, and the straight-line decoders take what they serve', () => {
  for (const golden of frames) {
    const frame = read(golden)
    const isRequest = golden.kind === 'request'
    const tables = isRequest ? requestTables : responseTables
    const table = tables[golden.requestCode]
    if (table === undefined || (!isRequest && golden.responseCode !== 0)) {
      ok(table !== undefined || golden.fields.length === 0, `no table for ${golden.file}`)
      continue
    }
    const header = decodeHeader(table, fieldsOf(frame))
    ok(!(header instanceof Malformed), `${golden.file} ${JSON.stringify(header)}`)
    deepEqual(unnamed(table, golden.fields), [], golden.file)
    if (!isRequest) continue
    const code = golden.requestCode
    if (code === 10 || code === 310 || code === 320)
      equal(decodeSend(frame, new SendFields()), null)
    if (code === 11) equal(decodePull(frame, new PullFields()), null)
    if (code === 15) equal(decodeUpdateOffset(frame, new UpdateOffsetFields()), null)
  }
})

/** Fields that may come with any header: Java's RpcRequestHeader, the request type, and what a send's answer carries. */
const ANYWHERE = ['ns', 'nsd', 'bname', 'oway', 'lo', 'ReqT', 'MSG_REGION', 'TRACE_ON']

function unnamed(table: HeaderTable, fields: readonly string[]): string[] {
  const names = Object.entries(table).map(([name, spec]) =>
    typeof spec === 'string' ? name : spec[1],
  )
  return fields.filter((name) => !names.includes(name) && !ANYWHERE.includes(name))
}

const bodies: Readonly<Record<string, BodyCodec<never>>> = Object.fromEntries(
  Object.entries({
    'request 34': protocol.HeartbeatData,
    'response 103': protocol.KVTable,
    'request 46': protocol.CheckClientRequestBody,
    'request 41': protocol.LockBatchRequestBody,
    'response 41': protocol.LockBatchResponseBody,
    'request 42': protocol.UnlockBatchRequestBody,
    'response 21': protocol.TopicConfigAndMappingSerializeWrapper,
    'response 28': protocol.KVTable,
    'response 38': protocol.GetConsumerListByGroupResponseBody,
    'request 103': protocol.RegisterBrokerBody,
    'response 105': protocol.TopicRouteData,
    'response 106': protocol.ClusterInfo,
    'request 200': protocol.SubscriptionGroupConfig,
    'response 201': protocol.SubscriptionGroupWrapper,
    'response 202': protocol.TopicStatsTable,
    'response 203': protocol.ConsumerConnection,
    'response 204': protocol.ProducerConnection,
    'response 206': protocol.TopicList,
    'response 208': protocol.ConsumeStats,
    'request 220': protocol.ResetOffsetBody,
    'response 222': protocol.ResetOffsetBody,
    'response 300': protocol.GroupList,
    'response 305': protocol.TopicList,
    'response 307': protocol.ConsumerRunningInfo,
    'response 309': protocol.ConsumeMessageDirectlyResult,
    'response 315': protocol.BrokerStatsData,
    'response 317': protocol.ConsumeStatsList,
    'response 321': protocol.QueryConsumeQueueResponseBody,
    'response 328': protocol.ProducerTableInfo,
    'response 351': protocol.TopicConfigAndQueueMapping,
    'response 352': protocol.SubscriptionGroupConfig,
    'request 401': protocol.SetMessageRequestModeRequestBody,
    'response 907': protocol.HARuntimeInfo,
  }),
) as Record<string, BodyCodec<never>>

test('every recorded JSON body reads by its codec, and what we write reads the same', () => {
  for (const golden of frames) {
    const codec = bodies[`${golden.kind} ${golden.requestCode}`]
    const frame = read(golden)
    if (codec === undefined || frame.bodySize === 0 || (golden.responseCode ?? 0) !== 0) {
      // A body we have no codec for is not JSON: records, properties text.
      const known = codec !== undefined || frame.bodySize === 0 || frame.body()[0] !== 0x7b
      ok(known, `no codec for ${golden.file}`)
      continue
    }
    if (golden.requestCode === 103 && fieldsOf(frame).get('compressed') === 'true') {
      const body = decodeRegisterBrokerBody(frame.body(), true, frame.version)
      ok(!(body instanceof Malformed), golden.file)
      continue
    }
    const value = decodeBody(codec, frame.body())
    ok(!(value instanceof Malformed), `${golden.file} ${JSON.stringify(value)}`)
    // Standard JSON has no objects as keys: a body kept as it came then holds their text instead.
    const asItCame = golden.requestCode === 307
    for (const spelling of ['fastjson', 'standard'] as const) {
      if (asItCame && spelling === 'standard') continue
      deepEqual(decodeBody(codec, encodeBody(codec, value, spelling)), value, golden.file)
    }
    checkMembers(frame.body(), encodeBody(codec, value), golden.file)
  }
})

/** Every top-level member that the peer wrote, we write. */
function checkMembers(theirs: Buffer, ours: Buffer, file: string): void {
  const a = protocol.parseFastjson(theirs)
  const b = protocol.parseFastjson(ours)
  ok(a instanceof protocol.JsonMap && b instanceof protocol.JsonMap, file)
  const missing = [...a.fields.keys()].filter((name) => !b.fields.has(name))
  deepEqual(missing, [], file)
}
