// Failed system calls: the broker never acknowledges again, says why, ends, and recovers by reading the disk.
import assert from 'node:assert/strict'
import { before, suite, test } from 'node:test'
import type { ApogeeProcess } from '../harness/apogee.ts'
import { temporaryFolder } from '../harness/processes.ts'
import { createTopic } from '../harness/raw-client.ts'
import { History } from '../kill/history.ts'
import { Load, queues, readAll, topic } from '../kill/load.ts'
import { Random } from '../kill/random.ts'
import { endOf, FaultBroker, killAndWait } from './fault-broker.ts'
import { readLog } from './log-on-disk.ts'
import { judgeSyncOrder } from './sync-order.ts'
import { traceEvents } from './system-call-trace.ts'
import { requireTools } from './tools.ts'
import { attachTrace, linesOf } from './traced-broker.ts'

const LOAD_MS = 300
/** Until the error comes; strace slows everything down. */
const FAILURE_MS_MAX = 15_000
/** About 30 ms on an idle machine; this one may be busy. */
const EXIT_MS_MAX = 3000

interface FailedCall {
  /** strace counts per thread: the n-th call of some thread is the first to fail. */
  inject: string
  flush: 'SYNC_FLUSH' | 'ASYNC_FLUSH'
  /** What the log line must say about it. */
  logged: string
}

async function failUnderLoad(
  broker: FaultBroker,
  { running }: ApogeeProcess,
  failed: FailedCall,
): Promise<void> {
  const history = new History()
  const load = new Load(history, new Random(1), 0, new Map())
  await createTopic(broker.brokerAddr, topic, queues)
  await load.start(broker.brokerAddr)
  await new Promise((resolve) => setTimeout(resolve, LOAD_MS))
  const trace = await attachTrace(running.pid, failed.inject)
  const end = await endOf(running, FAILURE_MS_MAX)
  const endedAtS = Date.now() / 1000
  await killAndWait(running)
  await load.stop()
  await trace.running.exited

  const { sizes } = readLog(broker.storeDir)
  const verdict = judgeSyncOrder(traceEvents(linesOf(trace.file)), sizes)
  assert.ok(verdict.failedAtS !== null, 'a call on the log failed')
  const exitMs = (endedAtS - verdict.failedAtS) * 1000
  console.log(`${failed.inject}: ended ${exitMs.toFixed(0)} ms after the error`)
  if (exitMs > EXIT_MS_MAX) console.log(broker.logText())
  assert.ok(end !== null && end.code !== null && end.code !== 0, `exit code is ${end?.code}`)
  assert.ok(exitMs < EXIT_MS_MAX, `the process ended within ${EXIT_MS_MAX} ms`)
  assert.match(broker.logText(), failureOf(failed.logged))
  // What the trace did not see being written was acknowledged, rightly, before strace was there.
  if (failed.flush === 'SYNC_FLUSH') {
    assert.deepEqual(
      verdict.early.filter(({ why }) => why !== 'not written'),
      [],
    )
  }
  const restarted = await broker.start()
  const found = await readAll(broker.brokerAddr)
  assert.deepEqual(history.judge(found), [])
  await killAndWait(restarted.running)
}

/** The line that tells an operator what happened: what failed, how, and on which file. */
function failureOf(error: string): RegExp {
  const code = '"event":"store_failed","code":"STORE_(SYNC|WRITE)_FAILED"'
  return new RegExp(`"level":50.*${code}.*${error} [^ ]*commitlog`)
}

const failedCalls: readonly FailedCall[] = [
  { inject: 'fdatasync:error=EIO:when=1', flush: 'SYNC_FLUSH', logged: 'EIO: fdatasync' },
  { inject: 'fdatasync:error=EIO:when=7', flush: 'SYNC_FLUSH', logged: 'EIO: fdatasync' },
  // A thin device that is full fails the sync, not the write; the pages are lost all the same.
  { inject: 'fdatasync:error=ENOSPC:when=3', flush: 'SYNC_FLUSH', logged: 'ENOSPC: fdatasync' },
  { inject: 'fdatasync:error=EIO:when=2', flush: 'ASYNC_FLUSH', logged: 'EIO: fdatasync' },
  { inject: 'pwrite64,pwritev:error=EIO:when=5', flush: 'SYNC_FLUSH', logged: 'EIO: write' },
  { inject: 'pwrite64,pwritev:error=EIO:when=9', flush: 'ASYNC_FLUSH', logged: 'EIO: write' },
]

suite('failed system calls', () => {
  before(requireTools)

  for (const failed of failedCalls) {
    const name = `${failed.flush}: after ${failed.inject} nothing is acknowledged and the broker ends`
    test(name, async () => {
      const { flush } = failed
      const folder = temporaryFolder('failed-sync')
      const broker = await FaultBroker.prepare(folder, { flushDiskType: flush })
      try {
        await failUnderLoad(broker, await broker.start(), failed)
      } finally {
        await broker.dispose()
      }
    })
  }
})
