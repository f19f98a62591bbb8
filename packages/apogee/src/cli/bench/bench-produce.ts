import { randomBytes } from 'node:crypto'
import type { Message, Producer } from '@apogee/client'
import { openClient } from '../context/open-client.ts'
import { ExitCode } from '../exit-codes.ts'
import type { CliIo } from '../io.ts'
import { sleep } from '../sleep.ts'
import { readSpan } from '../time-expression.ts'
import type { ProduceFlags } from './bench-command.ts'
import { Measurement } from './measurement.ts'
import { Pace } from './pace.ts'
import { showProgress, tellResult } from './report.ts'

const DEFAULT_DURATION = '10s'
/** After so many failures in a row, without a success, there is nothing to measure. */
const FAILURES_MAX = 100

/** `apogee bench produce`. Gives 0; 5 when some sends failed; rejects with the error when all did. */
export async function benchProduce(
  io: CliIo,
  flags: ProduceFlags,
  signal: AbortSignal,
): Promise<number> {
  const run = new ProduceRun(flags, signal)
  const clients = Array.from({ length: flags.producers }, () => openClient(flags, io.environment))
  const hideProgress = showProgress(io, run.measured, run.limits)
  try {
    const producers = await Promise.all(
      clients.map((mq) =>
        mq.producer({
          timeoutMs: readSpan('--timeout', flags.timeout),
          retries: 0,
          compress: flags.compress ? {} : false,
          maxInFlight: flags.inFlight,
        }),
      ),
    )
    // Route and connection are not what is measured.
    await producers[0]!.send(run.message())
    await run.all(producers)
  } finally {
    hideProgress()
    run.end()
    await Promise.all(clients.map((mq) => mq.close()))
  }
  return await outcomeOf(io, flags, run, signal)
}

async function outcomeOf(
  io: CliIo,
  flags: ProduceFlags,
  run: ProduceRun,
  signal: AbortSignal,
): Promise<number> {
  const { measured } = run
  if (measured.messages === 0 && run.lastError !== null) throw run.lastError
  const { batch, compress, inFlight, producers, rate, size } = flags
  const settings = {
    size,
    rate: rate ?? null,
    inFlight,
    producers,
    batch,
    compress: compress === true,
  }
  const what = {
    kind: 'produce',
    topic: flags.topic,
    settings,
    isInterrupted: signal.aborted,
  } as const
  await tellResult(io, flags.output, what, measured)
  return measured.failed === 0 ? ExitCode.OK : ExitCode.PARTIAL
}

class ProduceRun {
  readonly measured = new Measurement()
  readonly limits: string
  lastError: unknown = null
  private readonly flags: ProduceFlags
  private readonly body: Buffer
  private readonly warmupMs: number
  private readonly durationMs: number | null
  private readonly stop = new AbortController()
  private readonly signal: AbortSignal
  private readonly quit = (): void => this.stop.abort()
  private begun = 0
  private taken = 0
  private failuresInRow = 0

  constructor(flags: ProduceFlags, signal: AbortSignal) {
    this.flags = flags
    this.warmupMs = readSpan('--warmup', flags.warmup)
    const duration = flags.duration ?? (flags.count === undefined ? DEFAULT_DURATION : undefined)
    this.durationMs = duration === undefined ? null : readSpan('--duration', duration)
    this.limits = duration === undefined ? ` of ${flags.count}` : ` (${duration})`
    // Random bytes, so that a compressing disk or broker does not look fast.
    this.body = randomBytes(flags.size)
    this.signal = signal
    signal.addEventListener('abort', this.quit)
    if (signal.aborted) this.quit()
  }

  async all(producers: readonly Producer[]): Promise<void> {
    const startMs = performance.now()
    const { rate, batch, inFlight } = this.flags
    const pace = rate === undefined ? null : new Pace(rate / batch, startMs)
    const timers = [
      setTimeout(() => this.measured.start(performance.now()), this.warmupMs),
      this.durationMs === null ? undefined : setTimeout(this.quit, this.warmupMs + this.durationMs),
    ]
    if (this.warmupMs === 0) this.measured.start(startMs)
    try {
      const lanes = producers.flatMap((producer) =>
        Array.from({ length: inFlight }, () => this.lane(producer, pace)),
      )
      await Promise.all(lanes)
    } finally {
      for (const timer of timers) clearTimeout(timer)
    }
  }

  end(): void {
    this.signal.removeEventListener('abort', this.quit)
  }

  message(): Message {
    const { flags } = this
    const number = this.begun++
    const tag = flags.tag[number % Math.max(1, flags.tag.length)]
    return {
      topic: flags.topic,
      body: this.body,
      ...(tag === undefined ? {} : { tag }),
      ...(flags.keys ? { keys: `key-${number}` } : {}),
    }
  }

  /** One of the sends under way: the next begins when the last has ended. */
  private async lane(producer: Producer, pace: Pace | null): Promise<void> {
    const { batch, size } = this.flags
    let sentSinceTurn = 0
    while (!this.stop.signal.aborted) {
      const length = this.take(batch)
      if (length === 0) return
      const messages = Array.from({ length }, () => this.message())
      let fromMs = performance.now()
      if (pace !== null) {
        fromMs = pace.next()
        const waitMs = fromMs - performance.now()
        if (waitMs > 0) await sleep(waitMs, this.stop.signal)
        if (this.stop.signal.aborted) return
      }
      try {
        await (length === 1 ? producer.send(messages[0]!) : producer.send(messages))
        const nowMs = performance.now()
        this.failuresInRow = 0
        if (this.measured.isStarted)
          this.measured.record(length, length * size, nowMs - fromMs, nowMs)
      } catch (error) {
        this.failed(error, length)
      }
      // Timers must get their turn too.
      if (++sentSinceTurn % 64 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
  }

  /** How many messages the next send has: fewer at the end of --count. */
  private take(batch: number): number {
    const { count = Number.POSITIVE_INFINITY } = this.flags
    const length = Math.min(batch, count - this.taken)
    this.taken += length
    return length
  }

  private failed(error: unknown, messages: number): void {
    this.lastError = error
    this.failuresInRow += 1
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'INTERNAL'
    if (this.measured.isStarted) this.measured.fail(messages, code)
    if (this.failuresInRow >= FAILURES_MAX) this.stop.abort()
  }
}
