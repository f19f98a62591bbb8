import { setTimeout as sleep } from 'node:timers/promises'
import { type Consumer, type ReceivedMessage, RocketMQ, type RocketMQOptions } from '@apogee/client'
import type { Frame } from '../../harness/frames.ts'
import { createTopic, type Fields, RawClient, waitForRoute } from '../../harness/raw-client.ts'
import type { Target } from '../../harness/target.ts'
import { type DifferenceName, differences } from './differences.ts'

/** One thing that a user of the client sees, whatever the product behind it. */
export interface Behaviour {
  readonly name: string
  run(context: BehaviourContext): Promise<void>
}

export const WAIT_LIMIT_MS = 20_000

/** What a scenario has of its own: a topic, a group, clients that end with it. */
export class BehaviourContext {
  readonly target: Target
  readonly topic: string
  readonly group: string
  readonly #opened: RocketMQ[] = []
  #mq: RocketMQ | null = null

  constructor(target: Target, name: string) {
    this.target = target
    this.topic = name
    this.group = `${name}_group`
  }

  /** The client that does for most. */
  get mq(): RocketMQ {
    this.#mq ??= this.client()
    return this.#mq
  }

  /** Another client, as another process would be. */
  client(options: RocketMQOptions = {}): RocketMQ {
    const mq = new RocketMQ({ nameservers: this.target.namesrvAddr, ...options })
    this.#opened.push(mq)
    return mq
  }

  async createTopic(queues: number, topic: string = this.topic): Promise<void> {
    await createTopic(this.target.brokerAddr, topic, queues)
    await waitForRoute(this.target.namesrvAddr, topic)
  }

  /** Sends these bodies one after another, by a producer that ends with it. */
  async send(...bodies: readonly string[]): Promise<void> {
    await using producer = await this.mq.producer({ group: `${this.topic}_sender` })
    for (const body of bodies) await producer.send({ topic: this.topic, body })
  }

  /** Reads `topic` from its beginning, by a group and a client of its own, until `count` came and no more do. */
  async readAll(count: number, topic: string = this.topic): Promise<ReceivedMessage[]> {
    const inbox = new Inbox()
    const group = `${this.topic}_reader_${this.#opened.length}`
    const mq = this.client()
    const consumer = await mq.consumer({ group, subscriptions: { [topic]: '*' }, from: 'first' })
    await consumer.run(inbox.take)
    await inbox.exactly(count)
    await consumer.close()
    return inbox.messages
  }

  /** A request that the client has no call for. */
  async admin(code: number, fields: Fields): Promise<Frame> {
    const raw = await RawClient.connect(this.target.brokerAddr)
    try {
      const answer = await raw.request(code, fields)
      if (answer.code !== 0) throw new Error(`code ${code}: ${answer.code} ${answer.remark}`)
      return answer
    } finally {
      raw.close()
    }
  }

  /** What this product is known to do where the two differ. */
  expected(name: DifferenceName): unknown {
    return differences[name][this.target.kind]
  }

  async end(): Promise<void> {
    for (const mq of this.#opened) await mq.close()
  }
}

/** Collects what handlers get. */
export class Inbox {
  readonly messages: ReceivedMessage[] = []
  readonly take = (message: ReceivedMessage): void => {
    this.messages.push(message)
  }

  get bodies(): string[] {
    return this.messages.map((message) => message.body.toString())
  }

  /** Waits until so many came; fails when they do not. */
  async count(count: number, limitMs: number = WAIT_LIMIT_MS): Promise<void> {
    await until(
      () => this.messages.length >= count,
      `${count} messages`,
      limitMs,
      () => JSON.stringify(this.bodies),
    )
  }

  /** The same, and no more come in a while. */
  async exactly(count: number, quietMs: number = 700): Promise<void> {
    await this.count(count)
    await sleep(quietMs)
    if (this.messages.length !== count) {
      throw new Error(`${this.messages.length} messages, not ${count}: ${this.bodies.join(', ')}`)
    }
  }
}

/** Waits for a condition; the error says what was waited for, and what there is. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  limitMs: number = WAIT_LIMIT_MS,
  there: () => string = () => '',
): Promise<void> {
  const deadline = Date.now() + limitMs
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`no ${what} within ${limitMs} ms; ${there()}`)
    await sleep(20)
  }
}

/** Waits until a consumer has so many queues, besides that of its retries: its first rebalance is over. */
export async function owning(consumer: Consumer, queues: number): Promise<void> {
  const owned = (): number =>
    consumer.queues().filter(({ topic }) => !topic.startsWith('%RETRY%')).length
  await until(
    () => owned() === queues,
    `${queues} queues owned`,
    WAIT_LIMIT_MS,
    () => `${owned()} are`,
  )
}

/** What a delivery is known by: body and reconsumeTimes. */
export function deliveryOf(message: Pick<ReceivedMessage, 'body' | 'reconsumeTimes'>): string {
  return `${message.body.toString()} ${message.reconsumeTimes}`
}

/** `prefix-0`, `prefix-1`, … */
export function numbered(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}-${index}`)
}
