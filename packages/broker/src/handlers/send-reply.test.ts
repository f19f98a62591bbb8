import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  HeartbeatData,
  MessageConst,
  parseProperties,
  ReplyMessageRequestHeader,
  RequestCode,
  ResponseCode,
  replyTopicOf,
} from '@apogee/protocol'
import {
  HandlerRegistry,
  handler,
  RemotingClient,
  type Response,
  refuse,
  silentLogger,
  success,
} from '@apogee/remoting'
import { BrokerWorld } from '../testing/broker-world.ts'
import { invoke, properties, type SendHeader, sendFields, sendHeader } from '../testing/requests.ts'
import { allOf } from '../testing/transactions.ts'

const SEED = 324
const TOPIC = replyTopicOf('DefaultCluster')
const world = new BrokerWorld(SEED)
const got: { header: ReplyMessageRequestHeader; body: string }[] = []
let answerCode: number = ResponseCode.SUCCESS
let requester: RemotingClient
let replier: RemotingClient

before(async () => {
  await world.start()
  const registry = new HandlerRegistry().add(
    handler({
      code: RequestCode.PUSH_REPLY_MESSAGE_TO_CLIENT,
      lane: 'heartbeat',
      permission: 'client',
      header: ReplyMessageRequestHeader,
      handle: ({ body, header }) => {
        got.push({ header, body: body.toString() })
        return answerCode === ResponseCode.SUCCESS ? success() : refuse(answerCode, 'no')
      },
    }),
  )
  const env = world.world.host('10.0.0.2').boot()
  requester = new RemotingClient({}, { env, log: silentLogger, registry })
  replier = world.client('10.0.0.3')
  await beat(requester, 'asker@1')
})

after(() => world.stop())

async function beat(client: RemotingClient, clientID: string, ...groups: string[]): Promise<void> {
  await world.callBody(client, RequestCode.HEART_BEAT, HeartbeatData, {
    clientID,
    heartbeatFingerprint: 0,
    withoutSub: false,
    producerDataSet: ['p', ...groups].map((groupName) => ({ groupName })),
    consumerDataSet: [],
  })
}

function reply(
  to: string | null,
  body: string,
  code: number = RequestCode.SEND_REPLY_MESSAGE_V2,
  changes: Partial<SendHeader> = {},
): Promise<Response> {
  const entries: [string, string][] = [[MessageConst.CORRELATION_ID, 'c7']]
  if (to !== null) entries.push([MessageConst.MESSAGE_REPLY_TO_CLIENT, to])
  const header = sendHeader({ topic: TOPIC, properties: properties(...entries), ...changes })
  const v1 = code === RequestCode.SEND_REPLY_MESSAGE
  const fields = sendFields(header, v1 ? RequestCode.SEND_MESSAGE : code)
  return invoke(world, replier, code, fields, Buffer.from(body))
}

test('a reply goes to the producer that asked, and is stored', async () => {
  for (const code of [RequestCode.SEND_REPLY_MESSAGE, RequestCode.SEND_REPLY_MESSAGE_V2]) {
    got.length = 0
    const answer = await reply('asker@1', `answer ${code}`, code)
    equal(answer.code, ResponseCode.SUCCESS)
    equal(answer.fields.get('queueId'), '0')
    equal(answer.fields.get('msgId')?.length, 32)
    equal(answer.fields.get('MSG_REGION'), 'DefaultRegion')
    equal(got.length, 1)
    const { body, header } = got[0]!
    equal(body, `answer ${code}`)
    equal(header.topic, TOPIC)
    equal(header.storeHost, '10.0.0.1:10911')
    match(header.bornHost, /^10\.0\.0\.3:\d+$/)
    ok(header.storeTimestamp > 0)
    const pushed = parseProperties(header.properties ?? '')
    equal(pushed.get(MessageConst.CORRELATION_ID), 'c7')
    ok(Number(pushed.get(MessageConst.PUSH_REPLY_TIME)) > 0)
  }
  const stored = await allOf(world, replier, TOPIC)
  deepEqual(
    stored.map(({ body }) => Buffer.from(body).toString()),
    ['answer 324', 'answer 325'],
  )
  equal(stored[0]!.properties.get(MessageConst.CORRELATION_ID), 'c7')
})

test('who replies to nobody, or to one who is not there or does not take it, is told', async () => {
  const cases: [string | null, RegExp][] = [
    [null, /^reply message properties\[REPLY_TO_CLIENT\] is null$/],
    ['nobody', /^push reply message fail, channel of <nobody> not found\.$/],
  ]
  for (const [to, remark] of cases) {
    const answer = await reply(to, 'x')
    equal(answer.code, ResponseCode.SYSTEM_ERROR)
    match(answer.remark ?? '', remark)
  }
  answerCode = ResponseCode.SYSTEM_ERROR
  const answer = await reply('asker@1', 'x')
  answerCode = ResponseCode.SUCCESS
  equal(answer.code, ResponseCode.SYSTEM_ERROR)
  match(answer.remark ?? '', /^push reply message to asker@1 fail\.$/)
})

test('a requester is found while it is in any group, and not after it has gone', async () => {
  const client = world.client('10.0.0.5')
  await beat(client, 'asker@2', 'q')
  const { producers } = world.broker!.services!
  const { connection } = producers.findChannel('asker@2')!
  producers.unregister('p', connection)
  equal(producers.findChannel('asker@2')?.connection, connection)
  await world.settle(client.close())
  await world.pass(100)
  equal(producers.findChannel('asker@2'), undefined)
  match((await reply('asker@2', 'x')).remark ?? '', /not found/)
})

test('a reply to a topic that does not exist or has not that queue is checked as a send', async () => {
  const { topics } = world.broker!.services!
  equal(
    (await reply('asker@1', 'x', RequestCode.SEND_REPLY_MESSAGE_V2, { queueId: 9 })).code,
    ResponseCode.INVALID_PARAMETER,
  )
  const changes = { topic: 'other_REPLY_TOPIC', defaultTopic: 'nope' }
  const refused = await reply('asker@1', 'x', RequestCode.SEND_REPLY_MESSAGE_V2, changes)
  equal(refused.code, ResponseCode.TOPIC_NOT_EXIST)
  equal(topics.select('other_REPLY_TOPIC'), undefined)
})

test('with storeReplyMessageEnable=false a reply is handed on and not stored', async () => {
  const { config } = world.broker!
  config.update(new Map([['storeReplyMessageEnable', 'false']]))
  const count = (await allOf(world, replier, TOPIC)).length
  const answer = await reply('asker@1', 'only you')
  equal(answer.code, ResponseCode.SUCCESS)
  equal(answer.fields.get('msgId'), '0')
  equal((await allOf(world, replier, TOPIC)).length, count)
  equal(got.at(-1)!.body, 'only you')
  config.update(new Map([['storeReplyMessageEnable', 'true']]))
})
