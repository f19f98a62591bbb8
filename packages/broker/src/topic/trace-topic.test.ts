import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { ResponseCode, SystemTopic } from '@apogee/protocol'
import { BrokerWorld } from '../testing/broker-world.ts'
import { textsOf } from '../testing/requests.ts'

const SEED = 77

test('traceTopicEnable makes the trace topic with one queue, which clients write to and read from', async () => {
  for (const msgTraceTopicName of [SystemTopic.TRACE, 'own_trace']) {
    const world = new BrokerWorld(SEED, { traceTopicEnable: true, msgTraceTopicName })
    const broker = await world.start()
    const { topics } = broker.services!
    equal(topics.select(msgTraceTopicName)?.writeQueueNums, 1)
    equal(topics.isSystemTopic(msgTraceTopicName), true)
    const client = world.client('10.0.0.2')
    equal((await world.send(client, msgTraceTopicName, 'trace')).code, ResponseCode.SUCCESS)
    deepEqual(textsOf(await world.pull(client, 'g', msgTraceTopicName)), ['trace'])
  }
})

test('without it the first trace makes the topic as any send does, if topics may be made so', async () => {
  const world = new BrokerWorld(SEED)
  const broker = await world.start()
  const { topics } = broker.services!
  equal(topics.select(SystemTopic.TRACE), undefined)
  const client = world.client('10.0.0.2')
  equal((await world.send(client, SystemTopic.TRACE, 'trace')).code, ResponseCode.SUCCESS)
  equal(topics.select(SystemTopic.TRACE)?.writeQueueNums, 4)

  const strict = new BrokerWorld(SEED, { autoCreateTopicEnable: false })
  await strict.start()
  const refused = await strict.send(strict.client('10.0.0.2'), SystemTopic.TRACE, 'trace')
  equal(refused.code, ResponseCode.TOPIC_NOT_EXIST)
})
