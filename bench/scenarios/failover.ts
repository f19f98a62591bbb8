// What clients feel when a master is killed: the first message that is read from its slave, and how long a producer with
// other masters goes without a success. Our client's and Java's, on our brokers and on Apache's.
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { caughtUp, knowsTopic, logRange, until } from '../../e2e/harness/broker-facts.ts'
import { rocketmqVersions } from '../../e2e/harness/builds.ts'
import type { ClientProgram } from '../../e2e/harness/client-program.ts'
import { startJavaClient } from '../../e2e/harness/java-client.ts'
import { startApogeeClient } from '../../e2e/harness/other-clients.ts'
import { codes, createTopic, RawClient } from '../../e2e/harness/raw-client.ts'
import { BrokerGroup, type PairName, pairNames } from '../candidates/pair.ts'
import { type Goal, type Row, rowOf, type Samples } from '../report/result.ts'
import type { BenchOptions, Outcome, Scenario } from './scenario.ts'

const TOPIC = 'FailoverTopic'
const CLIENTS = ['apogee', 'java'] as const
type ClientName = (typeof CLIENTS)[number]
const NOTE =
  "Java's client asks the NameServer every second here (30 by default); ours as by default"

/** Sent while the consumers are suspended: far more than what one answer of the master can have left in their sockets. */
const BEHIND = 2000
const SURELY_FROM_THE_SLAVE = 1100
const METADATA_MS = 90_000
const READ_LIMIT_MS = 60_000
const BEFORE_KILL_MS = 2000
const AFTER_KILL_MS = 8000
const MASTERS = 3

interface Clients {
  programs: Map<ClientName, ClientProgram>
  stop(): Promise<void>
}

async function startClients(group: BrokerGroup, dir: string): Promise<Clients> {
  const { namesrvAddr } = group
  const version = rocketmqVersions.current
  const programs = new Map<ClientName, ClientProgram>([
    ['apogee', await startApogeeClient(namesrvAddr, dir)],
    ['java', await startJavaClient({ version, namesrvAddr, dir })],
  ])
  const stop = async (): Promise<void> => {
    for (const program of programs.values()) await program.kill()
  }
  return { programs, stop }
}

async function eachHouse(
  options: BenchOptions,
  masters: number,
  measure: (group: BrokerGroup, clients: Clients) => Promise<void>,
): Promise<void> {
  for (const name of pairNames.filter((one) => options.candidates.includes(one))) {
    const folder = join(options.folder, `${name}-${Date.now()}`)
    const slaves = masters === 1
    const common = { flush: 'async', role: 'ASYNC_MASTER', pin: false } as const
    const group = await BrokerGroup.start(name, { ...common, folder, masters, slaves })
    try {
      for (const { address } of group.masters) await createTopic(address, TOPIC, slaves ? 1 : 4)
      for (const { address } of group.slaves) {
        await until('the topic on the slave', METADATA_MS, () => knowsTopic(address, TOPIC))
      }
      const clients = await startClients(group, folder)
      try {
        await measure(group, clients)
      } finally {
        await clients.stop()
      }
    } finally {
      await group.end()
    }
  }
}

/** Consumers at the end of the queue are suspended, messages come, the master dies, and the consumers wake up. */
async function readOnce(
  { master, slave }: BrokerGroup,
  { programs }: Clients,
  round: number,
): Promise<Map<ClientName, number>> {
  const reached = new Map<ClientName, number>()
  let wanted = Number.POSITIVE_INFINITY
  for (const [name, program] of programs) {
    const consumer = `${name}-${round}`
    program.onLine((line) => {
      if (!line.startsWith(`{"got":"${consumer}"`) || reached.has(name)) return
      const { queueOffset, at } = JSON.parse(line) as { queueOffset: number; at: number }
      if (queueOffset >= wanted) reached.set(name, at)
    })
    const timers = { pollMs: 30_000, heartbeatMs: 30_000 }
    const own = { name: consumer, instance: consumer, group: `failover_${consumer}`, stream: true }
    await program.run('start-consumer', { ...own, ...timers, topic: TOPIC, from: 'LAST' })
  }
  await sendMany(master.address, 10)
  await sleep(2000)
  for (const { pid } of programs.values()) process.kill(pid, 'SIGSTOP')
  const end = await sendMany(master.address, BEHIND)
  wanted = end - BEHIND + SURELY_FROM_THE_SLAVE
  await caughtUp(master.address, slave.address, METADATA_MS)
  const killedAt = Date.now()
  await master.kill()
  for (const { pid } of programs.values()) process.kill(pid, 'SIGCONT')
  await until('both read from the slave', READ_LIMIT_MS, () => reached.size === programs.size)
  for (const [name, program] of programs) {
    await program.run('stop-consumer', { name: `${name}-${round}` })
  }
  await master.start()
  await follows(master.address, slave.address)
  return new Map([...reached].map(([name, at]) => [name, at - killedAt]))
}

/** The slave is there again once it has what is sent now. */
async function follows(master: string, slave: string): Promise<void> {
  await sendMany(master, 1)
  await until('the slave follows', METADATA_MS, async () => {
    const { max } = await logRange(master)
    return (await logRange(slave)).max >= max
  })
}

/** Gives the queue's end. */
async function sendMany(address: string, count: number): Promise<number> {
  const client = await RawClient.connect(address)
  try {
    let end = 0
    for (let index = 0; index < count; index++) {
      const properties = `UNIQ_KEY\u0001${String(index).padStart(32, '0')}\u0002`
      const names = { a: 'bench', b: TOPIC, c: 'TBW102', d: 1, e: 0, f: 0, g: Date.now(), h: 0 }
      const fields = { ...names, i: properties, j: 0, k: false, l: 0, m: false }
      const answer = await client.request(codes.sendMessageV2, fields, Buffer.from(`m${index}`))
      if (answer.code !== 0) throw new Error(`send: ${answer.code} ${answer.remark}`)
      end = Number(answer.fields['queueOffset']) + 1
    }
    return end
  } finally {
    client.close()
  }
}

async function runRead(options: BenchOptions, samples: Samples): Promise<Outcome> {
  await eachHouse(options, 1, async (group, clients) => {
    for (let round = 0; round < options.rounds; round++) {
      for (const [client, firstReadMs] of await readOnce(group, clients, round)) {
        samples.add(client, `slave of ${group.name}`, round, { firstReadMs })
      }
    }
  })
  const first = (client: ClientName, house: PairName): number | null =>
    samples.median(client, `slave of ${house}`, 'firstReadMs')
  const goal: Goal = {
    measure: 'master killed: first message from the slave, our client',
    unit: 'ms',
    atLeast: 5000,
    aim: 1000,
    better: 'lower',
  }
  // What Java's timers allow is what it needs with a slave of Apache's.
  const java = { ...goal, measure: "the same, Java's client, against apache", atLeast: 1, aim: 0.5 }
  return {
    rows: [
      rowOf(goal, first('apogee', 'apogee'), 'limit'),
      rowOf(java, first('java', 'apogee'), first('java', 'apache')),
    ],
    notes: [NOTE],
  }
}

interface Sending {
  longestMs: number
  sent: number
  failed: number
}

/** One after another, each awaited; the longest time between two successes. */
async function sendSteadily(program: ClientProgram, untilMs: () => number): Promise<Sending> {
  const result: Sending = { longestMs: 0, sent: 0, failed: 0 }
  let lastMs = performance.now()
  while (performance.now() < untilMs()) {
    try {
      const { sent } = await program.run('send', { topic: TOPIC, count: 1, retries: 2 })
      if (sent[0]?.status !== 'SEND_OK') throw new Error(sent[0]?.status)
      result.sent++
      const nowMs = performance.now()
      result.longestMs = Math.max(result.longestMs, nowMs - lastMs)
      lastMs = nowMs
    } catch {
      result.failed++
      await sleep(1)
    }
  }
  result.longestMs = Math.max(result.longestMs, performance.now() - lastMs)
  return result
}

async function runSend(options: BenchOptions, samples: Samples): Promise<Outcome> {
  await eachHouse(options, MASTERS, async (group, { programs }) => {
    // Routes are known, code is warm, and the first message of a client is not what is measured.
    for (const program of programs.values()) {
      const warmUntilMs = performance.now() + options.warmupSeconds * 1000
      await sendSteadily(program, () => warmUntilMs)
    }
    for (let round = 0; round < options.rounds; round++) {
      const untilMs = performance.now() + BEFORE_KILL_MS + AFTER_KILL_MS
      const all = [...programs].map(async ([client, program]) => {
        const { longestMs, sent, failed } = await sendSteadily(program, () => untilMs)
        samples.add(client, `3 masters of ${group.name}`, round, { longestMs, sent, failed })
      })
      await sleep(BEFORE_KILL_MS)
      const victim = group.masters[round % MASTERS]
      await victim?.kill()
      await Promise.all(all)
      await victim?.start()
      await sleep(BEFORE_KILL_MS)
    }
  })
  return { rows: sendRows(samples), notes: [NOTE] }
}

function sendRows(samples: Samples): (Row | null)[] {
  const gap = (client: ClientName, house: PairName): number | null =>
    samples.median(client, `3 masters of ${house}`, 'longestMs')
  const measure = 'one of three masters killed: longest gap of'
  const goal: Goal = {
    measure: `${measure} our producer`,
    unit: 'ms',
    atLeast: 1000,
    aim: 200,
    better: 'lower',
  }
  const java = { ...goal, measure: `${measure} Java's producer`, atLeast: 3000 }
  const beside = { ...java, measure: `${measure} Java's, against apache`, atLeast: 1, aim: 0.5 }
  return [
    rowOf(goal, gap('apogee', 'apogee'), 'limit'),
    rowOf(java, gap('java', 'apogee'), 'limit'),
    rowOf(beside, gap('java', 'apogee'), gap('java', 'apache')),
  ]
}

export const failoverRead: Scenario = {
  name: 'failover-read',
  summary: 'a master is killed: the first message read from its slave',
  run: runRead,
}

export const failoverSend: Scenario = {
  name: 'failover-send',
  summary: 'one of three masters is killed: the longest gap of a producer',
  run: runSend,
}
