// A broker that the machine stops for a while: SIGSTOP for longer than its time-outs, then SIGCONT.
import assert from 'node:assert/strict'
import { before, suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { temporaryFolder } from '../harness/processes.ts'
import { createTopic, RawClient } from '../harness/raw-client.ts'
import { History } from '../kill/history.ts'
import { Load, queues, readAll, topic } from '../kill/load.ts'
import { Random } from '../kill/random.ts'
import { FaultBroker, killAndWait } from './fault-broker.ts'
import { SteadySender } from './steady-sender.ts'
import { requireTools } from './tools.ts'

const LONG_PAUSE_MS = 10_000
const SHORT_PAUSES = 10
const RECOVER_MS_MAX = 5000

async function pause(pid: number, ms: number): Promise<void> {
  process.kill(pid, 'SIGSTOP')
  await sleep(ms)
  process.kill(pid, 'SIGCONT')
}

async function pausesUnderLoad(broker: FaultBroker): Promise<void> {
  const { running } = await broker.start()
  await createTopic(broker.brokerAddr, topic, queues)
  const history = new History()
  const shape = { connections: 4, inFlightPerConnection: 8, bodySize: 1000 }
  const pauses = { pauseMs: 1, refusedPauseMs: 20 }
  const sender = new SteadySender({ history, firstId: 0, ...shape, ...pauses })
  await sender.start(broker.brokerAddr)
  await sender.acknowledges(200, RECOVER_MS_MAX)
  await pause(running.pid, LONG_PAUSE_MS)
  // The same connections, without a restart of anything.
  await sender.acknowledges(200, RECOVER_MS_MAX)
  for (let number = 0; number < SHORT_PAUSES; number++) {
    await pause(running.pid, 100)
    await sender.acknowledges(20, RECOVER_MS_MAX)
  }
  const newcomer = await RawClient.connect(broker.brokerAddr)
  newcomer.close()
  await sender.stop()
  assert.equal(sender.unanswered, 0, 'no connection was lost')
  // What waited for too long may be busy (2), or stored with its sync late (10, FLUSH_DISK_TIMEOUT); nothing else.
  for (const reason of sender.refusals().keys()) assert.match(reason, /^(2|10) /)
  assert.deepEqual(history.judge(await readAll(broker.brokerAddr)), [])
  assert.equal((await running.stop()).code, 0)
}

/** What was under way when the broker stopped is as a power cut left it: the kill comes without a SIGCONT. */
async function killWhilePaused(broker: FaultBroker): Promise<void> {
  const { running } = await broker.start()
  await createTopic(broker.brokerAddr, topic, queues)
  const history = new History()
  const load = new Load(history, new Random(1), 0, new Map())
  await load.start(broker.brokerAddr)
  await sleep(500)
  process.kill(running.pid, 'SIGSTOP')
  await sleep(200)
  await killAndWait(running)
  await load.stop()
  const restarted = await broker.start()
  assert.deepEqual(history.judge(await readAll(broker.brokerAddr)), [])
  await killAndWait(restarted.running)
}

suite('pauses', () => {
  before(requireTools)

  for (const flushDiskType of ['ASYNC_FLUSH', 'SYNC_FLUSH']) {
    test(`${flushDiskType}: after ${LONG_PAUSE_MS} ms of SIGSTOP the same connections are served`, async () => {
      const broker = await FaultBroker.prepare(temporaryFolder('pause'), { flushDiskType })
      try {
        await pausesUnderLoad(broker)
      } finally {
        await broker.dispose()
      }
    })

    test(`${flushDiskType}: killed while it is stopped, it keeps what it promised`, async () => {
      const broker = await FaultBroker.prepare(temporaryFolder('pause'), { flushDiskType })
      try {
        await killWhilePaused(broker)
      } finally {
        await broker.dispose()
      }
    })
  }
})
