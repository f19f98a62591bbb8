// A slave with an empty store behind a full master: how fast it copies, and what its master keeps of its rate meanwhile.
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { logRange } from '../../e2e/harness/broker-facts.ts'
import type { BrokerNode } from '../../e2e/harness/broker-node.ts'
import { createTopic } from '../../e2e/harness/raw-client.ts'
import { BrokerGroup, type PairName, pairNames } from '../candidates/pair.ts'
import type { SendReport } from '../load/send-load.ts'
import { type Goal, type Row, rowOf, type Samples } from '../report/result.ts'
import { PIN_NOTE, warmUpGroup } from './replication-groups.ts'
import { type BenchOptions, type Outcome, runLoad, type Scenario } from './scenario.ts'

/** Below the end of the first file, which is where Apache's master lets a slave begin. */
const BYTES = 0.6e9
const MB = 1e6
const TOPIC = 'ReplicaTopic'
const LOAD = { topic: TOPIC, queues: 4, connections: 1, inflight: 64 }
const CATCH_UP_MS = 120_000
const POLL_MS = 10
/** One run of sends, and how many of them while the slave copies: the master must stay in its first file. */
const SEND_BYTES = 0.05e9
const RUNS_MAX = 3

async function run(options: BenchOptions, samples: Samples): Promise<Outcome> {
  const notes = options.pin ? [PIN_NOTE] : []
  for (let round = 0; round < options.rounds; round++) {
    for (const name of pairNames.filter((one) => options.candidates.includes(one))) {
      await copyIdle(name, options, samples, round)
      await copyUnderLoad(name, options, samples, round)
    }
  }
  return { rows: rows(samples), notes }
}

async function filled(name: PairName, options: BenchOptions): Promise<BrokerGroup> {
  const group = await BrokerGroup.start(name, {
    folder: join(options.folder, `${name}-${Date.now()}`),
    flush: 'async',
    role: 'ASYNC_MASTER',
    pin: options.pin,
    masters: 1,
    slaves: true,
    slavesWait: true,
  })
  await createTopic(group.master.address, TOPIC, 4)
  const load = { ...LOAD, connections: 4, inflight: 16, warmup: 0, bytes: BYTES }
  await runLoad<SendReport>('send-load', group.master, load, options)
  return group
}

/** From the first bytes to the last: how long a process needs to start is not measured here. */
async function copied(slave: BrokerNode, target: () => Promise<number>): Promise<number> {
  const until = performance.now() + CATCH_UP_MS
  let first: { bytes: number; atMs: number } | null = null
  for (;;) {
    const bytes = await endOf(slave)
    const atMs = performance.now()
    if (first === null && bytes > 0) first = { bytes, atMs }
    if (first !== null && bytes >= (await target())) {
      return (bytes - first.bytes) / MB / Math.max((atMs - first.atMs) / 1000, POLL_MS / 1000)
    }
    if (atMs > until) throw new Error(`the slave has ${bytes} bytes after ${CATCH_UP_MS} ms`)
    await sleep(POLL_MS)
  }
}

async function copyIdle(
  name: PairName,
  options: BenchOptions,
  samples: Samples,
  round: number,
): Promise<void> {
  const group = await filled(name, options)
  try {
    const end = (await logRange(group.master.address)).max
    await group.slave.start()
    const mbPerSecond = await copied(group.slave, () => Promise.resolve(end))
    samples.add(name, 'from empty', round, { mbPerSecond })
  } finally {
    await group.end()
  }
}

async function copyUnderLoad(
  name: PairName,
  options: BenchOptions,
  samples: Samples,
  round: number,
): Promise<void> {
  const group = await filled(name, options)
  try {
    if (name === 'apache' && round === 0) await warmUpGroup(group, options, { ...LOAD, rate: 500 })
    const send = async (): Promise<number> => {
      const load = { ...LOAD, warmup: 0, bytes: SEND_BYTES }
      return (await runLoad<SendReport>('send-load', group.master, load, options)).perSecond
    }
    const alone = await send()
    await group.slave.start()
    await copyBegins(group.slave)
    let copying = true
    const end = (await logRange(group.master.address)).max
    const copy = copied(group.slave, () => Promise.resolve(end)).finally(() => {
      copying = false
    })
    // A run that the copy ended before says too much; when the copy is so fast that there is no other, it has to do.
    const during = [await send()]
    while (copying && during.length < RUNS_MAX) {
      const rate = await send()
      if (copying) during.push(rate)
    }
    const mbPerSecond = await copy
    const meanwhile = during.reduce((sum, one) => sum + one, 0) / during.length
    samples.add(name, 'from empty under load', round, {
      mbPerSecond,
      alonePerSecond: alone,
      duringPerSecond: meanwhile,
      kept: meanwhile / alone,
    })
  } finally {
    await group.end()
  }
}

async function copyBegins(slave: BrokerNode): Promise<void> {
  const until = performance.now() + CATCH_UP_MS
  while ((await endOf(slave)) === 0 && performance.now() < until) await sleep(1)
}

/** A broker of Apache's fails when it is asked for the end of a log without files. */
async function endOf(slave: BrokerNode): Promise<number> {
  return await logRange(slave.address).then(
    ({ max }) => max,
    () => 0,
  )
}

function rows(samples: Samples): (Row | null)[] {
  const copy = (name: PairName): number | null => samples.median(name, 'from empty', 'mbPerSecond')
  const kept = (name: PairName): number | null =>
    samples.median(name, 'from empty under load', 'kept')
  const rate: Goal = {
    measure: 'a slave copies from empty',
    unit: 'MB/s',
    atLeast: 300,
    aim: 500,
    better: 'higher',
  }
  const keeps: Goal = { ...rate, measure: 'its master keeps', unit: 'x', atLeast: 0.7, aim: 0.85 }
  const compare = { atLeast: 1, aim: 2 }
  return [
    rowOf(rate, copy('apogee'), 'limit'),
    rowOf(
      { ...rate, ...compare, measure: 'the copy, against apache' },
      copy('apogee'),
      copy('apache'),
    ),
    rowOf(keeps, kept('apogee'), 'limit'),
    rowOf(
      { ...keeps, measure: "Apache's keeps, to compare", atLeast: 0, aim: 0 },
      kept('apache'),
      'limit',
    ),
  ]
}

export const replicationCatchUp: Scenario = {
  name: 'replication-catch-up',
  summary: 'a slave copies from empty; what its master keeps',
  run,
}
