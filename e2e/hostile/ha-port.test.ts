// The replication port of a real master under attack, while its slave follows and a client sends. No stranger reads the
// log or acknowledges anything. HOSTILE_SEED and HOSTILE_MS (2500 of each part) change a run.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { afterEach, suite, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { sendOnce } from '../cluster/one-send.ts'
import { haStatus, ReplicaCluster } from '../cluster/replica-cluster.ts'
import { SteadySender } from '../faults/steady-sender.ts'
import { freePorts, temporaryFolder } from '../harness/processes.ts'
import type { BrokerConf } from '../harness/target.ts'
import { History } from '../kill/history.ts'
import { queues, readAll, topic } from '../kill/load.ts'
import { Random } from './attack.ts'
import {
  HaPeer,
  type HaTarget,
  haAttackNames,
  haAttacks,
  report,
  SessionRecorder,
} from './ha-peers.ts'

const seed = Number(process.env['HOSTILE_SEED'] ?? String(Date.now() % 1_000_000))
const attackMs = Number(process.env['HOSTILE_MS'] ?? '2500')

/** The slave's own address is allowed, all others of this machine are not. */
const ALLOWED = '127.0.0.1'
const STRANGERS = ['127.0.7.1', '127.0.7.2', '127.0.7.3']
const SECRET: BrokerConf = { haSharedSecret: 'only we two know', haAllowedPeers: ALLOWED }
/** A welcome and a refusal are shorter. */
const HEARD_MAX = 600
/** Over what the broker took before: its own load goes on meanwhile. */
const RSS_MIB_MAX = 150
const SLAVE_NOT_AVAILABLE = 11
const CALM_MS = 6000

let cluster: ReplicaCluster
let recorder: SessionRecorder | null = null

async function startPair(): Promise<void> {
  const dir = temporaryFolder('ha-port')
  const shape = { dir, masters: 1, slaves: 1, role: 'SYNC_MASTER', conf: SECRET } as const
  cluster = await ReplicaCluster.prepare(shape)
  const { master, slave } = cluster
  const port = await freePorts(1)
  recorder = await SessionRecorder.start(port, haAddress())
  slave.conf = { ...SECRET, haMasterAddress: `127.0.0.1:${port}` }
  for (const { server } of [master, slave]) await server.start()
  await cluster.inSync()
  await cluster.createTopic(topic, queues)
}

function haAddress(): string {
  return `127.0.0.1:${cluster.master.server.port + 1}`
}

async function target(): Promise<HaTarget> {
  const { masterCommitLogMaxOffset } = await haStatus(cluster.master.server.address)
  return {
    address: haAddress(),
    brokerName: cluster.master.brokerName,
    clusterName: 'InteropCluster',
    fileSize: 16 << 20,
    end: masterCommitLogMaxOffset,
    recorded: recorder?.recorded ?? Buffer.alloc(0),
  }
}

/** What a process has taken of the machine. */
function footprint(): { rssMiB: number; handles: number } {
  const { pid } = cluster.master.server
  const status = readFileSync(`/proc/${pid}/status`, 'latin1')
  const rssMiB = Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024)
  return { rssMiB, handles: readdirSync(`/proc/${pid}/fd`).length }
}

/** A client sends all the while; each message must be stored on both, and be there in the end. */
async function whileServing(task: () => Promise<void>): Promise<{ acknowledged: number }> {
  const history = new History()
  const pauses = { pauseMs: 5, refusedPauseMs: 5 }
  const shape = { connections: 2, inFlightPerConnection: 2, bodySize: 500 }
  const sender = new SteadySender({ history, firstId: 0, ...shape, ...pauses })
  await sender.start(cluster.master.server.address)
  try {
    await sender.acknowledges(20, 10_000)
    await task()
    await sender.acknowledges(20, 10_000)
  } finally {
    await sender.stop()
  }
  assert.deepEqual([...sender.refusals()], [], 'sends that were not stored on both')
  await cluster.inSync()
  const { slave, master } = cluster
  assert.deepEqual(history.judge(await readAll(slave.server.address)), [])
  const status = await haStatus(master.server.address)
  assert.equal(status.haConnectionInfo.length, 1, 'only the slave is listed')
  return { acknowledged: sender.acknowledged }
}

function assertHeardNothing(peers: readonly HaPeer[], what: string, max = HEARD_MAX): void {
  for (const peer of peers) {
    assert.ok(!peer.heardTheLog, `${what}: the log was heard`)
    assert.ok(peer.heard.length <= max, `${what}: ${peer.heard.length} bytes were heard`)
  }
}

/** Waits until the broker has let go of everybody but its slave. */
async function assertLetGo(before: { handles: number; rssMiB: number }): Promise<void> {
  const until = performance.now() + CALM_MS
  while (footprint().handles > before.handles + 4 && performance.now() < until) await sleep(100)
  const { handles, rssMiB } = footprint()
  assert.ok(handles <= before.handles + 4, `${handles} handles after ${before.handles}`)
  assert.ok(rssMiB <= before.rssMiB + RSS_MIB_MAX, `${rssMiB} MiB after ${before.rssMiB}`)
}

/** Each kind of attack, whole and byte by byte, from `from`. */
async function everyAttack(from: string, heardMax: number): Promise<void> {
  const random = new Random(seed)
  for (const name of haAttackNames) {
    const aim = await target()
    const peers: HaPeer[] = []
    for (let i = 0; i < 6; i++) {
      const peer = await HaPeer.open(aim.address, from)
      peers.push(peer)
      const bytes = haAttacks[name]!(random, aim)
      if (i > 0) peer.send(bytes)
      else await peer.sendSlowly(bytes.subarray(0, 40), 2, () => true)
    }
    await sleep(150)
    assertHeardNothing(peers, name, heardMax)
    for (const peer of peers) peer.close()
  }
}

async function probes(t: TestContext): Promise<void> {
  await startPair()
  let count = 0
  // The first rounds warm the process up.
  const round = async (connections: number): Promise<void> => {
    const aim = await target()
    for (let i = 0; i < connections; i += 50) {
      const from = i % 100 === 0 ? ALLOWED : STRANGERS[i % STRANGERS.length]!
      const open = Array.from({ length: 50 }, async () => await HaPeer.open(aim.address, from))
      const peers = await Promise.all(open)
      for (const peer of peers) peer.send(haAttacks['an HTTP probe']!(new Random(seed), aim))
      await sleep(10)
      assertHeardNothing(peers, 'a probe', from === ALLOWED ? HEARD_MAX : 0)
      for (const peer of peers) peer.close()
      count += peers.length
    }
  }
  await whileServing(async () => {
    await round(1500)
    const before = footprint()
    await round(6000)
    await assertLetGo(before)
    t.diagnostic(`${count} probes, from ${before.rssMiB} to ${footprint().rssMiB} MiB`)
  })
}

async function floods(t: TestContext): Promise<void> {
  await startPair()
  const before = footprint()
  let opened = 0
  let most = 0
  const { acknowledged } = await whileServing(async () => {
    const end = performance.now() + attackMs
    const random = new Random(seed)
    const idle: HaPeer[] = []
    const all: HaPeer[] = []
    while (performance.now() < end) {
      const aim = await target()
      const open = Array.from({ length: 40 }, async (_, i) => {
        const from = i % 2 === 0 ? ALLOWED : STRANGERS[i % STRANGERS.length]!
        return await HaPeer.open(aim.address, from)
      })
      const peers = await Promise.all(open)
      opened += peers.length
      for (const peer of peers) {
        const name = haAttackNames[random.below(haAttackNames.length)]!
        // Half of them stay, and say nothing more or go on byte by byte.
        if (random.below(2) === 0) idle.push(peer)
        void peer.sendSlowly(haAttacks[name]!(random, aim).subarray(0, 200), 5, () => true)
      }
      most = Math.max(most, footprint().handles)
      all.push(...peers)
      await sleep(20)
      for (const peer of peers) if (!idle.includes(peer)) peer.close()
    }
    assertHeardNothing(all, 'a flood')
    for (const peer of idle) peer.close()
  })
  await assertLetGo(before)
  assert.ok(most < before.handles + 200, `${most} handles under the flood`)
  t.diagnostic(`${opened} connections, ${acknowledged} messages, ${most} handles at most`)
}

async function everyKind(): Promise<void> {
  await startPair()
  const before = footprint()
  // A session that was recorded while the slave came, with its proof.
  recorder!.cut()
  await cluster.inSync()
  assert.ok(recorder!.recorded.length > 100, 'a whole session is recorded')
  await whileServing(async () => {
    await everyAttack(ALLOWED, HEARD_MAX)
    await everyAttack(STRANGERS[0]!, 0)
  })
  await assertLetGo(before)
  // One warning a second of each event: which of the refusals are told is chance.
  await assertToldOf(/HA_PEER_NOT_ALLOWED/, /ha_peer_refused/)
}

async function assertToldOf(...patterns: RegExp[]): Promise<void> {
  const { dir } = cluster.master
  const log = readFileSync(`${dir}/logs/broker.out`, 'utf8')
  for (const pattern of patterns) assert.match(log, pattern, 'the operator is told')
  assert.ok(!log.includes('only we two know'), 'the secret is in no log')
}

/** No secret, no slave: an acknowledgement that is made up must release nothing (rocketmq#3015). */
async function forgedAcknowledgements(): Promise<void> {
  const dir = temporaryFolder('ha-forged')
  cluster = await ReplicaCluster.start({ dir, masters: 1, slaves: 0, role: 'SYNC_MASTER' })
  await cluster.createTopic(topic, queues)
  const address = cluster.master.server.address
  assert.equal(await sendOnce(address, topic), SLAVE_NOT_AVAILABLE)
  const { end } = await target()
  for (const offset of [end + 1, 2 ** 40, -1, -(2 ** 62)]) {
    const peer = await HaPeer.open(haAddress(), ALLOWED)
    peer.send(report(offset))
    await sleep(50)
    assert.equal(await sendOnce(address, topic), SLAVE_NOT_AVAILABLE)
    assert.ok(peer.isClosed, `who reports ${offset} is closed`)
    assert.ok(!peer.heardTheLog)
  }
  // It follows as a slave does, and then claims more than it was sent.
  const peer = await HaPeer.open(haAddress(), ALLOWED)
  peer.send(report(0))
  await sleep(200)
  assert.ok(peer.heardTheLog, 'who may follow gets the log')
  const { end: later } = await target()
  peer.send(report(later + 100_000))
  await sleep(100)
  assert.ok(peer.isClosed, 'a forged acknowledgement ends the connection')
  assert.equal(await sendOnce(address, topic), SLAVE_NOT_AVAILABLE)
  assert.equal((await haStatus(address)).inSyncSlaveNums, 0)
  await assertToldOf(/HA_ACK_FORGED/)
}

suite(`the replication port under attack (seed ${seed})`, () => {
  afterEach(async () => {
    recorder?.close()
    recorder = null
    await cluster.kill()
  })

  test('no stranger reads the log or acknowledges, whatever it sends', everyKind)
  test('floods and slow peers: the slave follows on, and every send is stored on both', floods)
  test('health checks by the thousand leave nothing behind', probes)
  test('an acknowledgement that is made up releases nothing', forgedAcknowledgements)
})
