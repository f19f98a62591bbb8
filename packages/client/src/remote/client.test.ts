import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RequestCode } from '@apogee/protocol'
import type { ClientStatus } from '../api/consume.ts'
import { ErrorCode, type RocketMQError } from '../api/errors.ts'
import { BROKER_PORT, brokerHost, ClientWorld, nameServerHost } from '../testing/client-world.ts'
import type { ClientInstance } from './client.ts'

const SEED = 4711
const BROKER = `${brokerHost(1)}:${BROKER_PORT}`

function collect(client: ClientInstance): ClientStatus[] {
  const seen: ClientStatus[] = []
  void (async () => {
    for await (const status of client.status.iterate()) seen.push(status)
  })()
  return seen
}

test('a topic is found through a NameServer, its broker gets a heartbeat on the first connection', async () => {
  const world = new ClientWorld(SEED)
  await world.start()
  const client = world.client(1)
  const seen = collect(client)
  await world.createTopic(client, 'T')
  client.members.addProducer({ group: 'P' })
  const route = await world.settle(client.routes.get('T'))
  assert.deepEqual(
    route.publishQueues.map(({ brokerName, queueId }) => `${brokerName}:${queueId}`),
    ['broker-1:0', 'broker-1:1', 'broker-1:2', 'broker-1:3'],
  )
  assert.equal(client.routes.brokerAddress('broker-1', 0), BROKER)
  await world.pass(100)
  const fields = new Map([['producerGroup', 'P']])
  const code = RequestCode.GET_PRODUCER_CONNECTION_LIST
  const response = await world.settle(client.remote.call(BROKER, { code, fields }, 3_000))
  assert.match(response.body.toString(), /10\.0\.2\.1@1#/)
  assert.match(response.body.toString(), /NODE_JS/)
  await world.settle(client.close())
  await world.pass(10)
  assert.deepEqual(
    seen.map(({ type }) => type),
    ['connected', 'connected', 'route-changed', 'disconnected', 'disconnected', 'closed'],
  )
})

test('an unknown topic rejects, and a closed client says so', async () => {
  const world = new ClientWorld(SEED + 1)
  await world.start()
  const client = world.client(1)
  await assert.rejects(
    world.settle(client.routes.get('Nowhere')),
    hasCode(ErrorCode.TOPIC_NOT_FOUND),
  )
  await world.settle(client.close())
  await assert.rejects(world.settle(client.routes.get('Nowhere')), hasCode(ErrorCode.CLOSED))
  await assert.rejects(client.remote.invoke(BROKER, { code: 34 }, 1_000), hasCode(ErrorCode.CLOSED))
})

test('NameServers are asked one after the other until one answers', async () => {
  const world = new ClientWorld(SEED + 2, { nameServers: 3 })
  await world.start()
  const client = world.client(1)
  const seen = collect(client)
  await world.createTopic(client, 'T')
  const first = client.nameServers.addresses.indexOf(client.nameServers.current) + 1
  world.nameServerMachine(first).cutPower()
  const second = (first % 3) + 1
  world.nameServerMachine(second).kill()
  await world.settle(client.routes.get('T'), 3_500)
  const third = (second % 3) + 1
  assert.equal(client.nameServers.current, `${nameServerHost(third)}:9876`)
  assert(seen.some(({ type }) => type === 'nameserver-changed'))
  world.nameServerMachine(third).kill()
  const asked = client.routes.get('U')
  await assert.rejects(world.settle(asked, 4_000), hasCode(ErrorCode.NAMESERVER_UNREACHABLE))
  await world.settle(client.close())
})

test('a half-open connection is cut within pingIdleMs + pingTimeoutMs and made anew', async () => {
  const world = new ClientWorld(SEED + 3)
  await world.start()
  const client = world.client(1)
  await world.createTopic(client, 'T')
  client.members.addProducer({ group: 'P' })
  await world.settle(client.routes.get('T'))
  await world.pass(1_000)
  const before = client.remote.client.peek(BROKER)!
  await world.pass(60_000)
  assert.equal(client.remote.client.peek(BROKER), before, 'a quiet one is kept')
  world.world.network.partition([brokerHost(1)], ['10.0.2.1'])
  const waiting = client.remote.invoke(BROKER, { code: 34 }, 60_000)
  await assert.rejects(world.settle(waiting, 10_000), hasCode(ErrorCode.BROKER_UNREACHABLE))
  assert.equal(before.closeReason, 'no_sign_of_life')
  world.world.network.heal()
  await world.pass(4_000)
  await world.settle(client.remote.invoke(BROKER, { code: 34 }, 3_000))
  await world.settle(client.close())
})

test('a dead broker is not hammered, and is found again when it returns', async () => {
  const world = new ClientWorld(SEED + 4)
  await world.start()
  const client = world.client(1)
  await world.createTopic(client, 'T')
  world.brokerMachine(1).kill()
  await world.pass(100)
  let attempts = 0
  const fromMs = world.world.clock.monotonicMs()
  const { net } = client.env
  const connect = net.connect.bind(net)
  net.connect = (options) => {
    attempts++
    return connect(options)
  }
  for (let i = 0; i < 100; i++) {
    await assert.rejects(
      world.settle(client.remote.invoke(BROKER, { code: 34 }, 3_000)),
      hasCode(ErrorCode.BROKER_UNREACHABLE),
    )
    await world.pass(100)
  }
  const seconds = Math.round((world.world.clock.monotonicMs() - fromMs) / 1_000)
  assert(attempts >= seconds / 7 && attempts <= seconds, `${attempts} attempts in ${seconds} s`)
  await world.startBroker(1)
  await world.pass(3_000)
  await world.settle(client.remote.invoke(BROKER, { code: 34 }, 3_000))
  await world.settle(client.close())
})

test('watchers hear of a second broker, and of one that has left', async () => {
  const world = new ClientWorld(SEED + 5)
  await world.start(2)
  const client = world.client(1)
  await world.createTopic(client, 'T')
  const heard: string[][] = []
  const stop = client.routes.watch('T', (route) => {
    heard.push(route === null ? [] : route.data.brokerDatas.map((it) => it.brokerName))
  })
  await world.settle(client.routes.get('T'))
  world.brokerMachine(2).kill()
  await world.pass(180_000)
  assert.deepEqual(heard, [['broker-1', 'broker-2'], ['broker-1']])
  assert.equal(client.routes.brokerAddress('broker-2', 0), null)
  await world.startBroker(2)
  await world.pass(40_000)
  assert.deepEqual(heard.at(-1), ['broker-1', 'broker-2'])
  stop()
  await world.settle(client.close())
})

function hasCode(code: ErrorCode): (error: RocketMQError) => boolean {
  return (error) => {
    assert.equal(error.code, code, error.message)
    return true
  }
}
