// A slave of Apache's follows our master, and ours follows Apache's master: the same bytes at the same offsets, with kill
// -9 and return of either side under load, and synchronous double write over both bridges.
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import {
  caughtUp,
  commitOffset,
  committedOffset,
  knowsGroup,
  knowsTopic,
  logRange,
  until,
} from '../harness/broker-facts.ts'
import { rocketmqVersions } from '../harness/builds.ts'
import type { ClientProgram } from '../harness/client-program.ts'
import { startJavaClient } from '../harness/java-client.ts'
import { startApogeeClient } from '../harness/other-clients.ts'
import { temporaryFolder } from '../harness/processes.ts'
import { createGroup } from '../harness/raw-client.ts'
import { readAll, topic } from '../kill/load.ts'
import { Bridge } from './bridge.ts'
import { compareLogs } from './log-bytes.ts'
import { ours, seed, selfCheck } from './options.ts'

const LOAD_MS = 1200
const CATCH_UP_MS = 30_000
/** Apache's slave asks for topics, groups and offsets once a minute. */
const METADATA_MS = 75_000
const GROUP = 'bridge_group'
const COMMITTED = 7

/** Nothing is being sent: both logs end at the same offset and are the same from the slave's first to its last. */
async function sameBytes(bridge: Bridge, t: TestContext): Promise<void> {
  const { master, slave } = bridge
  await caughtUp(master.address, slave.address, CATCH_UP_MS)
  const { min, max } = await logRange(slave.address)
  const found = compareLogs(master.logDir, slave.logDir)
  t.diagnostic(
    `${found.records} records in ${found.files} files, ${found.from} to ${found.to}: the same bytes`,
  )
  assert.equal(found.difference, null)
  assert.deepEqual([found.from, found.to], [min, max])
  assert.ok(found.files > 1, 'the log of the slave crosses the end of a file')
}

/**
 * A slave of Apache 5.5.0 cannot read the offsets that a master of Apache 5.5.0 sends once any consumer has pulled: its
 * decoder steps over the field pullOffsetTable, which it does not know, and cannot step over unquoted names. Ours are read
 * by both.
 */
async function syncedMetadata(bridge: Bridge, t: TestContext): Promise<void> {
  const { master, slave } = bridge
  const withOffsets = master.kind === 'apogee' || slave.kind === 'apogee'
  await createGroup(master.address, GROUP)
  await commitOffset(master.address, GROUP, topic, 3, COMMITTED)
  const waitedMs = await until('topics, groups and offsets on the slave', METADATA_MS, async () => {
    const known =
      (await knowsTopic(slave.address, topic)) && (await knowsGroup(slave.address, GROUP))
    if (!withOffsets) return known
    return known && (await committedOffset(slave.address, GROUP, topic, 3)) === COMMITTED
  })
  t.diagnostic(`the slave has topic, group and offset after ${Math.round(waitedMs)} ms`)
}

let java: Promise<ClientProgram> | null = null

/** One JVM for both bridges; each consumer is told its NameServer. */
function sharedJava(): Promise<ClientProgram> {
  const dir = temporaryFolder('bridge-java')
  const version = rocketmqVersions.current
  // It answers with all that it was given, and a fast machine loads a pair with tens of thousands of messages.
  java ??= startJavaClient({ version, namesrvAddr: '', dir, heap: '1g' })
  return java
}

/** The master is dead: new groups of both clients read everything from the slave, at the offsets it has there. */
async function readWithoutMaster(bridge: Bridge, t: TestContext): Promise<void> {
  const { namesrvAddr: namesrv } = bridge
  const own = await startApogeeClient(namesrv, temporaryFolder('bridge-client'))
  const programs: [string, ClientProgram][] = [
    ['java', await sharedJava()],
    ['apogee', own],
  ]
  const stored = await readAll(bridge.slave.address)
  const wanted = stored.map(({ id, queueId, queueOffset }) => `${queueId}/${queueOffset} ${id}`)
  await bridge.master.kill()
  try {
    await Promise.all(
      programs.map(async ([name, program]) => {
        const startedMs = performance.now()
        const consumer = `${name}-${bridge.slave.port}`
        const given = { topic, group: consumer, batch: 32, instance: consumer, namesrv }
        await program.run('start-consumer', { name: consumer, ...given })
        const enough = { expected: wanted.length, timeoutMs: 45_000 }
        await program.run('await-consumer', { name: consumer, ...enough })
        const { received } = await program.run('stop-consumer', { name: consumer })
        const places = received.map(
          ({ queueId, queueOffset, body }) => `${queueId}/${queueOffset} ${body.split(':')[0]}`,
        )
        assert.deepEqual([...new Set(places)].toSorted(), wanted.toSorted(), name)
        const seconds = (performance.now() - startedMs) / 1000
        t.diagnostic(
          `${name}: ${received.length} messages from the slave in ${seconds.toFixed(1)} s`,
        )
      }),
    )
  } finally {
    await own.stop()
  }
}

/** Both are killed in the middle of a load, one after the other, and return. */
async function killsAndReturns(bridge: Bridge, t: TestContext): Promise<void> {
  const { master, slave } = bridge
  await bridge.attached()
  await bridge.underLoad(LOAD_MS, async () => await slave.kill())
  assert.ok(bridge.counts.acknowledged > 0, `acknowledged by the slave: ${refusals(bridge)}`)
  await slave.start()
  await bridge.attached()
  await bridge.underLoad(LOAD_MS, async () => await master.kill())
  await master.start()
  await bridge.attached()
  const { acknowledged } = await bridge.underLoad(LOAD_MS)
  assert.ok(acknowledged > 0, `after both returned: ${refusals(bridge)}`)
  await sameBytes(bridge, t)
}

function refusals(bridge: Bridge): string {
  return [...bridge.refusals].map(([reason, count]) => `${count} x ${reason}`).join('; ')
}

/** What the slave shows holds every promise of the master: each was only made once the slave had reported the bytes. */
async function promisesHold(bridge: Bridge, t: TestContext): Promise<void> {
  assert.deepEqual(await bridge.judge(bridge.slave.address), [])
  const { acknowledged, refused, unanswered } = bridge.counts
  t.diagnostic(
    `${acknowledged} acknowledged, all on the slave; ${refused} refused (${refusals(bridge)}), ${unanswered} in the air`,
  )
}

/** A slave of Apache's follows our master. */
export async function theirSlave(t: TestContext): Promise<void> {
  const dir = temporaryFolder('their-slave')
  const bridge = await Bridge.start({
    dir,
    namesrv: ours,
    master: ours,
    slave: 'apache',
    seed: seed,
  })
  try {
    await bridge.fill(9 << 20)
    await bridge.slave.start()
    if (!selfCheck) {
      await caughtUp(bridge.master.address, bridge.slave.address, CATCH_UP_MS)
      assert.equal((await logRange(bridge.slave.address)).min, 0, 'from the first message on')
    } else await followsLastFile(bridge)
    await killsAndReturns(bridge, t)
    await syncedMetadata(bridge, t)
    await promisesHold(bridge, t)
    await readWithoutMaster(bridge, t)
    if (!selfCheck) await becomesMaster(bridge)
  } finally {
    await bridge.end()
  }
}

/** The way back: what was a slave of Apache's goes on as master, with every message and the offsets of the groups. */
async function becomesMaster(bridge: Bridge): Promise<void> {
  const { slave } = bridge
  await slave.stop()
  slave.role = 'ASYNC_MASTER'
  slave.brokerId = 0
  await slave.start()
  assert.deepEqual(await bridge.judge(slave.address), [])
  assert.equal(await committedOffset(slave.address, GROUP, topic, 3), COMMITTED)
}

/** Ours follows Apache's master, from the file that this decides on. */
export async function ourSlave(t: TestContext): Promise<void> {
  const dir = temporaryFolder('our-slave')
  const bridge = await Bridge.start({
    dir,
    namesrv: ours,
    master: 'apache',
    slave: ours,
    seed: seed + 1,
  })
  try {
    await bridge.fill(9 << 20)
    await bridge.slave.start()
    await followsLastFile(bridge)
    await killsAndReturns(bridge, t)
    await syncedMetadata(bridge, t)
    await promisesHold(bridge, t)
    await readWithoutMaster(bridge, t)
    await bridge.master.start()
    await bridge.attached()
    const { acknowledged } = await bridge.underLoad(LOAD_MS)
    assert.ok(acknowledged > 0, `after the master returned: ${refusals(bridge)}`)
    await sameBytes(bridge, t)
    await promisesHold(bridge, t)
  } finally {
    await bridge.end()
  }
}

async function followsLastFile({ master, slave }: Bridge): Promise<void> {
  await caughtUp(master.address, slave.address, CATCH_UP_MS)
  const { max } = await logRange(master.address)
  const fileSize = 4 << 20
  assert.equal((await logRange(slave.address)).min, max - (max % fileSize), 'from the last file on')
}
