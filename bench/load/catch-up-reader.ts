// Reads queues from their beginning to a given end over one connection; a worker of catch-up-load.ts.
import { parentPort, workerData } from 'node:worker_threads'
import { PullConnection } from './pull-connection.ts'

export interface CatchUpWork {
  host: string
  port: number
  topic: string
  /** Where each queue ends. */
  ends: readonly number[]
}

export interface CatchUpResult {
  bytes: number
  messages: number
  seconds: number
}

const PULL_BATCH_MAX = 32

async function readAll(work: CatchUpWork): Promise<CatchUpResult> {
  const { host, port, topic, ends } = work
  const startedMs = performance.now()
  let bytes = 0
  let messages = 0
  let left = ends.length
  await new Promise<void>((resolve, reject) => {
    const listener = {
      record: (_buffer: Buffer, _at: number, size: number): void => {
        bytes += size
        messages++
      },
      wantsMore: (queueId: number, nextOffset: number): boolean => {
        if (nextOffset < (ends[queueId] ?? 0)) return true
        left--
        if (left === 0) {
          connection.close()
          resolve()
        }
        return false
      },
    }
    const queues = ends.map((_, queueId) => ({ queueId, offset: 0 }))
    const common = { host, port, topic, group: 'bench_catch_up', batchMax: PULL_BATCH_MAX }
    const connection = new PullConnection({ ...common, queues }, listener)
    connection.start().catch(reject)
  })
  return { bytes, messages, seconds: (performance.now() - startedMs) / 1000 }
}

parentPort?.postMessage(await readAll(workerData as CatchUpWork))
