import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { ResponseCode } from '@apogee/protocol'
import { type BrokerNode, ClusterWorld } from '../slave/testing/cluster-world.ts'

/** What a route says of brokers, in order: `a:6` for a topic that can be read and written there. */
async function perms(cluster: ClusterWorld, topic = 'orders'): Promise<string> {
  const route = await cluster.route(topic)
  return (route?.queueDatas ?? []).map(({ brokerName, perm }) => `${brokerName}:${perm}`).join(' ')
}

interface Masters {
  cluster: ClusterWorld
  a: BrokerNode
  b: BrokerNode
}

async function masters(seed: number): Promise<Masters> {
  const cluster = new ClusterWorld(seed)
  await cluster.startNameServers()
  const a = cluster.node('10.0.0.1', { brokerName: 'a' })
  const b = cluster.node('10.0.0.2', { brokerName: 'b' })
  for (const node of [a, b]) {
    await node.start()
    await cluster.createTopic(node, 'orders')
  }
  await cluster.pass(100)
  return { cluster, a, b }
}

/** A producer that looks at its route now and then and sends to writable queues only, each broker in turn. */
class RouteProducer {
  readonly failures: string[] = []
  readonly sent = new Map<string, number>()
  private readonly cluster: ClusterWorld
  private readonly addresses = new Map<string, string>()
  private writable: string[] = []
  private turn = 0

  constructor(cluster: ClusterWorld, nodes: Record<string, BrokerNode>) {
    this.cluster = cluster
    for (const [name, node] of Object.entries(nodes)) this.addresses.set(name, node.address)
  }

  async look(): Promise<void> {
    const seen = await perms(this.cluster)
    this.writable = seen.split(' ').flatMap((one) => {
      const [name = '', perm] = one.split(':')
      return (Number(perm) & 2) === 0 ? [] : [name]
    })
  }

  async send(nodes: Record<string, BrokerNode>): Promise<void> {
    const name = this.writable[this.turn++ % this.writable.length]
    if (name === undefined) {
      this.failures.push('no writable queue')
      return
    }
    try {
      const { code, remark } = await this.cluster.send(nodes[name]!, 'orders', 'x')
      if (code === ResponseCode.SUCCESS) this.sent.set(name, (this.sent.get(name) ?? 0) + 1)
      else this.failures.push(`${name}: ${code} ${remark}`)
    } catch (error) {
      this.failures.push(`${name}: ${String(error)}`)
    }
  }
}

test('a planned stop: read-only first, served meanwhile, then out of the route; no sender sees an error', async () => {
  const { cluster, a, b } = await masters(1)
  const nodes = { a, b }
  const producer = new RouteProducer(cluster, nodes)
  await producer.look()
  const seen: string[] = []
  let isOver = false
  const run = async (ms: number): Promise<void> => {
    for (
      const endMs = cluster.world.clock.monotonicMs() + ms;
      cluster.world.clock.monotonicMs() < endMs;
    ) {
      const now = await perms(cluster)
      if (seen.at(-1) !== now) seen.push(now)
      await producer.send(nodes)
      await producer.send(nodes)
    }
  }
  await run(100)
  const stopped = a.broker!.stop(10_000).then(() => {
    isOver = true
  })
  // The producer learns of it late, but within drainLingerMillis.
  await run(600)
  await producer.look()
  while (!isOver) await run(50)
  await stopped
  deepEqual(producer.failures, [])
  deepEqual(seen, ['a:6 b:6', 'a:4 b:6', 'b:6'])
  ok(producer.sent.get('a')! > 10 && producer.sent.get('b')! > 10)
  equal(a.services.store.failure, null)

  // It comes back writable.
  await a.start()
  await cluster.pass(100)
  equal(await perms(cluster), 'b:6 a:6')
  await a.stop()
  await b.stop()
})

test('a broker that was only cut off meanwhile is writable again after its return', async () => {
  const { cluster, a, b } = await masters(2)
  // Its goodbye does not arrive, and its connection stands in the NameServer's eyes.
  await cluster.settle(a.services.outer.retire())
  equal(await perms(cluster), 'a:4 b:6')
  await cluster.pass(100)
  cluster.world.host(a.host).cutPower({ keep: 1, keepNames: 1 })
  await a.start()
  await cluster.pass(500)
  equal(await perms(cluster), 'a:6 b:6')
  await a.stop()
  await b.stop()
})

test('leaving sends clients away and serves on; a stop after it does not wait for them again', async () => {
  const { cluster, a, b } = await masters(3)
  await cluster.settle(a.broker!.leave())
  equal(await perms(cluster), 'b:6')
  equal((await cluster.send(a, 'orders', 'late')).code, ResponseCode.SUCCESS)
  await cluster.pass(1000)
  equal(await perms(cluster), 'b:6')
  await a.stop()
  await b.stop()
})

test('NameServers that hang do not hold a stop beyond its grace', async () => {
  const { cluster, a, b } = await masters(5)
  cluster.world.host('10.0.9.1').pause()
  const startMs = cluster.world.clock.monotonicMs()
  await cluster.settle(a.broker!.stop(2000))
  const tookMs = cluster.world.clock.monotonicMs() - startMs
  // And a second for the connection to it, whose other end does not close.
  ok(tookMs > 1900 && tookMs < 3200, String(tookMs))
  b.kill()
})

test('a slave that leaves does not touch the topics of its master', async () => {
  const cluster = new ClusterWorld(4)
  await cluster.startNameServers()
  const master = cluster.node('10.0.0.1')
  const slave = cluster.slave('10.0.0.2')
  await master.start()
  await cluster.createTopic(master, 'orders')
  await slave.start()
  await cluster.until(() => slave.services.topics.select('orders') !== undefined)
  const route = async (): Promise<(string | undefined)[]> => {
    const [data] = (await cluster.route('orders'))?.brokerDatas ?? []
    return [data?.brokerAddrs.get(0), data?.brokerAddrs.get(1)]
  }
  deepEqual(await route(), [master.address, slave.address])
  await slave.stop()
  deepEqual(await route(), [master.address, undefined])
  equal(await perms(cluster), 'broker-a:6')
  await master.stop()
})
