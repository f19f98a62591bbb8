// SYNC_MASTER with a slave, as real processes: what SEND_OK means when the master is killed, and what is said instead when
// it cannot mean that. CLUSTER_SEED and CLUSTER_KILLS repeat and lengthen the run.
import assert from 'node:assert/strict'
import { afterEach, describe, it, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { temporaryFolder } from '../harness/processes.ts'
import { History } from '../kill/history.ts'
import { Load, queues, readAll, topic } from '../kill/load.ts'
import { Random } from '../kill/random.ts'
import { sendOnce } from './one-send.ts'
import { compareLogs, ReplicaCluster } from './replica-cluster.ts'

const SEED = Number(process.env['CLUSTER_SEED'] ?? Date.now() % 1_000_000)
const KILLS = Number(process.env['CLUSTER_KILLS'] ?? 3)
const OK = 0
const SYSTEM_ERROR = 1
const SLAVE_NOT_AVAILABLE = 11
const FLUSH_SLAVE_TIMEOUT = 12
/** A wait that no answer of these tests may take: who answers within a third of it has not waited for it. */
const FOREVER_MS = 30_000

let cluster: ReplicaCluster

async function start(conf: Record<string, string | number | boolean>): Promise<void> {
  const dir = temporaryFolder('sync-replica')
  cluster = await ReplicaCluster.start({ dir, masters: 1, slaves: 1, role: 'SYNC_MASTER', conf })
  await cluster.createTopic(topic, queues)
  await cluster.inSync()
}

/** Full load, SIGKILL of the master, judgement of what the slave alone shows; the master returns, and again. */
async function kills(flushDiskType: string, t: TestContext): Promise<void> {
  await start({ flushDiskType })
  const { master, slave } = cluster
  const random = new Random(SEED)
  const history = new History()
  const positions = new Map<number, number>()
  let nextId = 0
  for (let round = 0; round < KILLS; round++) {
    const load = new Load(history, random, nextId, positions)
    await load.start(master.server.address)
    await sleep(300 + random.below(1200))
    await master.server.kill()
    await load.stop()
    nextId = load.nextId
    const { acknowledged, consumed, refused } = load.counts
    assert.ok(acknowledged > 100, `only ${acknowledged} acknowledged in round ${round}`)
    assert.equal(refused, 0, JSON.stringify([...load.refusals]))
    const shown = await readAll(slave.server.address)
    t.diagnostic(
      `round ${round}: ${acknowledged} SEND_OK, ${consumed} consumed, ${shown.length} on the slave`,
    )
    assert.deepEqual(history.judge(shown), [], `seed ${SEED}`)
    await master.server.start()
    await cluster.inSync()
  }
  assert.deepEqual(history.judge(await readAll(master.server.address)), [], `seed ${SEED}`)
  t.diagnostic(`${compareLogs(master.storeDir, slave.storeDir)} equal bytes in both logs`)
}

async function timed(work: () => Promise<number>): Promise<{ code: number; tookMs: number }> {
  const began = performance.now()
  const code = await work()
  return { code, tookMs: performance.now() - began }
}

describe(`synchronous double write, seed ${SEED}`, () => {
  afterEach(() => cluster?.kill())

  for (const flushDiskType of ['ASYNC_FLUSH', 'SYNC_FLUSH']) {
    it(`${flushDiskType}: after ${KILLS} kills of the master all that was SEND_OK is on the slave, in its place`, (t) =>
      kills(flushDiskType, t))
  }

  it('without a slave the answer is SLAVE_NOT_AVAILABLE, at once; with it SEND_OK again', async () => {
    await start({ slaveTimeout: FOREVER_MS })
    const { master, slave } = cluster
    const send = (): Promise<number> => sendOnce(master.server.address, topic)
    assert.equal(await send(), OK)
    await slave.server.kill()
    const { code, tookMs } = await timed(send)
    assert.equal(code, SLAVE_NOT_AVAILABLE)
    assert.ok(tookMs < FOREVER_MS / 3, `${tookMs} ms`)
    await slave.server.start()
    await cluster.inSync()
    assert.equal(await send(), OK)
    await slave.server.stop()
    assert.equal(await send(), SLAVE_NOT_AVAILABLE)
  })

  it('a slave that hangs: FLUSH_SLAVE_TIMEOUT, then SLAVE_NOT_AVAILABLE at once, SEND_OK when it is back', async () => {
    await start({ slaveTimeout: 1000 })
    const { master, slave } = cluster
    const send = (): Promise<number> => sendOnce(master.server.address, topic)
    slave.server.suspend()
    assert.equal(await send(), FLUSH_SLAVE_TIMEOUT)
    assert.equal(await send(), SLAVE_NOT_AVAILABLE)
    slave.server.resume()
    await cluster.inSync()
    assert.equal(await send(), OK)
  })

  it('WAIT=false does not wait for a slave that hangs', async () => {
    await start({ slaveTimeout: FOREVER_MS, haHousekeepingInterval: FOREVER_MS })
    const { master, slave } = cluster
    slave.server.suspend()
    const { code, tookMs } = await timed(() => sendOnce(master.server.address, topic, false))
    slave.server.resume()
    assert.equal(code, OK)
    assert.ok(tookMs < FOREVER_MS / 3, `${tookMs} ms`)
  })

  it('minInSyncReplicas refuses before anything is stored', async () => {
    await start({ minInSyncReplicas: 2 })
    const { master, slave } = cluster
    assert.equal(await sendOnce(master.server.address, topic), OK)
    await slave.server.kill()
    await sleep(500)
    const before = (await readAll(master.server.address)).length
    assert.equal(await sendOnce(master.server.address, topic), SYSTEM_ERROR)
    assert.equal((await readAll(master.server.address)).length, before)
  })

  it('inSyncReplicas=1 waits for nobody, as the original without saying so', async () => {
    await start({ inSyncReplicas: 1, slaveTimeout: FOREVER_MS })
    const { master, slave } = cluster
    slave.server.suspend()
    const code = await sendOnce(master.server.address, topic)
    slave.server.resume()
    assert.equal(code, OK)
  })
})
