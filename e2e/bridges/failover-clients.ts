// The shape 2m-2s-sync with clients of every house, none of which knows anything of it: a master is killed and returns.
// What was acknowledged is on its slave at its place and is read there; mqadmin sees it before, during and after.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { knowsTopic, until } from '../harness/broker-facts.ts'
import { BrokerNode } from '../harness/broker-node.ts'
import type { ClientProgram, SentMessage } from '../harness/client-program.ts'
import { startMqadmin } from '../harness/java-client.ts'
import { freePorts, type RunningProcess, temporaryFolder } from '../harness/processes.ts'
import { createTopic, waitForRoute } from '../harness/raw-client.ts'
import { startNamesrv } from './bridge.ts'
import { type ClientKind, ClientTraffic, clientKinds } from './client-traffic.ts'
import { ours } from './options.ts'
import { readTopic } from './read-topic.ts'

const CLUSTER = 'InteropCluster'
const TOPIC = 'Failover'
const QUEUES = 4
const GROUP = 'java-steady'
const STEP_MS = 40_000
const METADATA_MS = 80_000
/** Go's looks for routes every 30 seconds, whatever one tells it. */
const LOOK_OFTEN: readonly ClientKind[] = ['apogee', 'java', 'java4']
/** Over 8 queues; a consumer has at most the first ones of each in its socket. */
const UNREAD = 100
/** Go's client asks a dead master where a group begins, and no slave: a group that has begun goes on at a slave. */
const BEGIN_AT_A_SLAVE = /^(apogee|java|java4)-late$/

interface Scene {
  namesrv: RunningProcess
  namesrvAddr: string
  masters: readonly [BrokerNode, BrokerNode]
  slaves: readonly [BrokerNode, BrokerNode]
  admin: ClientProgram
  traffic: ClientTraffic
}

async function startBrokers(dir: string, namesrvAddr: string): Promise<BrokerNode[]> {
  const nodes: BrokerNode[] = []
  for (const brokerId of [0, 1]) {
    for (const brokerName of ['broker-a', 'broker-b']) {
      const node = await BrokerNode.place({
        kind: ours,
        dir: join(dir, brokerId === 0 ? brokerName : `${brokerName}-s`),
        brokerName,
        brokerId,
        role: brokerId === 0 ? 'SYNC_MASTER' : 'SLAVE',
        namesrvAddr,
        conf: { registerNameServerPeriod: 10_000, autoCreateTopicEnable: false },
      })
      nodes.push(node)
    }
  }
  await Promise.all(nodes.map((node) => node.start()))
  return nodes
}

async function startScene(): Promise<Scene> {
  const dir = temporaryFolder('failover')
  const port = await freePorts(1)
  const namesrvAddr = `127.0.0.1:${port}`
  const namesrv = await startNamesrv(ours, join(dir, 'namesrv'), port)
  const nodes = await startBrokers(dir, namesrvAddr)
  const [a, b, as, bs] = nodes as [BrokerNode, BrokerNode, BrokerNode, BrokerNode]
  for (const { address } of [a, b]) await createTopic(address, TOPIC, QUEUES)
  await waitForRoute(namesrvAddr, TOPIC)
  for (const { address } of [as, bs]) {
    await until('topics on the slaves', METADATA_MS, () => knowsTopic(address, TOPIC))
  }
  const place = { namesrvAddr, brokerAddr: a.address, dir }
  const [traffic, admin] = await Promise.all([
    ClientTraffic.start(clientKinds, TOPIC, place),
    startMqadmin(namesrvAddr, dir),
  ])
  await traffic.consume('steady')
  traffic.startSending()
  return { namesrv, namesrvAddr, masters: [a, b], slaves: [as, bs], admin, traffic }
}

async function endScene(scene: Scene): Promise<void> {
  await scene.traffic.end()
  await scene.admin.kill()
  for (const node of [...scene.slaves, ...scene.masters]) await node.kill()
  scene.namesrv.kill()
  await scene.namesrv.exited
}

/** Each of these clients has had an acknowledgement from this master since now. */
async function takesWrites(
  { traffic }: Scene,
  { brokerName }: BrokerNode,
  kinds: readonly ClientKind[] = clientKinds,
): Promise<void> {
  const before = traffic.acknowledgedBy(brokerName, kinds)
  await until(`${kinds.join()} send to ${brokerName}`, STEP_MS, () =>
    traffic.acknowledgedBy(brokerName, kinds).every((count, index) => count > (before[index] ?? 0)),
  )
}

async function output(
  scene: Scene,
  command: string,
  args: Record<string, string>,
): Promise<string> {
  return (await scene.admin.run(command, args)).output
}

/** Ours says its role in brokerStatus; Apache's does not. */
function roleOf(role: string): RegExp {
  return ours === 'apogee' ? new RegExp(`brokerRole\\s*:\\s*${role}`) : /brokerVersionDesc/
}

/** Both masters are there and each has its slave in sync. */
async function whole(scene: Scene): Promise<void> {
  const list = await output(scene, 'clusterList', {})
  for (const { brokerName, brokerId, address } of [...scene.masters, ...scene.slaves]) {
    assert.match(
      list,
      new RegExp(`^${CLUSTER}\\s+${brokerName}\\s+${brokerId}\\s+${address}\\s`, 'm'),
    )
  }
  for (const [index, master] of scene.masters.entries()) {
    const ha = await output(scene, 'haStatus', { b: master.address })
    assert.match(ha, /#SlaveNum\s+1/, ha)
    assert.match(ha, /#InSyncSlaveNum\s+1/, ha)
    const status = await output(scene, 'brokerStatus', { b: master.address })
    assert.match(status, roleOf('SYNC_MASTER'), status)
    const slave = scene.slaves[index] as BrokerNode
    assert.match(await output(scene, 'brokerStatus', { b: slave.address }), roleOf('SLAVE'))
    const followed = await output(scene, 'haStatus', { b: slave.address })
    assert.match(followed, new RegExp(`#MasterAddr\\s+${master.haAddress}`), followed)
  }
  const progress = await output(scene, 'consumerProgress', { g: GROUP })
  assert.match(progress, /broker-a/, progress)
  assert.match(progress, /Consume Diff Total: \d+/, progress)
}

/** The first master is dead: its slave is what there is of it, and the group can be looked at. */
async function withoutMaster(scene: Scene): Promise<void> {
  const [dead] = scene.masters
  const [slave] = scene.slaves
  const list = await output(scene, 'clusterList', {})
  assert.doesNotMatch(list, new RegExp(`${dead.address}\\s+V`), list)
  assert.match(list, new RegExp(`${dead.brokerName}\\s+1\\s+${slave.address}\\s+V`), list)
  const status = await output(scene, 'brokerStatus', { b: slave.address })
  assert.match(status, roleOf('SLAVE'))
  const progress = await output(scene, 'consumerProgress', { g: GROUP })
  assert.match(progress, /broker-a/, progress)
  assert.match(progress, /Consume Diff Total: \d+/, progress)
}

/**
 * Each acknowledged message of the dead master is on its slave, in the queue and at the offset that its sender was told.
 */
async function onTheSlave({ slaves }: Scene, sent: readonly SentMessage[]): Promise<void> {
  const places = await readTopic(slaves[0].address, TOPIC, QUEUES)
  const missing = sent
    .map(({ queueId, queueOffset, body }) => `${queueId}/${queueOffset} ${body}`)
    .filter((place) => !places.has(place))
  assert.deepEqual(missing, [])
}

/** The clients are suspended while messages come in, so that those of the dead master can only be read from its slave. */
async function killUnread({ traffic, masters }: Scene): Promise<void> {
  const [sender, ...readers] = traffic.clients
  for (const { program } of readers) process.kill(program.pid, 'SIGSTOP')
  const before = sender?.sent.length ?? 0
  await until('messages that nobody reads', STEP_MS, () => {
    return (sender?.sent.length ?? 0) > before + UNREAD
  })
  await masters[0].kill()
  for (const { program } of readers) process.kill(program.pid, 'SIGCONT')
}

export async function failover(t: TestContext): Promise<void> {
  const scene = await startScene()
  const { traffic, masters } = scene
  const [a, b] = masters
  const startedMs = performance.now()
  const step = (text: string): void =>
    t.diagnostic(`${((performance.now() - startedMs) / 1000).toFixed(1)} s: ${text}`)
  try {
    await takesWrites(scene, a)
    await takesWrites(scene, b)
    await whole(scene)
    step('both masters take writes of all clients, and mqadmin sees both slaves in sync')
    await killUnread(scene)
    await takesWrites(scene, b)
    const ofA = traffic.sent.filter(({ brokerName }) => brokerName === a.brokerName)
    await onTheSlave(scene, ofA)
    step(`broker-a is killed; its ${ofA.length} acknowledged messages are on its slave`)
    const steady = await traffic.drained(/steady$/, ofA)
    assert.deepEqual(steady.problems, [])
    step(`the groups that were behind have read them there, ${steady.tookMs} ms later`)
    await withoutMaster(scene)
    await traffic.consume('late')
    const late = await traffic.drained(BEGIN_AT_A_SLAVE, ofA)
    assert.deepEqual(late.problems, [])
    step(`new groups have read them there in ${late.tookMs} ms`)
    await a.start()
    await takesWrites(scene, a, LOOK_OFTEN)
    await until('mqadmin sees all of it again', STEP_MS, async () => {
      await whole(scene)
      return true
    })
    step('broker-a is back and takes writes')
    await traffic.stopSending()
    const { problems, repeated } = await traffic.drained(/./)
    assert.deepEqual(problems, [])
    for (const [group, { made }] of traffic.verdicts()) assert.deepEqual(made, [], group)
    const counts = `${traffic.sent.length} acknowledged, ${traffic.failed.length} not`
    step(`${counts}; every group has them all, ${repeated} more than once`)
    const reasons = new Set(
      traffic.failed.map((text) => text.replace(/^[^:]*: /, '').slice(0, 120)),
    )
    for (const reason of reasons) t.diagnostic(`not acknowledged: ${reason}`)
  } finally {
    await endScene(scene)
  }
}
