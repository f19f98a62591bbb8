import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { startCluster } from './start-cluster.ts'
import { ClusterClient } from './testing/cluster-client.ts'

const CLUSTERS = 100
const CYCLES = 200
/** Hundreds of nodes that begin at once keep a loaded machine busy for a while. */
const SEND_MS = 30_000
/** What the heap may grow by in the later cycles: V8's own tables, never a cluster. */
const GROWTH_MAX_BYTES = 8 * 1024 * 1024

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

async function resources(): Promise<string[]> {
  for (let i = 0; i < 3; i++) await turn()
  return process
    .getActiveResourcesInfo()
    .filter((name) => name !== 'Immediate')
    .sort()
}

test('a hundred clusters work at once in one process, and leave nothing', async () => {
  const before = await resources()
  {
    const clusters = await Promise.all(
      Array.from({ length: CLUSTERS }, (_, i) =>
        startCluster({
          topics: { orders: 1 },
          mode: i % 10 === 0 ? 'sync-replica' : 'single',
          config: { slaveTimeout: SEND_MS },
        }),
      ),
    )
    // Also after a failure: what runs on would keep the process.
    await using all = new AsyncDisposableStack()
    for (const cluster of clusters) all.use(cluster)
    await using client = new ClusterClient()
    await Promise.all(
      clusters.map(async ({ brokers }, i) => {
        const { address } = brokers[0]!
        equal((await client.send(address, 'orders', `${i}`, { timeoutMs: SEND_MS })).code, 0)
      }),
    )
    for (const [i, cluster] of clusters.entries()) {
      const messages = await cluster.messages('orders')
      deepEqual(
        messages.map(({ body }) => body.toString()),
        [`${i}`],
      )
    }
    const addresses = clusters.flatMap(({ brokers, nameservers }) => [
      ...brokers.map(({ address }) => address),
      ...nameservers,
    ])
    equal(new Set(addresses).size, 2.1 * CLUSTERS)
    await Promise.all(clusters.map((cluster) => cluster.close()))
  }
  deepEqual(await resources(), before)
})

test('hundreds of starts and stops, killed and paused nodes among them, leave no handle and no memory', async () => {
  const before = await resources()
  await using client = new ClusterClient()
  const cycle = async (i: number): Promise<void> => {
    await using cluster = await startCluster({
      mode: i % 8 === 0 ? 'sync-replica' : 'single',
      time: i % 2 === 0 ? 'virtual' : 'real',
      store: i % 20 === 0 ? 'temporary' : 'memory',
      topics: { orders: 1 },
    })
    const [broker] = cluster.brokers
    await client.send(broker!.address, 'orders', 'x')
    if (i % 16 === 0) cluster.faults.partition('broker-a', ['broker-a-1', 'namesrv-1'])
    if (i % 24 === 0) cluster.faults.lag('broker-a-1', 3_600_000)
    if (i % 40 === 0) await cluster.slaves[0]!.kill()
    if (i % 5 === 0) broker!.pause()
    if (i % 7 === 0) await broker!.kill()
    if (i % 14 === 0) await broker!.restart()
    if (i % 11 === 0) await cluster.nameserverNodes[0]!.kill()
  }
  let middleBytes = 0
  for (let i = 0; i < CYCLES; i++) {
    await cycle(i)
    if (i !== CYCLES / 2) continue
    middleBytes = await used()
  }
  const grownBytes = (await used()) - middleBytes
  ok(grownBytes < GROWTH_MAX_BYTES, `${grownBytes} bytes more after ${CYCLES / 2} cycles`)
  await client[Symbol.asyncDispose]()
  deepEqual(await resources(), before)
})

/** What is left once everything has been collected: sockets take a turn or two to let go. */
async function used(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    collectGarbage()
    await turn()
  }
  const { external, heapUsed } = process.memoryUsage()
  return heapUsed + external
}
