import { deepEqual, equal, ok } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { isMalformed } from '@apogee/base'
import {
  type BodyCodec,
  BrokerStatsData,
  CloneGroupOffsetRequestHeader,
  type ConsumeQueueData,
  ConsumerConnection,
  ConsumeStats,
  CreateTopicRequestHeader,
  DeleteTopicRequestHeader,
  decodeBody,
  GetAllTopicConfigRequestHeader,
  GetConsumerConnectionListRequestHeader,
  GetConsumerRunningInfoRequestHeader,
  GetConsumeStatsRequestHeader,
  GetTopicConfigRequestHeader,
  GetTopicStatsInfoRequestHeader,
  GroupForbidden,
  GroupList,
  type HeaderInput,
  type HeaderTable,
  LockBatchRequestBody,
  LockBatchResponseBody,
  ProducerTableInfo,
  QueryConsumeQueueRequestHeader,
  QueryConsumeQueueResponseBody,
  QueryConsumeTimeSpanBody,
  QueryConsumeTimeSpanRequestHeader,
  QueryTopicConsumeByWhoRequestHeader,
  RequestCode,
  ResetOffsetBody,
  ResetOffsetRequestHeader,
  ResponseCode,
  SearchOffsetRequestHeader,
  SubscriptionGroupConfig,
  SubscriptionGroupWrapper,
  TopicConfig,
  TopicConfigAndMappingSerializeWrapper,
  TopicStatsTable,
  UpdateConsumerOffsetRequestHeader,
  UpdateGroupForbiddenRequestHeader,
  ViewBrokerStatsDataRequestHeader,
} from '@apogee/protocol'
import {
  HandlerRegistry,
  handler,
  RemotingClient,
  type Response,
  silentLogger,
  success,
} from '@apogee/remoting'
import { subscriptionGroup } from '../subscription/subscription-group-config.ts'
import { BrokerWorld } from '../testing/broker-world.ts'

// One broker for all of these: three messages in queue 0 of `orders`, group `g` online and at offset 1.
const world = new BrokerWorld(20261)
let client: RemotingClient

before(async () => {
  await world.start()
  client = consumerClient()
  for (const text of ['one', 'two', 'three']) await world.send(client, 'orders', text)
  await world.heartbeat(client, 'c1', 'g', 'orders')
  await commit('g', 1)
})

after(async () => {
  await world.stop()
})

/** A client that answers what brokers ask of consumers. */
function consumerClient(): RemotingClient {
  const env = world.world.host('10.0.0.2').boot()
  const registry = new HandlerRegistry().add(
    handler({
      code: RequestCode.GET_CONSUMER_RUNNING_INFO,
      lane: 'admin',
      permission: 'client',
      header: GetConsumerRunningInfoRequestHeader,
      handle: ({ header }) => success(Buffer.from(`{"of":"${header.clientId}"}`)),
    }),
  )
  return new RemotingClient({}, { env, log: silentLogger, registry })
}

function call<T extends HeaderTable>(
  code: number,
  table: T,
  header: HeaderInput<T>,
  body?: Buffer,
): Promise<Response> {
  return world.call(client, code, table, header, body)
}

function commit(consumerGroup: string, commitOffset: number): Promise<Response> {
  const header = { consumerGroup, topic: 'orders', queueId: 0, commitOffset }
  return call(RequestCode.UPDATE_CONSUMER_OFFSET, UpdateConsumerOffsetRequestHeader, header)
}

function bodyOf<T>(codec: BodyCodec<T>, response: Response): T {
  equal(response.code, ResponseCode.SUCCESS, response.remark ?? '')
  const value = decodeBody(codec, response.body)
  if (isMalformed(value)) throw new Error(value.detail)
  return value
}

const makeTopic = (topic: string, more: object = {}): Promise<Response> =>
  call(RequestCode.UPDATE_AND_CREATE_TOPIC, CreateTopicRequestHeader, {
    topic,
    defaultTopic: 'TBW102',
    readQueueNums: 1,
    writeQueueNums: 1,
    perm: 6,
    topicFilterType: 'SINGLE_TAG',
    ...more,
  })

test('17: what cannot be a topic is refused with the reason', async () => {
  for (const [topic, more] of [
    ['no way', {}],
    ['SCHEDULE_TOPIC_XXXX', {}],
    ['broker-a', {}],
    ['ok', { perm: 16 }],
    ['ok', { writeQueueNums: -1 }],
    ['ok', { topicFilterType: 'x' }],
    ['ok', { attributes: '+message.type=MIXED' }],
    ['ok', { attributes: '+nothing=1' }],
  ] as const) {
    const refused = await makeTopic(topic, more)
    equal(refused.code, ResponseCode.INVALID_PARAMETER, topic)
    ok(refused.remark)
  }
})

test('17, 351, 21, 215: a topic is made, shown, listed in parts and deleted', async () => {
  equal((await makeTopic('made', { attributes: '+message.type=FIFO' })).code, 0)
  const header = { topic: 'made' }
  const shown = await call(RequestCode.GET_TOPIC_CONFIG, GetTopicConfigRequestHeader, header)
  equal(bodyOf(TopicConfig, shown).attributes.get('message.type'), 'FIFO')
  const list = (from: number | null, max: number | null): Promise<Response> =>
    call(RequestCode.GET_ALL_TOPIC_CONFIG, GetAllTopicConfigRequestHeader, {
      topicSeq: from,
      maxTopicNum: max,
    })
  const all = bodyOf(TopicConfigAndMappingSerializeWrapper, await list(null, null))
  const part = await list(0, 3)
  equal(bodyOf(TopicConfigAndMappingSerializeWrapper, part).topicConfigTable.size, 3)
  equal(part.fields.get('totalTopicNum'), String(all.topicConfigTable.size))
  equal((await call(RequestCode.DELETE_TOPIC_IN_BROKER, DeleteTopicRequestHeader, header)).code, 0)
  const gone = await call(RequestCode.GET_TOPIC_CONFIG, GetTopicConfigRequestHeader, header)
  equal(gone.code, ResponseCode.TOPIC_NOT_EXIST)
})

test('200, 201, 207, 353: a group is made, forbidden a topic, listed and deleted', async () => {
  const group = subscriptionGroup('made', { retryMaxTimes: 2 })
  const code = RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP
  equal((await world.callBody(client, code, SubscriptionGroupConfig, { ...group })).code, 0)
  const header = { group: 'made', topic: 'orders', readable: false }
  const forbidden = await call(
    RequestCode.UPDATE_AND_GET_GROUP_FORBIDDEN,
    UpdateGroupForbiddenRequestHeader,
    header,
  )
  equal(bodyOf(GroupForbidden, forbidden).readable, false)
  const all = await call(RequestCode.GET_ALL_SUBSCRIPTIONGROUP_CONFIG, {}, {})
  const wrapper = bodyOf(SubscriptionGroupWrapper, all)
  equal(wrapper.subscriptionGroupTable.get('made')?.retryMaxTimes, 2)
  equal(wrapper.forbiddenTable.get('made')?.get('orders'), 4)
  const fields = { groupName: 'string' } as const
  equal((await call(RequestCode.DELETE_SUBSCRIPTIONGROUP, fields, { groupName: 'made' })).code, 0)
  equal(world.broker?.services?.groups.select('made'), undefined)
})

test('25, 26: an allowed key changes, a path never does, and all is shown', async () => {
  const change = (text: string): Promise<Response> =>
    call(RequestCode.UPDATE_BROKER_CONFIG, {}, {}, Buffer.from(text))
  equal((await change('fileReservedTime=5')).code, ResponseCode.SUCCESS)
  equal(world.broker?.services?.store.options.retention.reservedMs, 5 * 3_600_000)
  equal((await change('storePathRootDir=/etc')).code, ResponseCode.NO_PERMISSION)
  equal((await change('fileReservedTime=x')).code, ResponseCode.INVALID_PARAMETER)
  const shown = await call(RequestCode.GET_BROKER_CONFIG, {}, {})
  ok(shown.body.toString().includes('fileReservedTime=5\n'))
  ok(shown.body.toString().includes('sendMessageThreadPoolNums=4\n'))
  ok(shown.fields.get('version')?.includes('"counter":1'))
})

test('202, 208, 303: where queues end, how far a group is, and how late', async () => {
  const topic = 'orders'
  const stats = await call(RequestCode.GET_TOPIC_STATS_INFO, GetTopicStatsInfoRequestHeader, {
    topic,
  })
  const queue = bodyOf(TopicStatsTable, stats).offsetTable.find(({ key }) => key.queueId === 0)
  equal(queue?.value.maxOffset, 3)
  ok(queue.value.lastUpdateTimestamp > 0)
  const consumed = await call(RequestCode.GET_CONSUME_STATS, GetConsumeStatsRequestHeader, {
    consumerGroup: 'g',
  })
  const progress = bodyOf(ConsumeStats, consumed).offsetTable.find(({ key }) => key.queueId === 0)
  equal(progress?.value.brokerOffset, 3)
  equal(progress?.value.consumerOffset, 1)
  const header = { topic, group: 'g' }
  const code = RequestCode.QUERY_CONSUME_TIME_SPAN
  const span = await call(code, QueryConsumeTimeSpanRequestHeader, header)
  const [first] = bodyOf(QueryConsumeTimeSpanBody, span).consumeTimeSpanSet
  ok(first && first.minTimeStamp <= first.maxTimeStamp && first.delayTime > 0)
})

test('300, 203, 328: who consumes, and from where', async () => {
  const who = await call(
    RequestCode.QUERY_TOPIC_CONSUME_BY_WHO,
    QueryTopicConsumeByWhoRequestHeader,
    { topic: 'orders' },
  )
  deepEqual(bodyOf(GroupList, who).groupList, ['g'])
  const code = RequestCode.GET_CONSUMER_CONNECTION_LIST
  const seen = await call(code, GetConsumerConnectionListRequestHeader, { consumerGroup: 'g' })
  const connection = bodyOf(ConsumerConnection, seen)
  equal(connection.connectionSet[0]?.clientId, 'c1')
  equal(connection.connectionSet[0]?.clientAddr.startsWith('10.0.0.2:'), true)
  ok(connection.subscriptionTable.has('orders'))
  const absent = await call(code, GetConsumerConnectionListRequestHeader, { consumerGroup: 'x' })
  equal(absent.code, ResponseCode.CONSUMER_NOT_ONLINE)
  const producers = await call(RequestCode.GET_ALL_PRODUCER_INFO, {}, {})
  equal(bodyOf(ProducerTableInfo, producers).data.get('p')?.length, 1)
})

test('307: a question for a consumer is passed on to it and its answer back', async () => {
  const ask = (clientId: string): Promise<Response> =>
    call(RequestCode.GET_CONSUMER_RUNNING_INFO, GetConsumerRunningInfoRequestHeader, {
      consumerGroup: 'g',
      clientId,
    })
  equal((await ask('c1')).body.toString(), '{"of":"c1"}')
  equal((await ask('c2')).code, ResponseCode.SYSTEM_ERROR)
})

test('222, 314: offsets are reset, used by the next pull, and cloned', async () => {
  await commit('g2', 3)
  world.broker?.services?.groups.find('g2')
  await commit('g2', 3)
  const header = { group: 'g2', topic: 'orders', queueId: 0, offset: 1, timestamp: 0 }
  const code = RequestCode.INVOKE_BROKER_TO_RESET_OFFSET
  const reset = await call(code, ResetOffsetRequestHeader, header)
  deepEqual(
    bodyOf(ResetOffsetBody, reset).offsetTable.map(({ value }) => value),
    [1],
  )
  equal((await commit('g2', 3)).remark, 'Offset has been previously reset')
  const pulled = await world.pull(client, 'g2', 'orders', { offset: 3 })
  equal(pulled.code, ResponseCode.PULL_OFFSET_MOVED)
  equal(pulled.fields.get('nextBeginOffset'), '1')
  equal((await call(code, ResetOffsetRequestHeader, { ...header, offset: 99 })).code, 1)
  const clone = { srcGroup: 'g2', destGroup: 'g3', topic: 'orders', offline: true }
  equal((await call(RequestCode.CLONE_GROUP_OFFSET, CloneGroupOffsetRequestHeader, clone)).code, 0)
  equal(world.broker?.services?.offsets.queryOffset('g3', 'orders', 0), 1)
})

test('29, 32, 321: offsets by time, oldest time, and raw queue entries', async () => {
  const search = await call(RequestCode.SEARCH_OFFSET_BY_TIMESTAMP, SearchOffsetRequestHeader, {
    topic: 'orders',
    queueId: 0,
    timestamp: 0,
  })
  equal(search.fields.get('offset'), '0')
  const header = { topic: 'orders', queueId: 0, index: 1, count: 10 }
  const queue = await call(RequestCode.QUERY_CONSUME_QUEUE, QueryConsumeQueueRequestHeader, header)
  const body = bodyOf(QueryConsumeQueueResponseBody, queue)
  equal(body.maxQueueIndex, 3)
  equal(body.queueData.length, 2)
  const units: readonly ConsumeQueueData[] = body.queueData
  ok(units.every(({ physicSize }) => physicSize > 91))
  const none = await call(RequestCode.QUERY_CONSUME_QUEUE, QueryConsumeQueueRequestHeader, {
    ...header,
    topic: 'nowhere',
  })
  equal(none.code, ResponseCode.SYSTEM_ERROR)
})

test('41: a queue is locked for one client of a group', async () => {
  const lock = (clientId: string): Promise<Response> =>
    world.callBody(client, RequestCode.LOCK_BATCH_MQ, LockBatchRequestBody, {
      consumerGroup: 'g',
      clientId,
      onlyThisBroker: false,
      mqSet: [{ topic: 'orders', brokerName: 'broker-a', queueId: 0 }],
    })
  equal(bodyOf(LockBatchResponseBody, await lock('c1')).lockOKMQSet.length, 1)
  equal(bodyOf(LockBatchResponseBody, await lock('c2')).lockOKMQSet.length, 0)
})

test('315: counters by RocketMQ s names', async () => {
  const view = (statsName: string, statsKey: string): Promise<Response> =>
    call(RequestCode.VIEW_BROKER_STATS_DATA, ViewBrokerStatsDataRequestHeader, {
      statsName,
      statsKey,
    })
  const puts = bodyOf(BrokerStatsData, await view('TOPIC_PUT_NUMS', 'orders'))
  equal(puts.statsDay.sum, 3)
  const all = bodyOf(BrokerStatsData, await view('BROKER_PUT_NUMS', 'DefaultCluster'))
  equal(all.statsHour.sum, 3)
  equal((await view('TOPIC_PUT_NUMS', 'nowhere')).code, ResponseCode.SYSTEM_ERROR)
})

test('a body that is no JSON is an error with a code, never silence', async () => {
  for (const code of [
    RequestCode.HEART_BEAT,
    RequestCode.LOCK_BATCH_MQ,
    RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP,
    RequestCode.UPDATE_AND_CREATE_TOPIC_LIST,
    RequestCode.CHECK_CLIENT_CONFIG,
  ]) {
    const refused = await call(code, {}, {}, Buffer.from('{"x'))
    equal(refused.code, ResponseCode.SYSTEM_ERROR)
    ok(refused.remark?.includes('JSON_INVALID'), refused.remark ?? '')
  }
})
