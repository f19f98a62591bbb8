// One run of random faults over three masters with a slave each, in synchronous double write. Per master a raw load with
// consumers right behind it, whose history is judged on the master and on its slave; over all of them producers and
// consumers as users have them, judged by what was delivered. The order of faults follows from the seed, what they hit
// does not.
import { setTimeout as sleep } from 'node:timers/promises'
import { judgeDeliveries } from '../client/group-judge.ts'
import { GroupMembers } from '../client/group-members.ts'
import { rocketmqVersions } from '../harness/builds.ts'
import type { ClientProgram } from '../harness/client-program.ts'
import { startJavaClient } from '../harness/java-client.ts'
import { startApogeeClient, startGoClient } from '../harness/other-clients.ts'
import { History, type Problem } from '../kill/history.ts'
import { Load, queues, readAll, topic } from '../kill/load.ts'
import { Random } from '../kill/random.ts'
import { compareLogs, ReplicaCluster, type ReplicaNode } from './replica-cluster.ts'

const MASTERS = 3
const USERS_TOPIC = 'UsersTopic'
const PAUSE_MS_MAX = 2500
const DOWN_MS_MAX = 2000
const CALM_MS_MAX = 2000
const DRAIN_MS = 60_000

export interface FaultRunOptions {
  seed: number
  seconds: number
  /** Java's and Go's clients take part. */
  others: boolean
  dir: string
  log: (line: string) => void
}

export interface MasterReport {
  brokerName: string
  acknowledged: number
  /** Stored, but not promised: SLAVE_NOT_AVAILABLE, FLUSH_SLAVE_TIMEOUT; and refusals. By answer. */
  answers: Map<string, number>
  unanswered: number
  consumed: number
  /** Messages shown at the end, and bytes that are equal in both logs. */
  messages: number
  equalBytes: number
}

export interface FaultReport {
  problems: Problem[]
  faults: Map<string, number>
  masters: MasterReport[]
  users: { sent: number; failed: number; delivered: number; repeated: number }
}

/** A load that outlives its master: one Load per life of it, one history for all. */
class MasterLoad {
  readonly master: ReplicaNode
  readonly history: History = new History()
  readonly report: MasterReport
  readonly #random: Random
  readonly #positions = new Map<number, number>()
  #load: Load | null = null
  #nextId = 0

  constructor(master: ReplicaNode, random: Random) {
    this.master = master
    this.#random = random
    this.report = {
      brokerName: master.brokerName,
      acknowledged: 0,
      answers: new Map(),
      unanswered: 0,
      consumed: 0,
      messages: 0,
      equalBytes: 0,
    }
  }

  async start(): Promise<void> {
    this.#load = new Load(this.history, this.#random, this.#nextId, this.#positions, LIGHT)
    await this.#load.start(this.master.server.address)
  }

  async stop(): Promise<void> {
    const load = this.#load
    if (load === null) return
    this.#load = null
    await load.stop()
    this.#nextId = load.nextId
    const { report } = this
    report.acknowledged += load.counts.acknowledged
    report.unanswered += load.counts.unanswered
    report.consumed += load.counts.consumed
    for (const [answer, count] of load.refusals) {
      report.answers.set(answer, (report.answers.get(answer) ?? 0) + count)
    }
  }
}

/** Three masters, three slaves and their clients share two cores: the load leaves room for the faults to be seen. */
const LIGHT = { connections: 2, inFlight: 4, bodyBytesMax: 1500 }

export class FaultRun {
  readonly #options: FaultRunOptions
  readonly #random: Random
  readonly #faults = new Map<string, number>()
  readonly #programs: ClientProgram[] = []
  #cluster!: ReplicaCluster
  #loads: MasterLoad[] = []
  #members!: GroupMembers

  constructor(options: FaultRunOptions) {
    this.#options = options
    this.#random = new Random(options.seed)
  }

  async run(): Promise<FaultReport> {
    const { dir } = this.#options
    const conf = { slaveTimeout: 1000, flushDiskType: 'ASYNC_FLUSH' }
    const shape = { dir, masters: MASTERS, slaves: 1, role: 'SYNC_MASTER' as const, conf }
    this.#cluster = await ReplicaCluster.start(shape)
    try {
      return await this.#runOn(this.#cluster)
    } finally {
      await this.#members?.killAll()
      for (const program of this.#programs) await program.kill()
      await this.#cluster.kill()
    }
  }

  async #runOn(cluster: ReplicaCluster): Promise<FaultReport> {
    await cluster.createTopic(topic, queues)
    await cluster.createTopic(USERS_TOPIC, 4)
    await cluster.inSync()
    this.#loads = cluster.masters.map((master) => new MasterLoad(master, this.#random))
    for (const load of this.#loads) await load.start()
    const senders = await this.#startUsers()
    const until = Date.now() + this.#options.seconds * 1000
    while (Date.now() < until) {
      await this.#disturb()
      await sleep(this.#random.below(CALM_MS_MAX))
    }
    for (const load of this.#loads) await load.stop()
    const users = await this.#judgeUsers(senders)
    await cluster.inSync()
    const problems = [...users.problems]
    for (const load of this.#loads) problems.push(...(await this.#judge(load)))
    const masters = this.#loads.map(({ report }) => report)
    return { problems, faults: this.#faults, masters, users: users.counts }
  }

  async #startUsers(): Promise<ClientProgram[]> {
    const { dir, others } = this.#options
    const namesrvAddr = this.#cluster.namesrv.address
    const group = { namesrvAddr, topic: USERS_TOPIC, group: 'users', orderly: false, dir }
    this.#members = new GroupMembers(group)
    await this.#members.join('apogee')
    await this.#members.join(others ? 'java' : 'apogee')
    const senders = [await startApogeeClient(namesrvAddr, dir, 'sender')]
    if (others) {
      const version = rocketmqVersions.current
      senders.push(await startJavaClient({ version, namesrvAddr, dir }))
      senders.push(await startGoClient(namesrvAddr, this.#cluster.master.server.address, dir))
    }
    this.#programs.push(...senders)
    await senders[0]!.run('start-sender', {
      name: 's',
      topic: USERS_TOPIC,
      everyMs: 5,
      prefix: 'ours',
    })
    return senders
  }

  async #judgeUsers(
    senders: readonly ClientProgram[],
  ): Promise<{ problems: Problem[]; counts: FaultReport['users'] }> {
    const { sent, failed } = await senders[0]!.run('stop-sender', { name: 's' })
    const acknowledged = sent.filter(({ status }) => status === 'SEND_OK')
    const unsure = new Set(failed.map((text) => text.split(':')[0] ?? ''))
    for (const { body, status } of sent) if (status !== 'SEND_OK') unsure.add(body)
    for (const [index, sender] of senders.slice(1).entries()) {
      const more = await sender.run('send', {
        topic: USERS_TOPIC,
        count: 200,
        prefix: `other${index}`,
      })
      acknowledged.push(...more.sent.filter(({ status }) => status === 'SEND_OK'))
    }
    const judge = (): ReturnType<typeof judgeDeliveries> =>
      judgeDeliveries(acknowledged, unsure, this.#members.deliveries)
    const end = Date.now() + DRAIN_MS
    while (judge().lost.length > 0 && Date.now() < end) await sleep(200)
    const { lost, made, repeated } = judge()
    const problems: Problem[] = [
      ...lost.map((body) => ({ kind: 'lost' as const, detail: `${body} was never delivered` })),
      ...made.map((body) => ({ kind: 'phantom' as const, detail: `${body} was never sent` })),
    ]
    const delivered = this.#members.deliveries.length
    return { problems, counts: { sent: sent.length, failed: failed.length, delivered, repeated } }
  }

  async #judge({ history, master, report }: MasterLoad): Promise<Problem[]> {
    const [slave] = this.#cluster.slavesOf(master)
    const onMaster = await readAll(master.server.address)
    const onSlave = await readAll(slave!.server.address)
    report.messages = onMaster.length
    report.equalBytes = compareLogs(master.storeDir, slave!.storeDir)
    const named = (where: string) => (problem: Problem) => ({
      ...problem,
      detail: `${master.brokerName}, ${where}: ${problem.detail}`,
    })
    return [
      ...history.judge(onMaster).map(named('on the master')),
      ...history.judge(onSlave).map(named('on the slave')),
    ]
  }

  async #disturb(): Promise<void> {
    const load = this.#loads[this.#random.below(MASTERS)]!
    const [slave] = this.#cluster.slavesOf(load.master)
    const downMs = this.#random.below(DOWN_MS_MAX)
    switch (this.#random.below(8)) {
      case 0:
      case 1:
        return await this.#killMaster(load, downMs)
      case 2:
        return await this.#restart('slave killed', slave!, () => slave!.server.kill(), downMs)
      case 3:
        return await this.#pause('slave paused', slave!)
      case 4:
        return await this.#pause('master paused', load.master)
      case 5:
        return await this.#restart('slave stopped', slave!, () => slave!.server.stop(), downMs)
      case 6:
        return await this.#killBoth(load, slave!, downMs)
      default:
        this.#note('NameServer killed', '')
        await this.#cluster.namesrv.kill()
        await sleep(downMs)
        return await this.#cluster.namesrv.start()
    }
  }

  async #killMaster(load: MasterLoad, downMs: number): Promise<void> {
    this.#note('master killed', load.master.server.name)
    await load.master.server.kill()
    await load.stop()
    await sleep(downMs)
    await load.master.server.start()
    await load.start()
  }

  async #killBoth(load: MasterLoad, slave: ReplicaNode, downMs: number): Promise<void> {
    this.#note('pair killed', load.master.brokerName)
    await Promise.all([load.master.server.kill(), slave.server.kill()])
    await load.stop()
    await sleep(downMs)
    await slave.server.start()
    await load.master.server.start()
    await load.start()
  }

  async #restart(
    what: string,
    node: ReplicaNode,
    end: () => Promise<void>,
    downMs: number,
  ): Promise<void> {
    this.#note(what, node.server.name)
    await end()
    await sleep(downMs)
    await node.server.start()
  }

  async #pause(what: string, node: ReplicaNode): Promise<void> {
    this.#note(what, node.server.name)
    node.server.suspend()
    await sleep(this.#random.below(PAUSE_MS_MAX))
    node.server.resume()
  }

  #note(what: string, where: string): void {
    this.#faults.set(what, (this.#faults.get(what) ?? 0) + 1)
    this.#options.log(`${what} ${where}`)
  }
}

/** For people: what was done, what each pair promised and holds, and what is wrong. */
export function showReport(report: FaultReport, log: (line: string) => void): void {
  log(`faults: ${[...report.faults].map(([what, count]) => `${what} ${count}x`).join(', ')}`)
  for (const master of report.masters) {
    const { acknowledged, brokerName, consumed, equalBytes, messages, unanswered } = master
    log(
      `${brokerName}: ${acknowledged} SEND_OK, ${unanswered} unanswered, ${consumed} consumed, ${messages} on master and slave, ${equalBytes} bytes equal`,
    )
    for (const [answer, count] of master.answers) log(`${brokerName}: ${count} times ${answer}`)
  }
  const { delivered, failed, repeated, sent } = report.users
  log(`users: ${sent} sent, ${failed} failed, ${delivered} delivered, ${repeated} more than once`)
  for (const { detail, kind } of report.problems.slice(0, 20)) log(`${kind}: ${detail}`)
  log(report.problems.length === 0 ? 'nothing is missing' : `${report.problems.length} problems`)
}
