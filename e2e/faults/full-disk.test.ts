// A full disk: messages are refused, everything else goes on, and sends come back by themselves with the space.
import assert from 'node:assert/strict'
import { closeSync, openSync, rmSync, statfsSync, utimesSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { before, suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { codes, createTopic, RawClient } from '../harness/raw-client.ts'
import type { BrokerConf } from '../harness/target.ts'
import { History } from '../kill/history.ts'
import { queues, readAll, topic } from '../kill/load.ts'
import { FaultBroker, killAndWait } from './fault-broker.ts'
import { logFileNames, readLog } from './log-on-disk.ts'
import { SteadySender } from './steady-sender.ts'
import { requireTools } from './tools.ts'
import { LoopVolume, MemoryVolume } from './volume.ts'

const VOLUME_MIB = 96
/** XFS makes nothing smaller than 300 MiB. */
const VOLUME_SIZES_MIB = { ext4: VOLUME_MIB, xfs: 320 } as const
const FULL_MS_MAX = 20_000
const RESUME_MS_MAX = 5000
const DELETE_EXPIRED_COMMITLOG = 329
const REFUSED = /^14 .*disk/

/** No rule by percentage gets in the way: only the device itself says that it is full. */
const NO_RATIOS: BrokerConf = {
  diskMaxUsedSpaceRatio: 100,
  diskSpaceCleanForciblyRatio: 100,
  diskSpaceWarningLevelRatio: 100,
}

/** Other people's data on the volume. */
class Ballast {
  readonly #file: string
  readonly #volume: string

  constructor(volume: string) {
    this.#volume = volume
    this.#file = join(volume, 'ballast')
  }

  /** Writes until only so much is left. */
  leave(freeMiB: number): void {
    const descriptor = openSync(this.#file, 'a')
    const block = Buffer.alloc(1 << 18, 1)
    const { bsize } = statfsSync(this.#volume)
    while (statfsSync(this.#volume).bavail * bsize > freeMiB << 20) writeSync(descriptor, block)
    closeSync(descriptor)
  }

  remove(): void {
    rmSync(this.#file)
  }
}

function usedRatio(folder: string): number {
  const { blocks, bavail } = statfsSync(folder)
  return 1 - bavail / blocks
}

function newSender(history: History, firstId: number, pauseMs = 0): SteadySender {
  const pauses = { pauseMs, refusedPauseMs: 20 }
  const shape = { connections: 2, inFlightPerConnection: 8, bodySize: 3000 }
  return new SteadySender({ history, firstId, ...shape, ...pauses })
}

/** What is shown keeps every promise, and nothing that was refused is there. */
async function judge(
  broker: FaultBroker,
  history: History,
  senders: SteadySender[],
): Promise<void> {
  const found = await readAll(broker.brokerAddr)
  assert.deepEqual(history.judge(found), [])
  const refusedButThere = found.filter(({ id }) => senders.some(({ refused }) => refused.has(id)))
  assert.deepEqual(refusedButThere, [], 'a refused message is in the log')
}

function assertRefusedWithReason(sender: SteadySender): void {
  for (const reason of sender.refusals().keys()) assert.match(reason, REFUSED)
}

async function fillAndReturn(broker: FaultBroker, ballast: Ballast): Promise<void> {
  const history = new History()
  let { running } = await broker.start()
  await createTopic(broker.brokerAddr, topic, queues)

  ballast.leave(12)
  const first = newSender(history, 0)
  await first.start(broker.brokerAddr)
  await first.isRefused(50, FULL_MS_MAX)
  // Long enough for queues, index and checkpoint to want space too.
  await sleep(2500)
  await judge(broker, history, [first])
  assertRefusedWithReason(first)
  assert.ok(running.running, 'the broker lives on')
  ballast.remove()
  await first.acknowledges(500, RESUME_MS_MAX)

  ballast.leave(1)
  await first.isRefused(50, FULL_MS_MAX)
  await killAndWait(running)
  await first.stop()
  ;({ running } = await broker.start())
  const second = newSender(history, first.nextId)
  await second.start(broker.brokerAddr)
  await second.isRefused(50, FULL_MS_MAX)
  await judge(broker, history, [first, second])
  ballast.remove()
  await second.acknowledges(500, RESUME_MS_MAX)
  await second.stop()
  assertRefusedWithReason(second)

  const end = await running.stop()
  assert.equal(end.code, 0)
  const { remainsAt } = readLog(broker.storeDir)
  assert.equal(remainsAt, null, 'nothing of a refused record is left behind the log')
  ;({ running } = await broker.start())
  await judge(broker, history, [first, second])
  await killAndWait(running)
}

async function minOffset(brokerAddr: string): Promise<number> {
  const client = await RawClient.connect(brokerAddr)
  const answer = await client.request(codes.minOffset, { topic, queueId: 0 })
  client.close()
  return Number(answer.fields['offset'])
}

async function deleteExpired(brokerAddr: string): Promise<void> {
  const client = await RawClient.connect(brokerAddr)
  const answer = await client.request(DELETE_EXPIRED_COMMITLOG, {})
  client.close()
  assert.equal(answer.code, 0)
}

async function refusedByRatio(): Promise<void> {
  const volume = await MemoryVolume.create(VOLUME_MIB)
  const ratios = { ...NO_RATIOS, diskSpaceWarningLevelRatio: 90, cleanResourceInterval: 100 }
  const broker = await FaultBroker.prepare(volume.path, ratios)
  const ballast = new Ballast(volume.path)
  const history = new History()
  // Slow, so that the device is not full before the rule is looked at.
  const sender = newSender(history, 0, 50)
  try {
    const { running } = await broker.start()
    await createTopic(broker.brokerAddr, topic, queues)
    await sender.start(broker.brokerAddr)
    await sender.acknowledges(100, RESUME_MS_MAX)
    ballast.leave(8)
    await sender.isRefused(50, FULL_MS_MAX)
    assert.ok(usedRatio(volume.path) > 0.9)
    assert.ok(usedRatio(volume.path) < 0.97, 'refused though the device has space')
    await judge(broker, history, [sender])
    ballast.remove()
    await sender.acknowledges(100, RESUME_MS_MAX)
    await sender.stop()
    assertRefusedWithReason(sender)
    await judge(broker, history, [sender])
    assert.equal((await running.stop()).code, 0)
  } finally {
    await broker.dispose()
    await volume.dispose()
  }
}

async function expiredFilesGo(): Promise<void> {
  const volume = await MemoryVolume.create(VOLUME_MIB)
  const broker = await FaultBroker.prepare(volume.path, { ...NO_RATIOS, fileReservedTime: 72 })
  const sender = newSender(new History(), 0)
  try {
    const { running } = await broker.start()
    await createTopic(broker.brokerAddr, topic, queues)
    await sender.start(broker.brokerAddr)
    await sender.acknowledges(8000, FULL_MS_MAX)
    await sender.stop()
    const names = logFileNames(broker.storeDir)
    assert.ok(names.length >= 3, 'the log has several files')
    const used = usedRatio(volume.path)
    const old = Date.now() / 1000 - 100 * 3600
    utimesSync(join(broker.storeDir, 'commitlog', String(names[0])), old, old)
    await deleteExpired(broker.brokerAddr)
    assert.deepEqual(logFileNames(broker.storeDir), names.slice(1))
    assert.ok((await minOffset(broker.brokerAddr)) > 0, 'consumers see where the log begins')
    assert.ok(usedRatio(volume.path) < used - 0.05, 'the space is back')
    assert.equal((await running.stop()).code, 0)
  } finally {
    await broker.dispose()
    await volume.dispose()
  }
}

suite('a full disk', () => {
  before(requireTools)

  for (const [kind, flushDiskType] of [
    ['tmpfs', 'ASYNC_FLUSH'],
    ['tmpfs', 'SYNC_FLUSH'],
    ['ext4', 'SYNC_FLUSH'],
    ['xfs', 'ASYNC_FLUSH'],
  ] as const) {
    test(`${kind}, ${flushDiskType}: refused, readable, killed, and back with the space`, async () => {
      const volume =
        kind === 'tmpfs'
          ? await MemoryVolume.create(VOLUME_MIB)
          : await LoopVolume.create(kind, VOLUME_SIZES_MIB[kind])
      const broker = await FaultBroker.prepare(volume.path, { flushDiskType, ...NO_RATIOS })
      try {
        await fillAndReturn(broker, new Ballast(volume.path))
      } finally {
        await broker.dispose()
        await volume.dispose()
      }
    })
  }

  test(
    'above diskSpaceWarningLevelRatio sends are refused before the device is full',
    refusedByRatio,
  )

  test('expired files go when an operator asks, and only these', expiredFilesGo)
})
