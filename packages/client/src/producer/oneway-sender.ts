import { RequestCode } from '@apogee/protocol'
import { RocketMQError } from '../api/errors.ts'
import type { MessageQueue } from '../api/message.ts'
import { closedError } from '../remote/errors.ts'
import { ONEWAY_HIGH_WATER_BYTES } from '../remote/remote-calls.ts'
import type { PreparedMessage } from './prepare-message.ts'
import type { SendWork } from './send-job.ts'
import type { Sender } from './sender.ts'
import type { TopicTarget } from './topic-target.ts'

type Choose = SendWork['choose']

interface Loading {
  readonly waiting: { choose: Choose; content: PreparedMessage }[]
  bytes: number
  readonly isDone: Promise<void>
}

/** Messages without an answer: written to the first broker whose connection takes them. */
export class OnewaySender {
  /** Messages that no connection took, or whose topic has no route. */
  dropped = 0
  private readonly sender: Sender
  /** Addresses written to since they were last flushed. */
  private readonly used = new Set<string>()
  /** Messages that wait for the route of their topic. */
  private readonly loading = new Map<TopicTarget, Loading>()

  constructor(sender: Sender) {
    this.sender = sender
  }

  /** False: full, wait for `flushed`. The message is on its way all the same, or dropped if nobody can take it. */
  send(topic: TopicTarget, choose: Choose, content: PreparedMessage): boolean {
    if (this.sender.isClosed) throw closedError()
    if (topic.isReady) return this.write(topic, choose, content)
    const { maxInFlight } = this.sender.settings
    let loading = this.loading.get(topic)
    if (loading === undefined) {
      loading = { waiting: [], bytes: 0, isDone: this.load(topic) }
      this.loading.set(topic, loading)
    }
    if (loading.waiting.length >= maxInFlight) this.drop(topic, 'too many wait for the route')
    else {
      loading.waiting.push({ choose, content })
      loading.bytes += content.body.length + content.propertiesSize
    }
    return loading.waiting.length < maxInFlight && loading.bytes <= ONEWAY_HIGH_WATER_BYTES
  }

  async flushed(): Promise<void> {
    await Promise.all([...this.loading.values()].map(({ isDone }) => isDone))
    const addresses = [...this.used]
    this.used.clear()
    const { remote, log } = this.sender.client
    await Promise.all(
      addresses.map((address) =>
        // What was on a lost connection is gone, as one-way messages may be.
        remote.flushed(address).catch((error: unknown) => {
          log.warn({ event: 'oneway_lost', address, err: error })
        }),
      ),
    )
  }

  private async load(topic: TopicTarget): Promise<void> {
    const { log } = this.sender.client
    try {
      await topic.load()
    } catch (error) {
      log.warn({ event: 'oneway_no_route', topic: topic.name, err: error })
    }
    const { waiting } = this.loading.get(topic)!
    this.loading.delete(topic)
    for (const { choose, content } of waiting) {
      if (topic.isReady) this.write(topic, choose, content)
      else this.drop(topic, 'no route')
    }
  }

  private write(topic: TopicTarget, choose: Choose, content: PreparedMessage): boolean {
    let failedBroker: string | null = null
    const tried = new Set<string>()
    while (true) {
      const queue: MessageQueue | null = choose === null ? topic.next(failedBroker) : choose()
      if (queue === null || tried.has(queue.brokerName)) break
      tried.add(queue.brokerName)
      failedBroker = queue.brokerName
      const connection = this.sender.connectionTo(topic, queue)
      if (connection instanceof RocketMQError) continue
      const opaque = connection.beginOneway()
      if (opaque === null) continue
      const code = RequestCode.SEND_MESSAGE_V2
      this.sender.write(connection, code, opaque, topic.target(queue, false), content, true)
      this.used.add(connection.name)
      return connection.pendingOutput <= ONEWAY_HIGH_WATER_BYTES
    }
    topic.refresh()
    this.drop(topic, 'no broker took it')
    return false
  }

  private drop(topic: TopicTarget, reason: string): void {
    this.dropped++
    this.sender.client.log.debug({ event: 'oneway_dropped', topic: topic.name, reason })
  }
}
