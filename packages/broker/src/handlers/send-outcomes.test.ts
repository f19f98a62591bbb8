import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { RequestCode, ResponseCode } from '@apogee/protocol'
import { BrokerWorld } from '../testing/broker-world.ts'
import {
  properties,
  pullWith,
  sendFields,
  sendHeader,
  sendWith,
  textsOf,
} from '../testing/requests.ts'

// How sends end when the disk is slow, full or broken.

const isLogWrite = ({ kind, path }: { kind: string; path: string }): boolean =>
  kind === 'write' && path.includes('/commitlog/')

test('WAIT=false is answered from the page cache under SYNC_FLUSH, others wait for the disk', async () => {
  const world = new BrokerWorld(30_011, { flushDiskType: 'SYNC_FLUSH' })
  await world.start()
  const client = world.client('10.0.0.2')
  await sendWith(world, client, { topic: 'orders' })
  world.host.disk.faults.failWhen(({ kind }) => kind === 'sync', { stallMs: 500 })
  const took = async (wait: string): Promise<number> => {
    const started = world.world.clock.wallMs()
    const answer = await sendWith(world, client, { properties: properties(['WAIT', wait]) })
    equal(answer.code, ResponseCode.SUCCESS)
    return world.world.clock.wallMs() - started
  }
  ok((await took('false')) < 100)
  ok((await took('true')) >= 500)
  world.host.disk.faults.clear()
  await world.stop()
})

test('a sync that takes too long is FLUSH_DISK_TIMEOUT; meanwhile the broker says that it is busy', async () => {
  const world = new BrokerWorld(30_012, { flushDiskType: 'SYNC_FLUSH', syncFlushTimeout: 3000 })
  await world.start()
  const client = world.client('10.0.0.2')
  await sendWith(world, client, { topic: 'orders' })
  world.host.disk.faults.failWhen(({ kind }) => kind === 'sync', { stallMs: 8000 }, 1)
  const late = sendWith(world, client, {})
  await world.pass(2000)
  const busy = await sendWith(world, client, {})
  equal(busy.code, ResponseCode.SYSTEM_BUSY)
  match(busy.remark ?? '', /^\[PC_SYNCHRONIZED\]broker busy/)
  const answer = await late
  equal(answer.code, ResponseCode.FLUSH_DISK_TIMEOUT)
  equal(answer.fields.get('queueOffset'), '1')
  equal(world.broker!.services!.stats.putFailed, 1)
  await world.pass(10_000)
  equal((await sendWith(world, client, {})).code, ResponseCode.SUCCESS)
  await world.stop()
})

test('a full disk refuses sends, serves pulls, and takes sends again when it has space', async () => {
  const world = new BrokerWorld(30_013)
  await world.start()
  const client = world.client('10.0.0.2')
  await sendWith(world, client, {}, 'before')
  world.host.disk.faults.failWhen(isLogWrite, { code: 'ENOSPC' })
  for (let i = 0; i < 3; i++) {
    const refused = await sendWith(world, client, {}, 'lost')
    equal(refused.code, ResponseCode.SERVICE_NOT_AVAILABLE)
    match(refused.remark ?? '', /disk is full/)
  }
  deepEqual(textsOf(await pullWith(world, client, {})), ['before'])
  equal(world.broker!.services!.stats.putFailed, 3)
  world.host.disk.faults.clear()
  await world.pass(30_000)
  equal((await sendWith(world, client, {}, 'after')).code, ResponseCode.SUCCESS)
  deepEqual(textsOf(await pullWith(world, client, {})), ['before', 'after'])
  await world.stop()
})

test('after a failed write nothing is acknowledged any more, and the broker says so', async () => {
  const world = new BrokerWorld(30_014)
  await world.start()
  const failures: string[] = []
  world.broker!.onFailure(({ code }) => failures.push(code))
  const client = world.client('10.0.0.2')
  await sendWith(world, client, {}, 'before')
  world.host.disk.faults.failWhen(isLogWrite, { code: 'EIO' }, 1)
  const unknown = await sendWith(world, client, {})
  equal(unknown.code, ResponseCode.SYSTEM_ERROR)
  match(unknown.remark ?? '', /unknown/)
  const next = await sendWith(world, client, {})
  equal(next.code, ResponseCode.SERVICE_NOT_AVAILABLE)
  match(next.remark ?? '', /closed or has failed/)
  equal(failures.length, 1)
  await rejects(world.stop(), { code: 'BROKER_STOP_INCOMPLETE' })
})

test('sends are refused until the time that the configuration names', async () => {
  const world = new BrokerWorld(30_015)
  await world.start()
  const client = world.client('10.0.0.2')
  const { config } = world.broker!
  const until = world.world.clock.wallMs() + 5000
  config.update(new Map([['startAcceptSendRequestTimeStamp', String(until)]]))
  const early = await sendWith(world, client, {})
  equal(early.code, ResponseCode.SYSTEM_ERROR)
  match(early.remark ?? '', /^broker unable to service, until /)
  await world.pass(5000)
  equal((await sendWith(world, client, {})).code, ResponseCode.SUCCESS)
  await world.stop()
})

test('a broker that must not be written to refuses ordered topics only', async () => {
  const world = new BrokerWorld(30_016, { brokerPermission: 4 })
  await world.start()
  const client = world.client('10.0.0.2')
  equal((await sendWith(world, client, {})).code, ResponseCode.SUCCESS)
  world.broker!.services!.topics.updateOrderTopics(['orders'])
  const refused = await sendWith(world, client, {})
  equal(refused.code, ResponseCode.NO_PERMISSION)
  equal(refused.remark, 'the broker[10.0.0.1] sending message is forbidden')
  await world.stop()
})

test('topics and queues have limits that sends keep to', async () => {
  const world = new BrokerWorld(30_017, { topicsMax: 64, queuesMax: 2048 })
  const broker = await world.start()
  const client = world.client('10.0.0.2')
  const before = broker.services!.topics.size
  const codes: number[] = []
  for (let i = before; i < 66; i++) {
    codes.push((await sendWith(world, client, { topic: `t${i}`, defaultTopicQueueNums: 1 })).code)
  }
  deepEqual(codes.slice(-3), [
    ResponseCode.SUCCESS,
    ResponseCode.TOPIC_NOT_EXIST,
    ResponseCode.TOPIC_NOT_EXIST,
  ])
  equal(broker.services!.topics.size, 64)
  await world.stop()
})

test('without automatic topics a send to an unknown one is refused', async () => {
  const world = new BrokerWorld(30_018, { autoCreateTopicEnable: false })
  await world.start()
  const client = world.client('10.0.0.2')
  const refused = await sendWith(world, client, { topic: 'unknown' })
  equal(refused.code, ResponseCode.TOPIC_NOT_EXIST)
  const retry = await sendWith(world, client, { topic: '%RETRY%g' })
  equal(retry.code, ResponseCode.SUCCESS)
  await world.stop()
})

test('a stop answers every send that it took', async () => {
  const world = new BrokerWorld(30_019, { flushDiskType: 'SYNC_FLUSH' })
  await world.start()
  const client = world.client('10.0.0.2')
  await sendWith(world, client, {})
  world.host.disk.faults.failWhen(({ kind }) => kind === 'sync', { stallMs: 300 }, 1)
  const code = RequestCode.SEND_MESSAGE_V2
  const request = { code, fields: sendFields(sendHeader(), code), body: Buffer.from('x') }
  const sends = Array.from({ length: 20 }, () => client.invoke(world.address, request, 10_000))
  await world.pass(50)
  await world.stop()
  const answers = await world.settle(Promise.all(sends))
  deepEqual(new Set(answers.map((answer) => answer.code)), new Set([ResponseCode.SUCCESS]))
})
