// Producers and consumers of every house that never stop while servers come and go, and the tally of their messages.
import { setTimeout as sleep } from 'node:timers/promises'
import { judgeDeliveries, type Verdict } from '../client/group-judge.ts'
import type { Delivery } from '../client/group-members.ts'
import { rocketmqVersions } from '../harness/builds.ts'
import type { ClientProgram, SentMessage } from '../harness/client-program.ts'
import { startJavaClient } from '../harness/java-client.ts'
import { startApogeeClient, startGoClient } from '../harness/other-clients.ts'

export const clientKinds = ['apogee', 'java', 'java4', 'go'] as const
export type ClientKind = (typeof clientKinds)[number]

export interface Place {
  namesrvAddr: string
  /** Only Go's client needs one, to create topics; it creates none here. */
  brokerAddr: string
  dir: string
}

async function startClient(kind: ClientKind, place: Place): Promise<ClientProgram> {
  const { namesrvAddr, brokerAddr, dir } = place
  switch (kind) {
    case 'apogee':
      return await startApogeeClient(namesrvAddr, dir)
    case 'java':
      return await startJavaClient({ version: rocketmqVersions.current, namesrvAddr, dir })
    case 'java4':
      return await startJavaClient({ version: rocketmqVersions.last4, namesrvAddr, dir })
    case 'go':
      return await startGoClient(namesrvAddr, brokerAddr, dir)
  }
}

const PAUSE_MS = 5
const JUDGE_EVERY_MS = 300
const DRAIN_MS = 40_000

/** One of a kind of client in a process of its own: a producer, and consumers by group. */
class Client {
  readonly kind: ClientKind
  readonly program: ClientProgram
  readonly sent: SentMessage[] = []
  readonly failed: string[] = []
  /** By group; Go's are asked for, the others say each message at once. */
  readonly deliveries: Map<string, Delivery[]> = new Map()
  #sending: Promise<void> | null = null
  #running = false
  #next = 0

  constructor(kind: ClientKind, program: ClientProgram) {
    this.kind = kind
    this.program = program
    program.onLine((line) => {
      if (!line.startsWith('{"got"')) return
      const got = JSON.parse(line) as Omit<Delivery, 'member' | 'queue'> & GotLine
      const { queueOffset, body, at } = got
      const queue = `${got.broker}:${got.queueId}`
      this.deliveries.get(got.got)?.push({ member: got.got, queue, queueOffset, body, at })
    })
  }

  startSending(topic: string): void {
    this.#running = true
    this.#sending = this.#send(topic)
  }

  async stopSending(): Promise<void> {
    this.#running = false
    await this.#sending
  }

  async end(): Promise<void> {
    this.#running = false
    await this.program.kill()
  }

  async #send(topic: string): Promise<void> {
    while (this.#running) {
      const prefix = `${this.kind}-${this.#next++}`
      try {
        const { sent } = await this.program.run('send', { topic, count: 1, prefix })
        const [message] = sent
        if (message?.status === 'SEND_OK') this.sent.push(message)
        else this.failed.push(`${prefix}-0: ${message?.status}`)
      } catch (error) {
        this.failed.push(`${prefix}-0: ${(error as Error).message}`)
      }
      await sleep(PAUSE_MS)
    }
  }

  async consume(topic: string, group: string): Promise<void> {
    const name = `${this.kind}-${group}`
    this.deliveries.set(name, [])
    const own = { name, instance: name, group: name, stream: true, from: 'FIRST' }
    await this.program.run('start-consumer', { ...own, topic })
  }

  async refresh(): Promise<void> {
    if (this.kind !== 'go') return
    for (const name of this.deliveries.keys()) {
      const { received } = await this.program.run('await-consumer', { name, settleMs: 0 })
      const all = received.map(({ queueId, queueOffset, body, receivedAt: at }) => {
        return { member: name, queue: String(queueId), queueOffset, body, at }
      })
      this.deliveries.set(name, all)
    }
  }
}

interface GotLine {
  got: string
  broker: string
  queueId: number
}

/** All clients of a test, and what they were promised. */
export class ClientTraffic {
  readonly clients: readonly Client[]
  readonly #topic: string

  private constructor(topic: string, clients: readonly Client[]) {
    this.#topic = topic
    this.clients = clients
  }

  static async start(
    kinds: readonly ClientKind[],
    topic: string,
    place: Place,
  ): Promise<ClientTraffic> {
    const start = async (kind: ClientKind): Promise<Client> =>
      new Client(kind, await startClient(kind, place))
    return new ClientTraffic(topic, await Promise.all(kinds.map(start)))
  }

  startSending(): void {
    for (const client of this.clients) client.startSending(this.#topic)
  }

  async stopSending(): Promise<void> {
    await Promise.all(this.clients.map((client) => client.stopSending()))
  }

  /** A group of its own for each client: every one reads what all send. */
  async consume(group: string): Promise<void> {
    await Promise.all(this.clients.map((client) => client.consume(this.#topic, group)))
  }

  get sent(): SentMessage[] {
    return this.clients.flatMap(({ sent }) => sent)
  }

  get failed(): string[] {
    return this.clients.flatMap(({ failed }) => failed)
  }

  /** How many messages this broker acknowledged so far, to each of these clients. */
  acknowledgedBy(brokerName: string, kinds: readonly ClientKind[] = clientKinds): number[] {
    return this.clients
      .filter(({ kind }) => kinds.includes(kind))
      .map(({ sent }) => sent.filter((one) => one.brokerName === brokerName).length)
  }

  /** By group, for those messages whose sends a test is about (all by default). */
  verdicts(sent: readonly SentMessage[] = this.sent): Map<string, Verdict> {
    const unsure = new Set(this.failed.map((text) => text.split(':')[0] ?? ''))
    const all = this.clients.flatMap(({ deliveries }) => [...deliveries])
    return new Map(
      all.map(([group, deliveries]) => [group, judgeDeliveries(sent, unsure, deliveries)]),
    )
  }

  /** Waits until no group misses one of these; gives what each group then misses or made up, and the time it took. */
  async drained(
    groups: RegExp,
    sent: readonly SentMessage[] = this.sent,
    limitMs: number = DRAIN_MS,
  ): Promise<{ problems: string[]; repeated: number; tookMs: number }> {
    const startedMs = performance.now()
    for (;;) {
      await Promise.all(this.clients.map((client) => client.refresh()))
      const verdicts = [...this.verdicts(sent)].filter(([group]) => groups.test(group))
      const problems = verdicts.flatMap(([group, { lost }]) =>
        lost.map((body) => `${group} lacks ${body}`),
      )
      const tookMs = Math.round(performance.now() - startedMs)
      if (problems.length === 0 || tookMs > limitMs) {
        const repeated = verdicts.reduce((sum, [, verdict]) => sum + verdict.repeated, 0)
        return { problems: problems.slice(0, 20), repeated, tookMs }
      }
      await sleep(JUDGE_EVERY_MS)
    }
  }

  async end(): Promise<void> {
    await Promise.all(this.clients.map((client) => client.end()))
  }
}
