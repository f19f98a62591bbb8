import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { decodeRecords, ResponseCode } from '@apogee/protocol'
import type { Broker } from '../broker.ts'
import { textsOf } from '../testing/requests.ts'
import { ReplicaPair, SLAVE_HOST } from './testing/replica-pair.ts'

// A master loses what it had not synced; its slave has more, or something else.

const SEED = Number(process.env['APOGEE_SEED'] ?? 60_300)

/** What the operator is told. */
class Told {
  readonly errors: Record<string, unknown>[] = []
  restarts = 0
  readonly failures: string[] = []

  watch(pair: ReplicaPair): void {
    const { cluster } = pair
    cluster.log = {
      ...cluster.log,
      error: (fields) => this.errors.push(fields as Record<string, unknown>),
    }
  }

  listen(broker: Broker, restart: boolean): void {
    broker.onFailure(({ code }) => this.failures.push(code))
    if (restart) broker.onRestartNeeded(() => this.restarts++)
  }

  get diverged(): Record<string, unknown> | undefined {
    return this.errors.find(({ event }) => event === 'log_diverged')
  }
}

/** Both have `kept`; the master has lost `lost`, which the slave has. The master is down. */
async function lostTail(seed: number, told: Told, restart: boolean): Promise<ReplicaPair> {
  // Nothing is synced but once, before the tail.
  const pair = new ReplicaPair(seed, { flushIntervalCommitLog: 1000 })
  told.watch(pair)
  await pair.start()
  told.listen(pair.slave.broker!, restart)
  const { cluster, master } = pair
  await pair.send('kept')
  await cluster.until(() => {
    const { appended, flushed } = master.services.store.watermarks
    return flushed === appended
  })
  await cluster.pass(200)
  await pair.send('lost')
  await pair.send('lost too')
  await pair.untilSame()
  cluster.world.host('10.0.0.1').cutPower({ keep: 0, damage: 0 })
  return pair
}

async function restarted(pair: ReplicaPair, told: Told): Promise<void> {
  await pair.cluster.until(() => told.restarts === 1)
  await pair.slave.start()
  await pair.untilInSync()
  await pair.untilSame()
}

test('a slave that has more than its master stops by itself, is cut, keeps the tail, and follows again', async () => {
  const told = new Told()
  const pair = await lostTail(SEED, told, true)
  const { master, slave } = pair
  const end = slave.services.store.maxPhysicalOffset
  await pair.masterReturns()
  const at = master.services.store.maxPhysicalOffset
  ok(at < end, `${at} ${end}`)
  await restarted(pair, told)
  deepEqual(told.failures, [])

  // The operator is told what was cut off, and where it is.
  const event = told.diverged
  ok(event !== undefined)
  deepEqual([event['at'], event['end'], event['bytes']], [at, end, end - at])
  const keep = String(event['keep'])
  match(keep, new RegExp(`^/store/diverged/${at}-\\d+\\.log$`))
  const { disk } = pair.cluster.world.host(SLAVE_HOST)
  const records = decodeRecords(Buffer.from(disk.contents().get(keep)!))
  ok(Array.isArray(records))
  deepEqual(
    records.map(({ body }) => Buffer.from(body).toString()),
    ['lost', 'lost too'],
  )

  equal((await pair.send('new')).code, ResponseCode.SUCCESS)
  await pair.untilSame()
  const [here, there] = [await pair.pull(master, 0), await pair.pull(slave, 0)]
  deepEqual(textsOf(here), ['kept', 'new'])
  deepEqual(there.body, here.body)
  await pair.stop()
})

test('a slave that has other messages than its master takes those of the master, and mixes nothing', async () => {
  const told = new Told()
  const pair = await lostTail(SEED + 1, told, true)
  const { master, slave } = pair
  pair.cut()
  await pair.masterReturns()
  for (const text of ['other', 'others', 'and more', 'than there were']) await pair.send(text)
  pair.heal()
  await restarted(pair, told)
  const [here, there] = [await pair.pull(master, 0), await pair.pull(slave, 0)]
  deepEqual(textsOf(here), ['kept', 'other', 'others', 'and more', 'than there were'])
  deepEqual(there.body, here.body)
  await pair.stop()
})

test('a slave that nobody starts again says that it failed', async () => {
  const told = new Told()
  const pair = await lostTail(SEED + 2, told, false)
  await pair.masterReturns()
  await pair.cluster.until(() => told.failures.length > 0)
  deepEqual(told.failures, ['HA_RESTART_NEEDED'])
  await pair.slave.start()
  await pair.untilInSync()
  await pair.untilSame()
  deepEqual(textsOf(await pair.pull(pair.slave, 0)), ['kept'])
  await pair.stop()
})

test('a log that cannot be cut stays as it is, and the slave says that it failed', async () => {
  const told = new Told()
  const pair = await lostTail(SEED + 3, told, true)
  const { cluster, master } = pair
  const { disk } = cluster.world.host(SLAVE_HOST)
  disk.faults.failWhen(({ path }) => path.includes('/diverged/'), { code: 'EIO' })
  await pair.masterReturns()
  await cluster.until(() => told.failures.length > 0)
  deepEqual(told.failures, ['HA_LOG_NOT_CUT'])
  equal(told.restarts, 0)
  disk.faults.clear()
  master.kill()
  await pair.slave.start()
  deepEqual(textsOf(await pair.pull(pair.slave, 0)), ['kept', 'lost', 'lost too'])
  await pair.slave.stop()
})

test('a difference larger than haDivergedTailMax is left to the operator', async () => {
  const told = new Told()
  const pair = await lostTail(SEED + 4, told, true)
  const { cluster, slave } = pair
  slave.kill()
  const broker = await slave.start({ haDivergedTailMax: 100 })
  told.listen(broker, true)
  await pair.masterReturns()
  await cluster.until(() => slave.services.ha.slave!.status.state === 'refused')
  const info = await pair.runtimeInfo(slave)
  equal(info.get('replicationState'), 'refused')
  match(info.get('replicationProblem') ?? '', /^HA_DIVERGED_TOO_FAR: /)
  deepEqual([told.restarts, told.failures], [0, []])
  // Readers are sent to the master, which is there.
  const pulled = await pair.pull(slave, 0)
  equal(pulled.fields.get('suggestWhichBrokerId'), '0')
  await pair.stop()
})
