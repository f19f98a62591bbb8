// Several masters as real processes: queues on all of them, one that dies, hangs or is stopped in order.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { afterEach, describe, it, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual, promisify } from 'node:util'
import { RocketMQ, type SendResult } from '@apogee/client'
import { rootFolder } from '../harness/builds.ts'
import { temporaryFolder } from '../harness/processes.ts'
import { codes, RawClient } from '../harness/raw-client.ts'
import { ReplicaCluster } from './replica-cluster.ts'

const BIN = join(rootFolder, 'packages/apogee/bin/apogee.js')
const run = promisify(execFile)
const SETTLE_MS = 15_000

let cluster: ReplicaCluster
let mq: RocketMQ

async function start(masters: number): Promise<void> {
  const dir = temporaryFolder('multi-master')
  cluster = await ReplicaCluster.start({ dir, masters, slaves: 0, role: 'ASYNC_MASTER' })
  mq = new RocketMQ({ nameservers: cluster.namesrv.address, clientIp: '127.0.0.1' })
}

/** Queues that may be written to, by broker, as the NameServer answers. */
async function writable(topic: string): Promise<Record<string, number>> {
  const client = await RawClient.connect(cluster.namesrv.address)
  try {
    const answer = await client.request(codes.routeByTopic, { topic })
    if (answer.code !== 0) return {}
    const route = JSON.parse(answer.body.toString()) as {
      queueDatas: { brokerName: string; writeQueueNums: number; perm: number }[]
    }
    const open = route.queueDatas.filter(({ perm }) => (perm & 2) !== 0)
    return Object.fromEntries(
      open.map(({ brokerName, writeQueueNums }) => [brokerName, writeQueueNums]),
    )
  } finally {
    client.close()
  }
}

async function untilWritable(topic: string, wanted: Record<string, number>): Promise<number> {
  const began = performance.now()
  let last: Record<string, number> = {}
  while (performance.now() - began < SETTLE_MS) {
    last = await writable(topic)
    if (isDeepStrictEqual(last, wanted)) return performance.now() - began
    await sleep(10)
  }
  assert.deepEqual(last, wanted)
  return SETTLE_MS
}

async function queuesOnAll(): Promise<void> {
  await start(2)
  const namesrv = cluster.namesrv.address
  const create = [
    'topic',
    'create',
    'ByCli',
    '-c',
    'InteropCluster',
    '-r',
    '4',
    '-w',
    '4',
    '-n',
    namesrv,
  ]
  await run(process.execPath, [BIN, ...create])
  await untilWritable('ByCli', { 'broker-a': 4, 'broker-b': 4 })
  const producer = await mq.producer({ group: 'P' })
  await producer.send({ topic: 'BySend', body: 'x' })
  await untilWritable('BySend', { 'broker-a': 4, 'broker-b': 4 })
}

/** Sends until told to stop, one after the other; every failure counts. */
class Sender {
  readonly sent: SendResult[] = []
  readonly bodies: string[] = []
  readonly failed: string[] = []
  longestGapMs = 0
  readonly #ending = new AbortController()
  readonly #done: Promise<void>

  constructor(topic: string) {
    this.#done = this.#run(topic)
  }

  async stop(): Promise<void> {
    this.#ending.abort()
    await this.#done
  }

  async #run(topic: string): Promise<void> {
    const producer = await mq.producer({ group: 'P' })
    let last = performance.now()
    for (let index = 0; !this.#ending.signal.aborted; index++) {
      const body = `m-${index}`
      try {
        this.sent.push(await producer.send({ topic, body }))
        this.bodies.push(body)
        const now = performance.now()
        this.longestGapMs = Math.max(this.longestGapMs, now - last)
        last = now
      } catch (error) {
        this.failed.push((error as Error).message)
      }
      await sleep(1)
    }
  }
}

async function oneDies(t: TestContext): Promise<void> {
  await start(2)
  await cluster.createTopic('T', 4)
  const [a, b] = cluster.masters
  // Messages of broker-a that nobody has read when it dies.
  const sender = new Sender('T')
  await sleep(500)
  await a!.server.kill()
  t.diagnostic(
    `out of the route after ${Math.round(await untilWritable('T', { 'broker-b': 4 }))} ms`,
  )
  await sleep(1500)
  const got: { body: string; brokerName: string; queueId: number; queueOffset: number }[] = []
  const consumer = await mq.consumer({ group: 'C', subscriptions: { T: '*' }, from: 'first' })
  await consumer.run(async ({ body, queue, queueOffset }) => {
    got.push({
      body: body.toString(),
      brokerName: queue.brokerName,
      queueId: queue.queueId,
      queueOffset,
    })
  })
  await sleep(1500)
  assert.ok(got.length > 0 && got.every(({ brokerName }) => brokerName === b!.brokerName))
  await a!.server.start()
  await untilWritable('T', { 'broker-a': 4, 'broker-b': 4 })
  await sleep(500)
  await sender.stop()
  const end = Date.now() + SETTLE_MS
  const missing = (): string[] => {
    const seen = new Set(got.map(({ body }) => body))
    return sender.bodies.filter((body) => !seen.has(body))
  }
  while (missing().length > 0 && Date.now() < end) await sleep(50)
  assert.deepEqual(missing(), [])
  assert.deepEqual(sender.failed, [])
  const places = new Map(got.map((one) => [one.body, one]))
  for (const [index, { queue, queueOffset }] of sender.sent.entries()) {
    const { brokerName, queueId, queueOffset: at } = places.get(sender.bodies[index]!)!
    assert.deepEqual([brokerName, queueId, at], [queue.brokerName, queue.queueId, queueOffset])
  }
  for (const queueId of [0, 1, 2, 3]) {
    const offsets = got.filter((one) => one.brokerName === a!.brokerName && one.queueId === queueId)
    const order = offsets.map(({ queueOffset }) => queueOffset)
    assert.deepEqual(
      order,
      [...order].sort((x, y) => x - y),
      'in order',
    )
  }
  t.diagnostic(`${sender.sent.length} sent, longest gap ${Math.round(sender.longestGapMs)} ms`)
}

async function sharded(): Promise<void> {
  await start(2)
  await cluster.createTopic('Sharded', 4)
  const producer = await mq.producer({ group: 'P', timeoutMs: 1500 })
  const homes = new Map<string, string>()
  for (let key = 0; key < 12; key++) {
    const { queue } = await producer.send(
      { topic: 'Sharded', body: 'x' },
      { shardingKey: `k${key}` },
    )
    homes.set(`k${key}`, `${queue.brokerName}:${queue.queueId}`)
  }
  const [a] = cluster.masters
  await a!.server.kill()
  await untilWritable('Sharded', { 'broker-b': 4 })
  for (const [shardingKey, home] of homes) {
    const send = producer.send({ topic: 'Sharded', body: 'y' }, { shardingKey })
    if (home.startsWith('broker-a')) await assert.rejects(send, /broker-a/)
    else assert.equal(place(await send), home)
  }
  await a!.server.start()
  await untilWritable('Sharded', { 'broker-a': 4, 'broker-b': 4 })
  for (const [shardingKey, home] of homes) {
    const again = async (): Promise<string> =>
      place(await producer.send({ topic: 'Sharded', body: 'z' }, { shardingKey }))
    assert.equal(await again().catch(again), home)
  }
}

function place({ queue }: SendResult): string {
  return `${queue.brokerName}:${queue.queueId}`
}

async function plannedStop(): Promise<void> {
  await start(2)
  await cluster.createTopic('Planned', 4)
  const sender = new Sender('Planned')
  await sleep(300)
  const [a] = cluster.masters
  const stopped = a!.server.stop()
  await untilWritable('Planned', { 'broker-b': 4 })
  await stopped
  await sleep(500)
  await sender.stop()
  assert.deepEqual(sender.failed, [])
  assert.ok(sender.longestGapMs < 1000, `${sender.longestGapMs} ms without a send`)
}

describe('several masters', () => {
  afterEach(async () => {
    await mq.close()
    await cluster.kill()
  })

  it('a topic has queues on each, made by the command line or by a send', queuesOnAll)
  it(
    'one dies: sends succeed elsewhere, what it holds is read when it is back, in order and in place',
    oneDies,
  )
  it('a sharded send to a dead broker fails and names it; no key changes its queue', sharded)
  it('a stop in order: nobody fails', plannedStop)
})
