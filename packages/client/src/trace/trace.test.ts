import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { test } from 'node:test'
import { SystemTopic } from '@apogee/protocol'
import { silentLogger } from '@apogee/remoting'
import { startProducer } from '../producer/start-producer.ts'
import { ClientWorld } from '../testing/client-world.ts'
import { messagesIn } from '../testing/stored-messages.ts'
import { ConsumeTrace } from './consume-trace.ts'
import { startTrace } from './start-trace.ts'
import {
  TRACE_QUEUE_MAX,
  TRACE_RECORDS_MAX,
  TRACE_TEXT_MAX,
  TraceDispatcher,
} from './trace-dispatcher.ts'

const SEED = 555

async function make(seed: number) {
  const world = new ClientWorld(seed, { values: { traceTopicEnable: true } })
  await world.start()
  const client = world.client(1)
  await world.createTopic(client, 'T')
  const records = async () => {
    const found = await messagesIn(world, client, SystemTopic.TRACE)
    return found.flatMap(({ body, properties }) =>
      body
        .toString()
        .split('\x02')
        .filter((record) => record !== '')
        .map((record) => ({ fields: record.split('\x01'), keys: properties.get('KEYS') ?? '' })),
    )
  }
  return { world, client, records }
}

test('what a producer sent can be read from the trace topic, and is found by id and key', async () => {
  const { world, client, records } = await make(SEED)
  const producer = await world.settle(startProducer(client, { group: 'P', trace: true }))
  const message = { topic: 'T', body: 'hello', tag: 'a', keys: ['k1', 'k2'] }
  const result = await world.settle(producer.send(message))
  const [delayed] = await world.settle(
    producer.send([{ topic: 'T', body: 'later', delayLevel: 1 }]),
  )
  await world.settle(producer.close())
  const found = await records()
  assert.equal(found.length, 2, 'the messages about messages are not traced')
  const first = found.find(({ fields }) => fields[5] === result.messageId)!
  const [type, time, ...rest] = first.fields
  assert.equal(type, 'Pub')
  assert(Math.abs(Number(time) - world.world.clock.wallMs()) < 60_000)
  assert.deepEqual(rest.slice(0, 8), [
    'DefaultRegion',
    'P',
    'T',
    result.messageId,
    'a',
    'k1 k2',
    '10.0.0.1:10911',
    '5',
  ])
  assert.deepEqual(rest.slice(9), ['0', result.offsetMessageId, 'true'])
  for (const key of [result.messageId, 'k1', 'k2']) assert(first.keys.split(' ').includes(key))
  const second = found.find(({ fields }) => fields[5] === delayed!.messageId)!
  assert.equal(second.fields[11], '3', 'a delayed message')
})

test('a consumption has a record before and one after, tied by their request id', async () => {
  const { world, client, records } = await make(SEED + 1)
  const producer = await world.settle(startProducer(client, { group: 'P' }))
  await world.settle(producer.send({ topic: 'T', body: 'x', keys: 'k' }))
  const [stored] = await messagesIn(world, client, 'T')
  const trace = new ConsumeTrace(client, 'C', startTrace(client, true)!)
  const span = trace.before([stored!.received])
  await world.pass(40)
  trace.after(span, 'threw')
  await world.settle(trace.flush())
  const found = await records()
  const before = found.find(({ fields }) => fields[0] === 'SubBefore')!.fields
  const after = found.find(({ fields }) => fields[0] === 'SubAfter')!.fields
  const { messageId } = stored!.received
  assert.deepEqual(before.slice(2), ['DefaultRegion', 'C', before[4], messageId, '0', 'k'])
  assert.deepEqual(after.slice(1, 7), [before[4], messageId, '40', 'false', 'k', '2'])
  assert.equal(after[8], 'C')
})

test('records travel in messages of limited size, and more than the queue holds are dropped', async () => {
  const world = new ClientWorld(SEED + 2)
  const env = world.clientEnv(1)
  const sent: { body: string; release(): void }[] = []
  const send = (body: string): Promise<void> =>
    new Promise((resolve) => sent.push({ body, release: resolve }))
  const dispatcher = new TraceDispatcher({ env, log: silentLogger, send })
  const record = (size: number) => ({ text: `${'x'.repeat(size)}\x02`, keys: [] })
  for (let i = 0; i < TRACE_RECORDS_MAX; i++) dispatcher.add(record(10))
  assert.equal(sent.length, 1)
  dispatcher.add(record(TRACE_TEXT_MAX - 100))
  dispatcher.add(record(200))
  await world.pass(600)
  assert.deepEqual(
    sent.slice(1).map(({ body }) => body.length),
    [TRACE_TEXT_MAX - 99, 201],
  )
  for (let i = 0; i < TRACE_QUEUE_MAX * 2; i++) dispatcher.add(record(1))
  assert(dispatcher.dropped > 0 && dispatcher.dropped < TRACE_QUEUE_MAX)
  const flushed = dispatcher.flush()
  const timer = setInterval(() => {
    for (const message of sent) message.release()
  })
  await flushed
  clearInterval(timer)
  const records = sent.reduce((sum, { body }) => sum + body.split('\x02').length - 1, 0)
  assert.equal(records + dispatcher.dropped, TRACE_RECORDS_MAX + 2 + TRACE_QUEUE_MAX * 2)
})

test('subscribers of rocketmq:send see every send with its outcome', async () => {
  const { world, client } = await make(SEED + 3)
  const producer = await world.settle(startProducer(client, { group: 'P' }))
  const seen: string[] = []
  const started = (context: unknown): void => {
    seen.push(`start ${(context as { topic: string }).topic}`)
  }
  const ended = (context: unknown): void => {
    seen.push(`end ${(context as { result?: { status: string } }).result?.status}`)
  }
  subscribe('tracing:rocketmq:send:start', started)
  subscribe('tracing:rocketmq:send:asyncEnd', ended)
  await world.settle(producer.send({ topic: 'T', body: 'x' }))
  unsubscribe('tracing:rocketmq:send:start', started)
  unsubscribe('tracing:rocketmq:send:asyncEnd', ended)
  await world.settle(producer.send({ topic: 'T', body: 'x' }))
  assert.deepEqual(seen, ['start T', 'end SEND_OK'])
})
