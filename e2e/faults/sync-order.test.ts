// The order of system calls: what a reply promises was written, and synced, before the reply.
import assert from 'node:assert/strict'
import { before, suite, test } from 'node:test'
import { temporaryFolder } from '../harness/processes.ts'
import { createTopic } from '../harness/raw-client.ts'
import { History } from '../kill/history.ts'
import { Load, queues, topic } from '../kill/load.ts'
import { Random } from '../kill/random.ts'
import { FaultBroker, killAndWait } from './fault-broker.ts'
import { readLog } from './log-on-disk.ts'
import { judgeSyncOrder, type SyncOrderVerdict } from './sync-order.ts'
import { traceEvents } from './system-call-trace.ts'
import { requireTools } from './tools.ts'
import { attachTrace, linesOf } from './traced-broker.ts'

const LOAD_MS = 2500

/** Loads a broker under trace; every acknowledgement that the client got must be in the trace, or the judge is blind. */
async function tracedRun(flushDiskType: string): Promise<SyncOrderVerdict> {
  const broker = await FaultBroker.prepare(temporaryFolder('sync-order'), { flushDiskType })
  try {
    const { running } = await broker.start()
    await createTopic(broker.brokerAddr, topic, queues)
    const trace = await attachTrace(running.pid)
    const load = new Load(new History(), new Random(1), 0, new Map())
    await load.start(broker.brokerAddr)
    await new Promise((resolve) => setTimeout(resolve, LOAD_MS))
    await killAndWait(running)
    await load.stop()
    await trace.running.exited
    const verdict = judgeSyncOrder(traceEvents(linesOf(trace.file)), readLog(broker.storeDir).sizes)
    const { acknowledged, early, syncs } = verdict
    console.log(`${flushDiskType}: ${acknowledged} replies, ${early.length} early, ${syncs} syncs`)
    assert.ok(load.counts.acknowledged > 200, 'the broker was under load')
    assert.ok(acknowledged >= load.counts.acknowledged, 'every reply is in the trace')
    return verdict
  } finally {
    await broker.dispose()
  }
}

suite('order of system calls', () => {
  before(requireTools)

  test('SYNC_FLUSH writes and syncs a record before the reply that promises it', async () => {
    const verdict = await tracedRun('SYNC_FLUSH')
    assert.deepEqual(verdict.early, [])
    assert.ok(verdict.syncs > 10)
  })

  test('the same check finds the replies of ASYNC_FLUSH that come before the sync', async () => {
    const verdict = await tracedRun('ASYNC_FLUSH')
    assert.ok(verdict.early.some(({ why }) => why === 'not synced'))
    assert.ok(!verdict.early.some(({ why }) => why === 'not written'))
  })
})
