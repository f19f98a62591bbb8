import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ConnectedClient } from '../operations/client-operations.ts'
import type { QueueLag } from '../operations/group-operations.ts'
import type { OwnedQueue, RunningInfo } from '../operations/running-info.ts'
import { diagnose } from './diagnose.ts'
import type { Finding, GroupSnapshot } from './snapshot.ts'

const TAKEN_MS = 1_700_000_000_000

function client(clientId: string): ConnectedClient {
  return { clientId, clientAddr: '10.0.0.7:5000', language: 'JAVA', version: 479, brokers: ['b'] }
}

function owned(queueId: number, more: Partial<OwnedQueue> = {}): OwnedQueue {
  return {
    topic: 'orders',
    brokerName: 'a',
    queueId,
    commitOffset: 0,
    cachedMessages: 0,
    cachedMinOffset: 0,
    cachedMaxOffset: 0,
    isLocked: false,
    isDropped: false,
    lastPullMs: TAKEN_MS,
    lastConsumeMs: TAKEN_MS,
    ...more,
  }
}

function running(
  clientId: string,
  queues: readonly OwnedQueue[],
  more: Partial<RunningInfo> = {},
): RunningInfo {
  return {
    clientId,
    properties: new Map(),
    subscriptions: [{ topic: 'orders', expressionType: 'TAG', expression: '*', subVersion: 1 }],
    queues,
    topics: [
      {
        topic: 'orders',
        pullRtMs: 1,
        pullTps: 1,
        consumeRtMs: 5,
        okTps: 10,
        failedTps: 0,
        failedMessages: 0,
      },
    ],
    jstack: null,
    ...more,
  }
}

function lag(queueId: number, consumerOffset: number, brokerOffset = 100): QueueLag {
  return {
    topic: 'orders',
    brokerName: 'a',
    queueId,
    brokerOffset,
    consumerOffset,
    lag: brokerOffset - consumerOffset,
    inflight: 0,
    lastConsumedMs: TAKEN_MS,
  }
}

/** Two queues, two members, one queue each. */
function snapshot(consumed: number, more: Partial<GroupSnapshot> = {}): GroupSnapshot {
  const queues = [0, 1].map((queueId) => ({
    topic: 'orders',
    brokerName: 'a',
    queueId,
    minOffset: 0,
    maxOffset: 100,
    lastUpdateMs: TAKEN_MS,
  }))
  return {
    group: 'billing',
    takenMs: TAKEN_MS,
    clients: [client('one'), client('two')],
    isBroadcasting: false,
    switches: [{ brokerName: 'a', consumeEnable: true }],
    topics: [
      {
        topic: 'orders',
        routedBrokers: ['a'],
        configuredBrokers: ['a'],
        readableQueues: [0, 1].map((queueId) => ({ brokerName: 'a', queueId })),
        queues,
      },
    ],
    lags: [lag(0, consumed), lag(1, consumed)],
    running: [running('one', [owned(0)]), running('two', [owned(1)])],
    retryMessages: null,
    dlqMessages: null,
    problems: [],
    ...more,
  }
}

/** What is found when the group moved from 10 to 20 and is otherwise as `more` says. */
function found(more: Partial<GroupSnapshot>, first: Partial<GroupSnapshot> = more): Finding[] {
  const later = { takenMs: TAKEN_MS + 6_000, ...more }
  return diagnose(snapshot(10, first), snapshot(20, later))
}

function codes(findings: readonly Finding[]): string[] {
  return findings.map(({ code }) => code)
}

test('a group that works off its lag has nothing wrong', () => {
  assert.deepEqual(found({}), [])
})

test('a group without consumers is told once, without what follows from it', () => {
  const idle = { clients: [], running: [], lags: [lag(0, 10), lag(1, 10)] }
  const findings = found(idle)
  assert.deepEqual(codes(findings), ['NO_CONSUMER'])
  assert.equal(findings[0]!.severity, 'error')
})

test('a group that a broker does not let consume is named with the broker', () => {
  const findings = found({ switches: [{ brokerName: 'a', consumeEnable: false }] })
  assert.deepEqual(codes(findings), ['CONSUME_DISABLED'])
  assert.equal(findings[0]!.brokerName, 'a')
})

test('of members that subscribe differently the odd one is named, with the topic', () => {
  const odd = {
    subscriptions: [{ topic: 'orders', expressionType: 'TAG', expression: 'red', subVersion: 1 }],
  }
  const clients = ['one', 'two', 'three'].map(client)
  const members = [
    running('one', [owned(0)]),
    running('two', [owned(1)]),
    running('three', [], odd),
  ]
  const findings = found({ clients, running: members })
  assert.deepEqual(codes(findings), ['SUBSCRIPTION_MISMATCH'])
  assert.equal(findings[0]!.clientId, 'three')
  assert.equal(findings[0]!.topic, 'orders')
  assert.match(findings[0]!.message, /"red".*"\*"/)
})

test('a member that does not subscribe a topic of the others is named', () => {
  const members = [running('one', [owned(0), owned(1)]), running('two', [], { subscriptions: [] })]
  const findings = found({ running: members })
  assert.deepEqual(codes(findings), ['SUBSCRIPTION_MISMATCH'])
  assert.equal(findings[0]!.clientId, 'two')
})

test('the order of tags and the retry topic make no difference between members', () => {
  const says = (expression: string): Partial<RunningInfo> => ({
    subscriptions: [
      { topic: 'orders', expressionType: 'TAG', expression, subVersion: 1 },
      { topic: '%RETRY%billing', expressionType: 'TAG', expression: expression, subVersion: 1 },
    ],
  })
  const members = [
    running('one', [owned(0)], says('a || b')),
    running('two', [owned(1)], says('b||a')),
  ]
  assert.deepEqual(found({ running: members }), [])
})

test('a queue that no member has is named, but not while a member is silent', () => {
  const members = [running('one', [owned(0)]), running('two', [])]
  const findings = found({ running: members })
  assert.deepEqual(codes(findings), ['QUEUE_WITHOUT_OWNER'])
  assert.equal(findings[0]!.queueId, 1)
  assert.match(findings[0]!.message, /80 messages wait/)
  assert.deepEqual(codes(found({ running: [members[0]!] })), ['CLIENT_SILENT'])
})

test('a queue without an owner that stands still is told once', () => {
  const members = [running('one', [owned(0)]), running('two', [])]
  const stands = { running: members, lags: [lag(0, 20), lag(1, 10)] }
  assert.deepEqual(codes(found(stands, { ...stands, lags: [lag(0, 10), lag(1, 10)] })), [
    'QUEUE_WITHOUT_OWNER',
  ])
})

test('broadcasting members all have every queue, and nothing is wrong with that', () => {
  const members = [running('one', [owned(0), owned(1)]), running('two', [owned(0), owned(1)])]
  assert.deepEqual(codes(found({ running: members })), ['QUEUE_OWNED_TWICE', 'QUEUE_OWNED_TWICE'])
  assert.deepEqual(found({ running: members, isBroadcasting: true }), [])
})

test('a queue that two members have is named with both; one that a member is giving up is not', () => {
  const both = [running('one', [owned(0)]), running('two', [owned(0), owned(1)])]
  const findings = found({ running: both })
  assert.deepEqual(codes(findings), ['QUEUE_OWNED_TWICE'])
  assert.match(findings[0]!.message, /one and two/)
  const leaving = [
    running('one', [owned(0)]),
    running('two', [owned(0, { isDropped: true }), owned(1)]),
  ]
  assert.deepEqual(found({ running: leaving }), [])
})

test('a queue that does not move while messages wait is named with its member', () => {
  const later = { lags: [lag(0, 10), lag(1, 20)] }
  const findings = found(later, {})
  assert.deepEqual(codes(findings), ['QUEUE_STUCK'])
  const { clientId, queueId, brokerName, topic, message } = findings[0]!
  assert.deepEqual([clientId, queueId, brokerName, topic], ['one', 0, 'a', 'orders'])
  assert.match(message, /offset 10 in 6 s while 90 messages wait/)
})

test('a stuck queue with messages at the client points to its handler, an unpulled one to its connection', () => {
  const stands = { lags: [lag(0, 10), lag(1, 20)] }
  const full = [running('one', [owned(0, { cachedMessages: 32 })]), running('two', [owned(1)])]
  assert.match(found({ ...stands, running: full }, {})[0]!.message, /handler hangs/)
  const silent = [
    running('one', [owned(0, { lastPullMs: TAKEN_MS - 120_000 })]),
    running('two', [owned(1)]),
  ]
  assert.match(found({ ...stands, running: silent }, {})[0]!.message, /not pulled for 126 s/)
})

test('a queue at its end that does not move is not stuck', () => {
  const done = { lags: [lag(0, 100), lag(1, 100)] }
  assert.deepEqual(found(done), [])
})

test('a member that does not tell what it does is named with the reason', () => {
  const problems = [
    { target: 'two', code: 'ADMIN_REFUSED', message: 'timed out', retriable: false },
  ]
  const findings = found({ running: [running('one', [owned(0)])], problems })
  assert.deepEqual(codes(findings), ['CLIENT_SILENT'])
  assert.match(findings[0]!.message, /timed out/)
})

test('a slow handler is named with its member and topic', () => {
  const slow = {
    topics: [
      {
        topic: 'orders',
        pullRtMs: 1,
        pullTps: 1,
        consumeRtMs: 2_500,
        okTps: 0.4,
        failedTps: 0,
        failedMessages: 0,
      },
    ],
  }
  const findings = found({
    running: [running('one', [owned(0)], slow), running('two', [owned(1)])],
  })
  assert.deepEqual(codes(findings), ['SLOW_HANDLER'])
  assert.match(findings[0]!.message, /client one takes 2500 ms/)
  const patient = diagnose(
    snapshot(10),
    snapshot(20, { running: [running('one', [owned(0)], slow), running('two', [owned(1)])] }),
    { slowHandlerMs: 3_000 },
  )
  assert.deepEqual(patient, [])
})

test('a handler that fails for most messages is named', () => {
  const fails = {
    topics: [
      {
        topic: 'orders',
        pullRtMs: 1,
        pullTps: 1,
        consumeRtMs: 5,
        okTps: 1,
        failedTps: 4,
        failedMessages: 40,
      },
    ],
  }
  const findings = found({
    running: [running('one', [owned(0)], fails), running('two', [owned(1)])],
  })
  assert.deepEqual(codes(findings), ['FAILING_HANDLER'])
})

test('messages that come back or die meanwhile are counted', () => {
  const findings = found(
    { retryMessages: 7, dlqMessages: 2 },
    { retryMessages: 4, dlqMessages: null },
  )
  assert.deepEqual(codes(findings).sort(), ['DLQ_GROWS', 'RETRY_GROWS'])
  const [retry, dlq] = ['RETRY_GROWS', 'DLQ_GROWS'].map(
    (code) => findings.find((one) => one.code === code)!,
  )
  assert.match(retry!.message, /^3 messages/)
  assert.match(dlq!.message, /^2 messages/)
  assert.deepEqual(found({ retryMessages: 7, dlqMessages: 2 }), [], 'old ones are no news')
})

test('an offset beyond the end of its queue is an error, one before its beginning a loss', () => {
  const beyond = { lags: [lag(0, 150), lag(1, 20)] }
  const findings = found(beyond, { lags: [lag(0, 149), lag(1, 10)] })
  assert.deepEqual(codes(findings), ['OFFSET_OUT_OF_RANGE'])
  assert.equal(findings[0]!.severity, 'error')
  const [read] = snapshot(0).topics
  const topics = [{ ...read!, queues: read!.queues.map((queue) => ({ ...queue, minOffset: 50 })) }]
  const lost = found({ topics })
  assert.deepEqual(
    lost.map(({ code, severity }) => [code, severity]),
    [
      ['OFFSET_OUT_OF_RANGE', 'warning'],
      ['OFFSET_OUT_OF_RANGE', 'warning'],
    ],
  )
  assert.match(lost[0]!.message, /30 messages expired/)
})

test('a broker that has the topic but is in no route is named', () => {
  const [read] = snapshot(0).topics
  const topics = [{ ...read!, configuredBrokers: ['a', 'b'] }]
  const findings = found({ topics })
  assert.deepEqual(codes(findings), ['BROKER_NOT_IN_ROUTE'])
  assert.equal(findings[0]!.brokerName, 'b')
})

test('a broker that does not answer is named', () => {
  const problems = [
    {
      target: '10.0.0.2:10911',
      code: 'ADMIN_BROKER_UNREACHABLE',
      message: 'no answer',
      retriable: true,
    },
  ]
  assert.deepEqual(codes(found({ problems })), ['BROKER_UNREACHABLE'])
})

test('lag that grows although every queue moves is told with both rates', () => {
  const later = { lags: [lag(0, 20, 200), lag(1, 20, 200)] }
  const findings = found(later, {})
  assert.deepEqual(codes(findings), ['LAG_GROWS'])
  assert.match(findings[0]!.message, /33\.3 against 3\.3 a second; 360 wait/)
})

test('lag that grows because nothing moves is no matter of speed', () => {
  const later = { lags: [lag(0, 10, 200), lag(1, 10, 200)] }
  assert.deepEqual(codes(found(later, {})), ['QUEUE_STUCK', 'QUEUE_STUCK'])
})

test('several causes come worst first', () => {
  const slow = {
    topics: [
      {
        topic: 'orders',
        pullRtMs: 1,
        pullTps: 1,
        consumeRtMs: 2_500,
        okTps: 1,
        failedTps: 0,
        failedMessages: 0,
      },
    ],
  }
  const more = {
    switches: [{ brokerName: 'a', consumeEnable: false }],
    running: [running('one', [owned(0)], slow), running('two', [owned(1)])],
    lags: [lag(0, 10), lag(1, 20)],
  }
  assert.deepEqual(codes(found(more, {})), ['CONSUME_DISABLED', 'QUEUE_STUCK', 'SLOW_HANDLER'])
})
