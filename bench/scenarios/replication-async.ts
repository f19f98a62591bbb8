// What an asynchronous slave costs its master, what it costs itself, and how far it is behind at half load.
import { join } from 'node:path'
import { caughtUp, knowsTopic, until } from '../../e2e/harness/broker-facts.ts'
import { createTopic } from '../../e2e/harness/raw-client.ts'
import { BrokerGroup, type PairName, pairNames } from '../candidates/pair.ts'
import type { LatencyReport } from '../load/latency-load.ts'
import { processUsage } from '../measure/process-usage.ts'
import { type Goal, type Row, rowOf, type Samples } from '../report/result.ts'
import { interleaveGroups, PIN_NOTE, warmUpGroup } from './replication-groups.ts'
import { type BenchOptions, type Outcome, runLoad, type Scenario } from './scenario.ts'
import { measureSends } from './send.ts'

const TOPIC = 'ReplicaTopic'
const QUEUES = 4
const LOAD = { topic: TOPIC, queues: QUEUES, connections: 1, inflight: 64 }
const CATCH_UP_MS = 60_000
/** Apache's slave asks for topics once a minute, and shows no message of a topic that it does not know. */
const METADATA_MS = 90_000

interface House {
  name: PairName
  alone: BrokerGroup
  pair: BrokerGroup
}

async function run(options: BenchOptions, samples: Samples): Promise<Outcome> {
  const houses: House[] = []
  try {
    for (const name of pairNames.filter((one) => options.candidates.includes(one))) {
      const folder = join(options.folder, `${name}-${Date.now()}`)
      const common = { flush: 'async', role: 'ASYNC_MASTER', pin: options.pin, masters: 1 } as const
      const start = async (slaves: boolean): Promise<BrokerGroup> => {
        const own = { ...common, folder: join(folder, slaves ? 'pair' : 'alone'), slaves }
        const group = await BrokerGroup.start(name, own)
        await createTopic(group.master.address, TOPIC, QUEUES)
        await warmUpGroup(group, options, LOAD)
        return group
      }
      const alone = await start(false)
      alone.suspend()
      houses.push({ name, alone, pair: await start(true) })
      await topicOnSlave(houses.at(-1)?.pair as BrokerGroup)
    }
    await rates(houses, options, samples)
    await lags(houses, options, samples)
  } finally {
    for (const { alone, pair } of houses) {
      await alone.end()
      await pair.end()
    }
  }
  return { rows: rows(samples), notes: options.pin ? [PIN_NOTE] : [] }
}

async function topicOnSlave({ slave }: BrokerGroup): Promise<void> {
  await until(`${TOPIC} on the slave`, METADATA_MS, () => knowsTopic(slave.address, TOPIC))
}

async function rates(
  houses: readonly House[],
  options: BenchOptions,
  samples: Samples,
): Promise<void> {
  const groups = houses.flatMap(({ alone, pair }) => [alone, pair])
  const { seconds, warmupSeconds: warmup } = options
  await interleaveGroups(groups, options.rounds, async (group, round) => {
    const slave = group.slaves[0]
    const cpu = (): [number, number] => [
      processUsage(group.master.pid).cpuSeconds,
      slave === undefined ? 0 : processUsage(slave.pid).cpuSeconds,
    ]
    const before = cpu()
    const values = await measureSends(group.master, { ...LOAD, seconds, warmup }, options)
    if (slave === undefined) {
      samples.add(group.name, 'alone', round, values)
      return
    }
    const behindMs = await caughtUp(group.master.address, slave.address, CATCH_UP_MS)
    // Over the same messages: the slave has everything that its master has.
    const [master, replica] = cpu().map((after, index) => after - (before[index] ?? 0)) as [
      number,
      number,
    ]
    samples.add(group.name, 'with a slave', round, {
      ...values,
      slaveCpuOverMasters: replica / master,
      behindAtEndMs: behindMs,
    })
  })
}

/** Sends at half of the rate that this very pair reached, read from the slave: until a message can be read there. */
async function lags(
  houses: readonly House[],
  options: BenchOptions,
  samples: Samples,
): Promise<void> {
  const { seconds, warmupSeconds: warmup } = options
  await interleaveGroups(
    houses.map(({ pair }) => pair),
    options.rounds,
    async (group, round) => {
      const top = samples.median(group.name, 'with a slave', 'perSecond') ?? 0
      const rate = Math.round(top / 2)
      const paced = { ...LOAD, connections: 4, inflight: 1024, rate, seconds, warmup }
      const load = { ...paced, 'pull-port': group.slave.port }
      const report = await runLoad<LatencyReport>('latency-load', group.master, load, options)
      samples.add(group.name, 'half load', round, {
        rate,
        lagP50Ms: report.sendToReceive.p50Ms,
        lagP99Ms: report.sendToReceive.p99Ms,
        lagMaxMs: report.sendToReceive.maxMs,
        ackP99Ms: report.sendToAck.p99Ms,
        missing: report.sent - report.received,
        owed: report.owed,
      })
    },
  )
}

function rows(samples: Samples): (Row | null)[] {
  const rate = (name: PairName, shape: string): number | null =>
    samples.median(name, shape, 'perSecond')
  const attached: Goal = {
    measure: 'rate with an async slave, against alone',
    unit: '/s',
    atLeast: 0.6,
    aim: 0.8,
    better: 'higher',
  }
  const limit = (measure: string, unit: string, [atLeast, aim]: [number, number]): Goal => {
    return { measure, unit, atLeast, aim, better: 'lower' }
  }
  const cpu = samples.median('apogee', 'with a slave', 'slaveCpuOverMasters')
  const lag = samples.median('apogee', 'half load', 'lagP99Ms')
  return [
    rowOf(attached, rate('apogee', 'with a slave'), rate('apogee', 'alone')),
    rowOf(
      { ...attached, measure: "the same of Apache's, to compare", atLeast: 0, aim: 0 },
      rate('apache', 'with a slave'),
      rate('apache', 'alone'),
    ),
    rowOf(limit("CPU of a slave per message, over its master's", 'x', [1, 0.5]), cpu, 'limit'),
    rowOf(limit('send to readable on the slave, p99 at half load', 'ms', [20, 5]), lag, 'limit'),
  ]
}

export const replicationAsync: Scenario = {
  name: 'replication-async',
  summary: 'an asynchronous slave: what it costs, how far it is behind',
  run,
}
