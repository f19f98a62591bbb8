import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RequestCode } from '@apogee/protocol'
import { ErrorCode, PartialSendError, type RocketMQError } from '../api/errors.ts'
import type { SendResult } from '../api/message.ts'
import { brokerHost, ClientWorld, clientHost } from '../testing/client-world.ts'
import { hasCode, startedProducer } from '../testing/started-producer.ts'
import { messagesIn } from '../testing/stored-messages.ts'
import { startProducer } from './start-producer.ts'

const SEED = 90_210

test('messages in flight together are stored, each with its properties, and queues take turns', async () => {
  const { world, client, producer } = await startedProducer(SEED)
  const sends = Array.from({ length: 8 }, (_, i) =>
    producer.send({
      topic: 'T',
      body: `body ${i}`,
      tag: 'created',
      keys: ['k1', `k${i}`],
      properties: { region: 'eu', name: 'Zoë' },
      flag: 7,
    }),
  )
  const results = await world.settle(Promise.all(sends))
  const perQueue = results.map(({ queue }) => queue.queueId).sort((a, b) => a - b)
  assert.deepEqual(perQueue, [0, 0, 1, 1, 2, 2, 3, 3])
  assert(results.every(({ status }) => status === 'SEND_OK'))
  assert(results.every(({ regionId }) => regionId === 'DefaultRegion'))
  const stored = await messagesIn(world, client, 'T')
  assert.equal(stored.length, 8)
  for (const [i, result] of results.entries()) {
    const message = stored.find(({ properties }) => properties.get('UNIQ_KEY') === result.messageId)
    assert(message, result.messageId)
    assert.equal(message.queueOffset, result.queueOffset)
    assert.equal(message.body.toString(), `body ${i}`)
    assert.equal(message.flag, 7)
    assert.equal(message.properties.get('TAGS'), 'created')
    assert.equal(message.properties.get('KEYS'), `k1 k${i}`)
    assert.equal(message.properties.get('region'), 'eu')
    assert.equal(message.properties.get('name'), 'Zoë')
  }
  await world.settle(producer.close())
})

test('JSON headers and signed requests carry the same message', async () => {
  const world = new ClientWorld(SEED + 1)
  await world.start()
  const signed = { credentials: { accessKey: 'A', secretKey: 'S', securityToken: 'T' } }
  for (const [i, options] of [{ headers: 'json' as const }, signed].entries()) {
    const client = world.client(i + 1, options)
    await world.createTopic(client, 'T')
    const producer = await world.settle(startProducer(client, {}))
    await world.settle(producer.send({ topic: 'T', body: 'x', tag: `t${i}`, flag: 3 }))
  }
  const stored = await messagesIn(world, world.client(9), 'T')
  const tags = stored.map(({ properties }) => properties.get('TAGS') ?? '')
  assert.deepEqual(tags.sort(), ['t0', 't1'])
  assert(stored.every(({ flag }) => flag === 3))
})

test('a topic that nobody knows is made by the broker, and sends stay possible', async () => {
  const { world, client, producer } = await startedProducer(SEED + 2)
  const result = await world.settle(producer.send({ topic: 'Fresh', body: 'x' }))
  assert.equal(result.status, 'SEND_OK')
  await world.settle(producer.send({ topic: 'Fresh', body: 'y' }))
  await world.pass(2_000)
  assert.equal((await world.settle(client.routes.get('Fresh'))).publishQueues.length, 4)
  const strict = await world.settle(startProducer(client, { group: 'G', createTopics: false }))
  const unknown = strict.send({ topic: 'Other', body: 'x' })
  await assert.rejects(world.settle(unknown), hasCode(ErrorCode.TOPIC_NOT_FOUND))
})

test('a batch is split at maxBatchSize and gives one result for each message, in order', async () => {
  const producer = { maxBatchSize: 1_000 }
  const made = await startedProducer(SEED + 3, { producer })
  const { world, client } = made
  await world.createTopic(client, 'U')
  const messages = Array.from({ length: 20 }, (_, i) => ({
    topic: i % 5 === 0 ? 'U' : 'T',
    body: Buffer.alloc(150, i),
    keys: `k${i}`,
  }))
  const results = await world.settle(made.producer.send(messages))
  assert.equal(results.length, 20)
  const stored = [
    ...(await messagesIn(world, client, 'T')),
    ...(await messagesIn(world, client, 'U')),
  ]
  assert.equal(stored.length, 20)
  for (const [i, result] of results.entries()) {
    const message = stored.find(
      ({ properties }) => properties.get('UNIQ_KEY') === result.messageId,
    )!
    assert.equal(message.properties.get('KEYS'), `k${i}`)
    assert.equal(message.topic, messages[i]!.topic)
    assert.equal(message.queueOffset, result.queueOffset)
    assert.equal(result.offsetMessageId.length, 32)
  }
  assert.equal(new Set(results.map(({ offsetMessageId }) => offsetMessageId)).size, 20)
})

test('a batch of which one topic cannot be stored says which messages are', async () => {
  const { world, producer } = await startedProducer(SEED + 4, { producer: { createTopics: false } })
  const sent = producer.send([
    { topic: 'T', body: 'a' },
    { topic: 'Nowhere', body: 'b' },
    { topic: 'T', body: 'c' },
  ])
  await assert.rejects(world.settle(sent), (error) => {
    assert(error instanceof PartialSendError)
    assert.equal(error.code, ErrorCode.SEND_FAILED)
    const [a, b, c] = error.results
    assert.equal((a as SendResult).status, 'SEND_OK')
    assert.equal((b as RocketMQError).code, ErrorCode.TOPIC_NOT_FOUND)
    assert.equal((c as SendResult).queueOffset, 1)
    return true
  })
})

test('equal sharding keys go to the queue that Java would take', async () => {
  const { world, producer } = await startedProducer(SEED + 5)
  for (const key of ['order-1', 'order-2', 'Kunde ß', '']) {
    if (key === '') continue
    const results = await world.settle(
      Promise.all(
        [1, 2, 3].map(() => producer.send({ topic: 'T', body: key }, { shardingKey: key })),
      ),
    )
    let hash = 0
    for (const c of key) hash = (hash * 31 + c.charCodeAt(0)) | 0
    for (const { queue } of results) assert.equal(queue.queueId, Math.abs(hash % 4))
  }
  const chosen = await world.settle(
    producer.send({ topic: 'T', body: 'x' }, { queue: (queues) => queues[2]! }),
  )
  assert.equal(chosen.queue.queueId, 2)
})

test('long bodies are compressed and can be read by who knows the flags', async () => {
  const { world, client } = await startedProducer(SEED + 6)
  const types = ['zlib', 'lz4', 'zstd'] as const
  const body = 'abcdefgh'.repeat(1_000)
  for (const type of types) {
    const producer = await world.settle(startProducer(client, { group: type, compress: { type } }))
    await world.settle(producer.send({ topic: 'T', body, tag: type }))
    await world.settle(producer.send({ topic: 'T', body: 'short', tag: type }))
  }
  const stored = await messagesIn(world, client, 'T')
  const long = stored.filter(({ plain }) => plain.length === body.length)
  assert.equal(long.length, 3)
  assert(long.every(({ plain, body: raw }) => plain.toString() === body && raw.length < 500))
  assert.equal(stored.filter(({ plain }) => plain.toString() === 'short').length, 3)
})

test('what can never be sent is refused before it is', async () => {
  const { world, producer } = await startedProducer(SEED + 7, {
    producer: { maxMessageSize: 1_000 },
  })
  const bad: [object, ErrorCode][] = [
    [{ topic: 'a b', body: 'x' }, ErrorCode.INVALID_ARGUMENT],
    [{ topic: 'SCHEDULE_TOPIC_XXXX', body: 'x' }, ErrorCode.INVALID_ARGUMENT],
    [{ topic: 'T', body: '' }, ErrorCode.INVALID_ARGUMENT],
    [{ topic: 'T', body: 5 }, ErrorCode.INVALID_ARGUMENT],
    [{ topic: 'T', body: 'x', properties: { KEYS: 'x' } }, ErrorCode.INVALID_ARGUMENT],
    [{ topic: 'T', body: 'x', properties: { x: 'a\x02' } }, ErrorCode.INVALID_ARGUMENT],
    [{ topic: 'T', body: 'x', keys: 'a b' }, ErrorCode.INVALID_ARGUMENT],
    [{ topic: 'T', body: 'x', tag: 'a||b' }, ErrorCode.INVALID_ARGUMENT],
    [{ topic: 'T', body: 'x', delayLevel: 3, delayMs: 3 }, ErrorCode.INVALID_ARGUMENT],
    [{ topic: 'T', body: 'x', delayLevel: 19 }, ErrorCode.INVALID_ARGUMENT],
    [{ topic: 'T', body: Buffer.alloc(1_000) }, ErrorCode.MESSAGE_TOO_LARGE],
  ]
  for (const [message, code] of bad) {
    await assert.rejects(world.settle(producer.send(message as never)), hasCode(code))
  }
  const delayed = [
    { topic: 'T', body: 'x', delayLevel: 1 },
    { topic: 'T', body: 'x' },
  ]
  await assert.rejects(world.settle(producer.send(delayed)), hasCode(ErrorCode.INVALID_ARGUMENT))
})

test('close waits for what is in flight and takes no more', async () => {
  const { world, client, producer } = await startedProducer(SEED + 12)
  await world.settle(producer.send({ topic: 'T', body: '0' }))
  world.world.network.delay(brokerHost(1), clientHost(1), 700)
  let stored = 0
  for (let i = 1; i <= 3; i++) {
    void producer.send({ topic: 'T', body: `${i}` }).then(() => stored++)
  }
  producer.sendOneway({ topic: 'T', body: '4' })
  const closing = producer.close()
  await assert.rejects(producer.send({ topic: 'T', body: '5' }), hasCode(ErrorCode.CLOSED))
  await world.settle(closing)
  assert.equal(stored, 3)
  assert.equal((await messagesIn(world, client, 'T')).length, 5)
})

test('an aborted send rejects at once', async () => {
  const { world, producer } = await startedProducer(SEED + 13)
  const { signal } = new AbortController()
  await assert.rejects(
    producer.send({ topic: 'T', body: 'x' }, { signal: AbortSignal.abort('no') }),
    hasCode(ErrorCode.ABORTED),
  )
  await world.settle(producer.send({ topic: 'T', body: 'x' }, { signal }))
  const late = new AbortController()
  const sent = producer.send({ topic: 'T', body: 'x' }, { signal: late.signal })
  late.abort('changed my mind')
  await assert.rejects(sent, (error: RocketMQError) => error.cause === 'changed my mind')
})

test('one-way messages push back when the socket is full, and flushed() waits until it is not', async () => {
  const { world, client, producer } = await startedProducer(SEED + 14)
  const body = Buffer.alloc(100_000)
  let sent = 0
  while (producer.sendOneway({ topic: 'T', body }) && sent < 1_000) sent++
  sent++
  await world.settle(producer.flushed())
  for (; sent < 40; sent++) {
    if (!producer.sendOneway({ topic: 'T', body })) await world.settle(producer.flushed())
  }
  await world.settle(producer.flushed())
  await world.pass(1_000)
  assert.equal((await messagesIn(world, client, 'T')).length, sent)
})

test('a request gets the reply of a consumer on another client', async () => {
  const { world, client, producer } = await startedProducer(SEED + 16)
  const other = world.client(2)
  const replier = await world.settle(startProducer(other, { group: 'R' }))
  const asked = producer.request({ topic: 'T', body: 'ping', tag: 'q' }, { timeoutMs: 5_000 })
  await world.pass(100)
  const [question] = await messagesIn(world, other, 'T')
  const received = question!.received
  await world.settle(replier.reply(received, { body: 'pong', properties: { lang: 'ts' } }))
  const reply = await world.settle(asked)
  assert.equal(reply.body.toString(), 'pong')
  assert.equal(reply.properties['lang'], 'ts')
  const lost = producer.request({ topic: 'T', body: 'nobody' }, { timeoutMs: 1_000 })
  await assert.rejects(world.settle(lost), hasCode(ErrorCode.REQUEST_TIMEOUT))
  await world.settle(client.close())
})

test('producers that name no group share one, which brokers forget with the last of them', async () => {
  const { world, client, producer } = await startedProducer(SEED + 24)
  const second = await world.settle(startProducer(client, {}))
  const third = await world.settle(startProducer(client, {}))
  const unregistered: string[] = []
  const call = client.remote.call.bind(client.remote)
  client.remote.call = (address, request, timeoutMs) => {
    if (request.code === RequestCode.UNREGISTER_CLIENT) {
      unregistered.push(String(request.fields?.get('producerGroup')))
    }
    return call(address, request, timeoutMs)
  }
  await world.settle(producer.close())
  await world.settle(producer.close())
  await world.settle(third.close())
  await world.settle(second.send({ topic: 'T', body: 'x' }))
  assert.deepEqual(unregistered, [])
  await world.settle(second.close())
  assert.deepEqual(unregistered, [second.group])
  await world.settle(startProducer(client, { group: 'P' }))
  const again = startProducer(client, { group: 'P' })
  await assert.rejects(world.settle(again), hasCode(ErrorCode.INVALID_ARGUMENT))
})

test('names carry the namespace on the wire and not towards the user', async () => {
  const world = new ClientWorld(SEED + 17)
  await world.start()
  const client = world.client(1, { namespace: 'dev' })
  const producer = await world.settle(startProducer(client, { group: 'P' }))
  const result = await world.settle(producer.send({ topic: 'T', body: 'x' }))
  assert.equal(result.queue.topic, 'T')
  assert.equal((await messagesIn(world, client, 'dev%T')).length, 1)
})
