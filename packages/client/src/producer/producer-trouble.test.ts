import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ErrorCode, type RocketMQError } from '../api/errors.ts'
import { brokerHost, clientHost } from '../testing/client-world.ts'
import { hasCode, startedProducer } from '../testing/started-producer.ts'
import { messagesIn } from '../testing/stored-messages.ts'

const SEED = 90_210

test('while one of two masters is dead every message is stored, at the other', async () => {
  const { world, producer } = await startedProducer(SEED + 8, { brokers: 2 })
  await world.settle(producer.send({ topic: 'T', body: 'first' }))
  world.brokerMachine(1).kill()
  for (let i = 0; i < 40; i++) {
    const result = await world.settle(producer.send({ topic: 'T', body: `${i}` }), 4_000)
    assert.equal(result.queue.brokerName, 'broker-2')
    await world.pass(50)
  }
})

test('a master that is back gets its share again soon', async () => {
  const { world, producer } = await startedProducer(SEED + 18, { brokers: 2 })
  await world.settle(producer.send({ topic: 'T', body: 'first' }))
  world.brokerMachine(1).cutPower()
  await world.pass(12_000)
  for (let i = 0; i < 8; i++) {
    const { queue } = await world.settle(producer.send({ topic: 'T', body: 'x' }), 100)
    assert.equal(queue.brokerName, 'broker-2', 'found dead before anybody sent to it')
  }
  await world.startBroker(1)
  await world.pass(7_000)
  const results = await world.settle(
    Promise.all(Array.from({ length: 8 }, () => producer.send({ topic: 'T', body: 'x' }))),
  )
  assert.equal(results.filter(({ queue }) => queue.brokerName === 'broker-1').length, 4)
})

test('acknowledged messages outlive kills of their broker', async () => {
  const { world, client, producer } = await startedProducer(SEED + 9, {
    producer: { timeoutMs: 10_000, retries: 10 },
  })
  const acknowledged: string[] = []
  let isSending = true
  const loop = async (number: number): Promise<void> => {
    for (let i = 0; isSending; i++) {
      const key = `${number}-${i}`
      await producer.send({ topic: 'T', body: key, keys: key }).then(
        () => acknowledged.push(key),
        () => undefined,
      )
    }
  }
  const loops = [1, 2, 3, 4].map((number) => loop(number))
  for (let round = 0; round < 3; round++) {
    await world.pass(200)
    world.brokerMachine(1).kill()
    await world.pass(500)
    await world.startBroker(1)
    await world.pass(2_000)
  }
  isSending = false
  await world.settle(Promise.all(loops))
  const stored = await messagesIn(world, client, 'T')
  const keys = new Set(stored.map(({ properties }) => properties.get('KEYS')))
  assert(acknowledged.length > 200, `${acknowledged.length} acknowledged`)
  assert.deepEqual(
    acknowledged.filter((key) => !keys.has(key)),
    [],
  )
})

test('sends on a half-open connection are stored elsewhere within their deadline', async () => {
  const { world, producer } = await startedProducer(SEED + 10, { brokers: 2 })
  for (let i = 0; i < 4; i++) await world.settle(producer.send({ topic: 'T', body: 'x' }))
  world.world.network.partition([brokerHost(1)], [clientHost(1)])
  for (let i = 0; i < 60; i++) {
    const { queue } = await world.settle(producer.send({ topic: 'T', body: 'y' }), 3_000)
    assert.equal(queue.brokerName, 'broker-2')
    await world.pass(500)
  }
})

test('while one of two masters hangs every send is stored within its deadline, few of them late', async () => {
  const { world, producer } = await startedProducer(SEED + 21, { brokers: 2 })
  for (let i = 0; i < 4; i++) await world.settle(producer.send({ topic: 'T', body: 'x' }))
  world.brokerMachine(1).pause()
  let late = 0
  for (let i = 0; i < 40; i++) {
    const fromMs = world.world.clock.monotonicMs()
    const { queue } = await world.settle(producer.send({ topic: 'T', body: 'y' }), 3_000)
    assert.equal(queue.brokerName, 'broker-2')
    if (world.world.clock.monotonicMs() - fromMs > 100) late++
    await world.pass(500)
  }
  assert(late >= 1 && late <= 3, `${late} were late`)
})

test('an attempt at a chosen queue gets the whole deadline', async () => {
  const { world, producer } = await startedProducer(SEED + 22, { brokers: 2 })
  const { queue } = await world.settle(producer.send({ topic: 'T', body: 'x' }))
  const host = brokerHost(Number(queue.brokerName.at(-1)))
  world.world.network.delay(clientHost(1), host, 2_000)
  const result = await world.settle(producer.send({ topic: 'T', body: 'y' }, { queue }), 2_900)
  assert.deepEqual(result.queue, queue)
})

test('a send that no broker answers ends at its deadline', async () => {
  const { world, producer } = await startedProducer(SEED + 23, { brokers: 2 })
  await world.settle(producer.send({ topic: 'T', body: 'x' }))
  for (const number of [1, 2]) world.brokerMachine(number).pause()
  const fromMs = world.world.clock.monotonicMs()
  const one = producer.send({ topic: 'T', body: 'y' })
  await assert.rejects(world.settle(one, 3_100), hasCode(ErrorCode.SEND_TIMEOUT))
  assert(world.world.clock.monotonicMs() - fromMs >= 2_990)
})

test('one send more than maxInFlight is refused', async () => {
  const { world, producer } = await startedProducer(SEED + 11, { producer: { maxInFlight: 3 } })
  const sends = [1, 2, 3].map((i) => producer.send({ topic: 'T', body: `${i}` }))
  const one = producer.send({ topic: 'T', body: '4' })
  await assert.rejects(world.settle(one), hasCode(ErrorCode.TOO_MANY_IN_FLIGHT))
  await world.settle(Promise.all(sends))
  await world.settle(producer.send({ topic: 'T', body: '5' }))
})

test('a loop that sends again at once does not keep the answers from coming', async () => {
  const { world, producer } = await startedProducer(SEED + 19, {
    producer: { maxInFlight: 1, retries: 0 },
  })
  const first = producer.send({ topic: 'T', body: 'first' })
  let refused = 0
  const loop = async (body: string): Promise<void> => {
    for (let isStored = false; !isStored; ) {
      isStored = await producer.send({ topic: 'T', body }).then(
        () => true,
        () => {
          refused++
          return false
        },
      )
    }
  }
  await world.settle(loop('second'))
  await first
  assert(refused > 0)
  world.brokerMachine(1).kill()
  await world.pass(4_000)
  const third = loop('third')
  await world.pass(1_000)
  await world.startBroker(1)
  await world.settle(third)
})

test('close waits for the attempts of a send that has not ended', async () => {
  const { world, producer } = await startedProducer(SEED + 20)
  await world.settle(producer.send({ topic: 'T', body: '0' }))
  world.brokerMachine(1).kill()
  await world.pass(100)
  let outcome = ''
  void producer.send({ topic: 'T', body: '1' }).catch((error: RocketMQError) => {
    outcome = error.code
  })
  await world.settle(producer.close())
  assert.match(outcome, /^RMQ_SEND_(FAILED|TIMEOUT)$/)
})

test('slow brokers are avoided while latency fault tolerance is on', async () => {
  const producer = { latencyFaultTolerance: true }
  const made = await startedProducer(SEED + 15, { brokers: 2, producer })
  const { world, client } = made
  for (let i = 0; i < 8; i++) await world.settle(made.producer.send({ topic: 'T', body: 'x' }))
  world.world.network.delay(brokerHost(1), clientHost(1), 800)
  const avoided: string[] = []
  void (async () => {
    for await (const status of client.status.iterate()) {
      if (status.type === 'broker-avoided') avoided.push(`${status.brokerName} ${status.forMs}`)
    }
  })()
  const brokers: string[] = []
  for (let i = 0; i < 8; i++) {
    const { queue } = await world.settle(made.producer.send({ topic: 'T', body: 'x' }))
    brokers.push(queue.brokerName)
  }
  assert(brokers.filter((name) => name === 'broker-1').length <= 1, brokers.join())
  assert(avoided.every((it) => it === 'broker-1 2000'))
})
