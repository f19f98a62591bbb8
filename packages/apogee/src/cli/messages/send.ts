import type { Message, SendOptions, SendResult } from '@apogee/client'
import { openClient } from '../context/open-client.ts'
import { ExitCode } from '../exit-codes.ts'
import type { CliIo } from '../io.ts'
import { printableLine } from '../output/printable.ts'
import { writeError } from '../output/write-error.ts'
import { throwIfInterrupted } from '../session.ts'
import { readSpan } from '../time-expression.ts'
import { type Outgoing, outgoingMessages } from './outgoing.ts'
import type { SendFlags } from './send-command.ts'

/** What sending takes of a producer. */
interface Sender {
  send(message: Message, options: SendOptions): Promise<SendResult>
}

/** One line of `-o json`; docs/cli/send.schema.json. */
export interface SentJson {
  /** Place among the messages sent, from 0. */
  readonly index: number
  readonly status: SendResult['status']
  readonly messageId: string
  readonly offsetMessageId: string
  readonly topic: string
  readonly brokerName: string
  readonly queueId: number
  readonly queueOffset: number
  readonly recallHandle: string | null
}

/**
 * `apogee send`. Results come in the order of the messages. The first failure ends sending: what is under way is still
 * told. Gives 0, or 5 when some were sent and some were not; a failure before anything was sent rejects.
 */
export async function send(
  io: CliIo,
  topic: string,
  body: string | null,
  flags: SendFlags,
  signal: AbortSignal,
): Promise<number> {
  const timeoutMs = readSpan('--timeout', flags.timeout)
  const messages = outgoingMessages(io, body, flags, signal)
  // Wrong words are told before anything is connected.
  const first = await messages.next()
  throwIfInterrupted(signal)
  if (first.done === true) return ExitCode.OK
  const mq = openClient(flags, io.environment)
  try {
    const producer = await mq.producer({
      timeoutMs,
      trace: flags.trace === true,
      ...(flags.group === undefined ? {} : { group: flags.group }),
    })
    const run = new SendRun(io, topic, flags, producer)
    return await run.all(first.value, messages, signal)
  } finally {
    await mq.close()
  }
}

type Outcome = { readonly result: SendResult } | { readonly error: unknown }

class SendRun {
  private readonly io: CliIo
  private readonly topic: string
  private readonly flags: SendFlags
  private readonly producer: Sender
  private readonly isJson: boolean
  /** Sends under way, oldest first. */
  private readonly underWay: Promise<Outcome>[] = []
  private failure: { error: unknown } | null = null
  private sent = 0

  constructor(io: CliIo, topic: string, flags: SendFlags, producer: Sender) {
    this.io = io
    this.topic = topic
    this.flags = flags
    this.producer = producer
    this.isJson = (flags.output ?? (io.out.isTerminal ? 'text' : 'json')) === 'json'
  }

  async all(first: Outgoing, rest: AsyncIterable<Outgoing>, signal: AbortSignal): Promise<number> {
    // A retry must not overtake: messages of one key go one after the other.
    this.begin(first)
    if (first.shardingKey !== undefined) await this.settleOldest()
    for await (const message of rest) {
      const limit = message.shardingKey === undefined ? this.flags.inFlight : 1
      while (this.underWay.length >= limit) await this.settleOldest()
      if (this.failure !== null || signal.aborted) break
      this.begin(message)
    }
    while (this.underWay.length > 0) await this.settleOldest()
    return await this.end(signal)
  }

  private begin(message: Outgoing): void {
    const { shardingKey, ...content } = message
    const options = shardingKey === undefined ? {} : { shardingKey }
    const sending = this.producer.send({ topic: this.topic, ...content }, options).then(
      (result) => ({ result }),
      (error: unknown) => ({ error }),
    )
    this.underWay.push(sending)
  }

  private async settleOldest(): Promise<void> {
    const oldest = this.underWay.shift()
    if (oldest === undefined) return
    const outcome = await oldest
    if ('error' in outcome) this.failure ??= { error: outcome.error }
    else await this.tell(outcome.result)
  }

  private async tell(result: SendResult): Promise<void> {
    const index = this.sent++
    const { queue, messageId, offsetMessageId, queueOffset, recallHandle, status } = result
    if (this.isJson) {
      const json: SentJson = {
        index,
        status,
        messageId,
        offsetMessageId,
        topic: queue.topic,
        brokerName: queue.brokerName,
        queueId: queue.queueId,
        queueOffset,
        recallHandle,
      }
      await this.io.out.write(`${JSON.stringify(json)}\n`)
      return
    }
    const { out } = this.io
    const color = status === 'SEND_OK' ? 'green' : 'yellow'
    const place = `${printableLine(queue.brokerName)}/${queue.queueId}:${queueOffset}`
    await out.write(`${out.style(color, status)} ${out.style('cyan', place)} ${messageId}\n`)
  }

  private async end(signal: AbortSignal): Promise<number> {
    if (this.failure === null) {
      throwIfInterrupted(signal)
      return ExitCode.OK
    }
    const { error } = this.failure
    if (this.sent === 0) throw error
    await writeError(this.io, error, { isJson: this.flags.output === 'json', isVerbose: false })
    await this.io.err.write(`apogee: ${this.sent} sent before that\n`)
    return ExitCode.PARTIAL
  }
}
