import type { ConsumerOptions, ReceivedMessage } from '@apogee/client'
import { CliError, CliErrorCode, usageError } from '../cli-error.ts'
import { openClient } from '../context/open-client.ts'
import { ExitCode } from '../exit-codes.ts'
import type { CliIo } from '../io.ts'
import { readSpan, readStartPoint } from '../time-expression.ts'
import type { ConsumeBenchFlags } from './bench-command.ts'
import { Measurement } from './measurement.ts'
import { showProgress, tellResult } from './report.ts'

const IDLE_CHECK_MS = 100

/** `apogee bench consume`. Gives 0; rejects with CLI_TIMED_OUT when nothing came. */
export async function benchConsume(
  io: CliIo,
  flags: ConsumeBenchFlags,
  signal: AbortSignal,
): Promise<number> {
  const run = new ConsumeRun(io, flags)
  const options = consumerOptions(flags, io.now())
  const clients = Array.from({ length: flags.consumers }, () => openClient(flags, io.environment))
  const hideProgress = showProgress(io, run.measured, '')
  try {
    const consumers = await Promise.all(clients.map((mq) => mq.consumer(options)))
    await Promise.all(consumers.map((consumer) => consumer.run((message) => run.take(message))))
    await run.ended(signal)
  } finally {
    hideProgress()
    await Promise.all(clients.map((mq) => mq.close()))
  }
  const { measured } = run
  if (measured.messages === 0 && !signal.aborted) {
    throw new CliError(CliErrorCode.TIMED_OUT, `no message of topic ${flags.topic} came`, {
      hint: '`apogee bench produce` beside it makes some; --from first reads those that are there',
    })
  }
  const { concurrency, consumers, from, group } = flags
  const settings = { group, from, consumers, concurrency }
  const what = {
    kind: 'consume',
    topic: flags.topic,
    settings,
    isInterrupted: signal.aborted,
  } as const
  await tellResult(io, flags.output, what, measured)
  return ExitCode.OK
}

function consumerOptions(flags: ConsumeBenchFlags, nowMs: number): ConsumerOptions {
  const start = readStartPoint('--from', flags.from, nowMs)
  if (start.kind === 'back' || start.kind === 'offset') {
    throw usageError('--from: a group begins at first, last or a time')
  }
  return {
    group: flags.group,
    subscriptions: { [flags.topic]: flags.tag ?? '*' },
    concurrency: flags.concurrency,
    from: start.kind === 'time' ? { timestamp: start.timeMs } : start.kind,
  }
}

class ConsumeRun {
  readonly measured = new Measurement()
  private readonly io: CliIo
  private readonly durationMs: number | null
  private readonly idleMs: number
  private readonly count: number
  private lastMs: number
  private finish: () => void = () => {}

  constructor(io: CliIo, flags: ConsumeBenchFlags) {
    this.io = io
    this.durationMs = flags.duration === undefined ? null : readSpan('--duration', flags.duration)
    this.idleMs = readSpan('--idle', flags.idle)
    this.count = flags.count ?? Number.POSITIVE_INFINITY
    this.lastMs = performance.now()
  }

  /** Time counts from the first message. */
  take(message: ReceivedMessage): void {
    const { measured } = this
    if (measured.messages >= this.count) return
    const nowMs = performance.now()
    this.lastMs = nowMs
    measured.start(nowMs)
    measured.record(1, message.rawBody.length, this.io.now() - message.bornTimestamp, nowMs)
    if (measured.messages >= this.count) this.finish()
  }

  ended(signal: AbortSignal): Promise<void> {
    const startMs = performance.now()
    // Joining a group takes its time; only then can nothing come.
    this.lastMs = startMs
    return new Promise((resolve) => {
      const finish = (): void => {
        clearInterval(timer)
        signal.removeEventListener('abort', finish)
        resolve()
      }
      const timer = setInterval(() => {
        const nowMs = performance.now()
        const isOver = this.durationMs !== null && nowMs - startMs >= this.durationMs
        if (isOver || nowMs - this.lastMs >= this.idleMs) finish()
      }, IDLE_CHECK_MS)
      this.finish = finish
      signal.addEventListener('abort', finish)
      if (signal.aborted || this.measured.messages >= this.count) finish()
    })
  }
}
