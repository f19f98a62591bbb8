import type { ConsumerOptions, ReceivedMessage, RocketMQ, Subscription } from '@apogee/client'
import { RetryLater } from '@apogee/client'
import { CliError, CliErrorCode, usageError } from '../cli-error.ts'
import { openClient } from '../context/open-client.ts'
import { ExitCode } from '../exit-codes.ts'
import type { CliIo } from '../io.ts'
import { readSpan, readStartPoint } from '../time-expression.ts'
import type { ConsumeFlags } from './consume-command.ts'
import { MessageWriter } from './message-writer.ts'
import { terminalLogger } from './terminal-logger.ts'

/** What one member reads ahead: shown one after the other, so little is enough, and little is held back from others. */
const PREFETCH_MESSAGES = 128

/** `apogee consume`. Gives 0, also after a signal; rejects with CLI_TIMED_OUT when --max was not reached in time. */
export async function consume(
  io: CliIo,
  topics: readonly string[],
  flags: ConsumeFlags,
  signal: AbortSignal,
): Promise<number> {
  const options = consumerOptions(topics, flags, io.now())
  const idleMs = flags.timeout === undefined ? null : readSpan('--timeout', flags.timeout)
  const run = new ConsumeRun(io, new MessageWriter(io, flags), flags.max ?? null, idleMs, signal)
  const mq = openClient(flags, io.environment, undefined, terminalLogger(io))
  try {
    await run.consume(mq, options, flags.ordered === true)
  } finally {
    run.stop()
    await mq.close()
  }
  run.checkCount()
  return ExitCode.OK
}

function consumerOptions(
  topics: readonly string[],
  flags: ConsumeFlags,
  nowMs: number,
): ConsumerOptions {
  const wanted: string | Subscription =
    flags.sql === undefined ? (flags.tag ?? '*') : { type: 'SQL92', expression: flags.sql }
  return {
    group: flags.group,
    subscriptions: Object.fromEntries(topics.map((topic) => [topic, wanted])),
    model: flags.broadcast ? 'broadcasting' : 'clustering',
    from: readFrom(flags.from, nowMs),
    prefetch: { messages: PREFETCH_MESSAGES },
  }
}

function readFrom(text: string, nowMs: number): NonNullable<ConsumerOptions['from']> {
  const start = readStartPoint('--from', text, nowMs)
  switch (start.kind) {
    case 'first':
    case 'last':
      return start.kind
    case 'time':
      return { timestamp: start.timeMs }
    default:
      throw usageError(
        '--from: a group begins at first, last or a time',
        '`apogee tail` takes offsets',
      )
  }
}

class ConsumeRun {
  private readonly io: CliIo
  private readonly writer: MessageWriter
  private readonly max: number | null
  private readonly idleMs: number | null
  private readonly end = new AbortController()
  private readonly quit: () => void
  private readonly signal: AbortSignal
  private idleTimer: NodeJS.Timeout | undefined
  private shown = 0
  private isLate = false

  constructor(
    io: CliIo,
    writer: MessageWriter,
    max: number | null,
    idleMs: number | null,
    signal: AbortSignal,
  ) {
    this.io = io
    this.writer = writer
    this.max = max
    this.idleMs = idleMs
    this.signal = signal
    this.quit = () => this.end.abort()
    signal.addEventListener('abort', this.quit)
    if (signal.aborted) this.quit()
  }

  /** Until there is enough, or a signal. What was shown is acknowledged, the rest goes back to the group. */
  async consume(mq: RocketMQ, options: ConsumerOptions, isOrdered: boolean): Promise<void> {
    const consumer = await mq.consumer(options)
    this.waitAgain()
    try {
      if (isOrdered) {
        await consumer.runOrdered((message) => this.showOrdered(message))
        await aborted(this.end.signal)
        return
      }
      for await (const message of consumer.messages({ signal: this.end.signal })) {
        if (!(await this.show(message))) break
        await message.ack()
        if (this.isEnough()) break
      }
    } finally {
      await consumer.close()
    }
  }

  stop(): void {
    clearTimeout(this.idleTimer)
    this.signal.removeEventListener('abort', this.quit)
  }

  /** Throws CLI_TIMED_OUT. */
  checkCount(): void {
    if (!this.isLate || this.max === null || this.shown >= this.max) return
    const text = `${this.shown} of ${this.max} messages, then none for ${this.idleMs} ms`
    throw new CliError(CliErrorCode.TIMED_OUT, text)
  }

  private async showOrdered(message: ReceivedMessage): Promise<void> {
    // The queue rests, and the message stays where it is.
    if (this.end.signal.aborted || !(await this.show(message))) throw new RetryLater()
    if (this.isEnough()) this.end.abort()
  }

  /** False when it was not shown: it must not be acknowledged. */
  private async show(message: ReceivedMessage): Promise<boolean> {
    if (this.isEnough()) return false
    this.shown += 1
    await this.writer.write(message)
    if (this.io.out.closed.aborted) return false
    this.waitAgain()
    return true
  }

  private isEnough(): boolean {
    return this.max !== null && this.shown >= this.max
  }

  private waitAgain(): void {
    clearTimeout(this.idleTimer)
    if (this.idleMs === null) return
    this.idleTimer = setTimeout(() => {
      this.isLate = true
      this.end.abort()
    }, this.idleMs)
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
