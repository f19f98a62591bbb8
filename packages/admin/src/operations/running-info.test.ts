import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseRunningInfo } from './running-info.ts'

function parse(text: string): ReturnType<typeof parseRunningInfo> {
  return parseRunningInfo(Buffer.from(text), 'c', 'b:1')
}

/** What a Java consumer of 5.x says, in fastjson's form: keys of maps are objects. */
const JAVA = `{
  "jstack":"",
  "mqPopTable":{{"brokerName":"a","queueId":3,"topic":"pop"}:{"droped":false,"lastPopTimestamp":9,"waitAckCount":2}},
  "mqTable":{{"brokerName":"a","queueId":1,"topic":"orders"}:{"cachedMsgCount":4,"cachedMsgMaxOffset":13,
    "cachedMsgMinOffset":10,"cachedMsgSizeInMiB":0,"commitOffset":10,"droped":false,"lastConsumeTimestamp":8,
    "lastLockTimestamp":0,"lastPullTimestamp":7,"locked":true,"transactionMsgCount":0,"tryUnlockTimes":0}},
  "properties":{"PROP_CONSUME_TYPE":"CONSUME_PASSIVELY","PROP_CONSUMER_START_TIMESTAMP":"1700000000000","n":5},
  "statusTable":{"orders":{"consumeFailedMsgs":2,"consumeFailedTPS":0.1,"consumeOKTPS":3.5,"consumeRT":12.5,
    "pullRT":1.5,"pullTPS":2.0}},
  "subscriptionSet":[{"classFilterMode":false,"codeSet":[],"expressionType":"TAG","subString":"red",
    "subVersion":1700000000001,"tagsSet":["red"],"topic":"orders"}],
  "userConsumerInfo":{}
}`

test('the running info of a Java consumer is read with every part that is used', () => {
  const info = parse(JAVA)
  assert.deepEqual(info.queues[0], {
    topic: 'orders',
    brokerName: 'a',
    queueId: 1,
    commitOffset: 10,
    cachedMessages: 4,
    cachedMinOffset: 10,
    cachedMaxOffset: 13,
    isLocked: true,
    isDropped: false,
    lastPullMs: 7,
    lastConsumeMs: 8,
  })
  assert.deepEqual(
    info.queues.slice(1).map((one) => [one.topic, one.queueId, one.cachedMessages, one.lastPullMs]),
    [['pop', 3, 2, 9]],
  )
  assert.deepEqual(info.topics, [
    {
      topic: 'orders',
      pullRtMs: 1.5,
      pullTps: 2,
      consumeRtMs: 12.5,
      okTps: 3.5,
      failedTps: 0.1,
      failedMessages: 2,
    },
  ])
  const subscription = { topic: 'orders', expressionType: 'TAG', expression: 'red' }
  assert.deepEqual(info.subscriptions, [{ ...subscription, subVersion: 1700000000001 }])
  assert.equal(info.properties.get('n'), '5')
  assert.equal(info.jstack, null)
})

test('keys of maps may be the JSON text of a queue, as other languages write them', () => {
  const key = JSON.stringify(JSON.stringify({ topic: 't', brokerName: 'b', queueId: 2 }))
  const [queue] = parse(`{"mqTable":{${key}:{"droped":true}}}`).queues
  assert.deepEqual(
    [queue?.topic, queue?.brokerName, queue?.queueId, queue?.isDropped],
    ['t', 'b', 2, true],
  )
})

test('what a client leaves out or gets wrong is empty, and never fails the rest', () => {
  const empty = {
    clientId: 'c',
    properties: new Map(),
    subscriptions: [],
    queues: [],
    topics: [],
    jstack: null,
  }
  for (const text of [
    '',
    '{}',
    '{"mqTable":[],"subscriptionSet":{},"statusTable":3,"properties":null}',
  ]) {
    assert.deepEqual(parse(text), empty, text)
  }
  const [topic] = parse('{"statusTable":{"t":null}}').topics
  assert.equal(topic?.consumeRtMs, 0)
  assert.throws(() => parse('[]'), { code: 'ADMIN_ANSWER_INVALID' })
  assert.throws(() => parse('{'), { code: 'ADMIN_ANSWER_INVALID', address: 'b:1' })
})
