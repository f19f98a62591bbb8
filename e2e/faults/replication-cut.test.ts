// A master on one side of a cable, its slave on the other, and the cable cut: in one direction, in the other, in both.
// Nothing is SEND_OK that the slave has not, and both go on by themselves when the cable is mended. As root.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, suite, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { sendOnce } from '../cluster/one-send.ts'
import { compareLogs, haStatus } from '../cluster/replica-cluster.ts'
import { startApogee, startApogeeBrokerIn } from '../harness/apogee.ts'
import { freePorts, type RunningProcess, temporaryFolder } from '../harness/processes.ts'
import { createTopic } from '../harness/raw-client.ts'
import { endTarget } from '../harness/start-target.ts'
import { type BrokerConf, commonBrokerConf, type Target } from '../harness/target.ts'
import { History } from '../kill/history.ts'
import { Load, queues, readAll, topic } from '../kill/load.ts'
import { Random } from '../kill/random.ts'
import { NetworkNamespace } from './network-namespace.ts'

const SEED = Number(process.env['CLUSTER_SEED'] ?? Date.now() % 1_000_000)
const SUBNET = 78
const OK = 0
const SLAVE_NOT_AVAILABLE = 11
const FLUSH_SLAVE_TIMEOUT = 12
const LEVEL_MS = 30_000
const LIGHT = { connections: 2, inFlight: 8, bodyBytesMax: 2000 }

interface Pair {
  cable: NetworkNamespace
  master: Target
  slave: RunningProcess
  slaveAddress: string
  slaveStore: string
}

const dir = temporaryFolder('replication-cut')
const history = new History()
const random = new Random(SEED)
const positions = new Map<number, number>()
let nextId = 0
let cable: NetworkNamespace | null = null
let master: Target | null = null
let slave: RunningProcess | null = null
let pair: Pair

const COMMON: BrokerConf = {
  bindAddress: '0.0.0.0',
  haAllowedPeers: `127.0.0.1,10.213.${SUBNET}.0/24`,
  haSharedSecret: 'of the test',
  slaveTimeout: 1000,
  haSendHeartbeatInterval: 500,
  haHousekeepingInterval: 3000,
}

async function start(): Promise<void> {
  cable = await NetworkNamespace.create('apogee-replication', SUBNET)
  const host = { brokerIP1: cable.hostAddress, brokerIP2: cable.hostAddress }
  const brokerConf = { ...COMMON, ...host, brokerRole: 'SYNC_MASTER' }
  master = await startApogee({ dir, brokerConf, namesrvConf: { bindAddress: '0.0.0.0' } })
  await createTopic(master.brokerAddr, topic, queues)
  const port = (await freePorts(4)) + 2
  const inner = { brokerIP1: cable.innerAddress, brokerIP2: cable.innerAddress }
  const slaveConf = { ...COMMON, ...inner, brokerRole: 'SLAVE', brokerId: 1 }
  const folder = join(dir, 'slave')
  const slaveStore = join(folder, 'store')
  const ports = { namesrv: 0, broker: port }
  const conf = commonBrokerConf({ dir: folder, brokerConf: slaveConf }, ports, slaveStore)
  const namesrvAddr = `${cable.hostAddress}:${master.ports.namesrv}`
  slave = (await startApogeeBrokerIn(cable.command, folder, conf, namesrvAddr)).running
  pair = { cable, master, slave, slaveAddress: `${cable.innerAddress}:${port}`, slaveStore }
  await level()
}

async function end(): Promise<void> {
  slave?.kill()
  await slave?.exited
  if (master !== null) await endTarget(master)
  await cable?.dispose()
}

async function level(): Promise<void> {
  const until = Date.now() + LEVEL_MS
  for (;;) {
    const status = await haStatus(pair.master.brokerAddr)
    if (status.haConnectionInfo.some((one) => one.inSync && one.diff === 0)) return
    if (Date.now() > until) throw new Error(`the slave is not level: ${JSON.stringify(status)}`)
    await sleep(50)
  }
}

async function cutUnderLoad(direction: 'in' | 'out' | 'both', t: TestContext): Promise<void> {
  const { brokerAddr, ports, storeDir } = pair.master
  const load = new Load(history, random, nextId, positions, LIGHT)
  await load.start(brokerAddr)
  for (let waited = 0; load.counts.acknowledged === 0 && waited < 10_000; waited += 50) {
    await sleep(50)
  }
  assert.ok(load.counts.acknowledged > 0, `nothing flows: ${JSON.stringify([...load.refusals])}`)
  await pair.cable.cut(ports.broker + 1, direction)
  await sleep(4000)
  const during = await sendOnce(brokerAddr, topic)
  assert.ok([SLAVE_NOT_AVAILABLE, FLUSH_SLAVE_TIMEOUT].includes(during), `answered ${during}`)
  await pair.cable.mend()
  await level()
  assert.equal(await sendOnce(brokerAddr, topic), OK)
  await load.stop()
  nextId = load.nextId
  await level()
  const { acknowledged } = load.counts
  t.diagnostic(`${acknowledged} SEND_OK; ${JSON.stringify([...load.refusals])}`)
  assert.ok([...load.refusals.keys()].every((answer) => /^1[12] /.test(answer)))
  assert.deepEqual(own(await readAll(pair.slaveAddress)), [], 'on the slave')
  assert.deepEqual(own(await readAll(brokerAddr)), [], 'on the master')
  assert.ok(compareLogs(storeDir, pair.slaveStore) > 0)
}

/** Single sends of this test have no number and are not in the history. */
function own(shown: Awaited<ReturnType<typeof readAll>>): unknown[] {
  const problems = history.judge(shown.filter(({ id }) => id >= 0))
  return problems.filter(({ detail, kind }) => kind !== 'gap' && !detail.startsWith('message -1,'))
}

suite(`a cut cable between master and slave, seed ${SEED}`, () => {
  before(start)
  after(end)

  test('acknowledgements do not get through', (t) => cutUnderLoad('out', t))
  test('data does not get through', (t) => cutUnderLoad('in', t))
  test('nothing gets through', (t) => cutUnderLoad('both', t))
})
