import type { Admin, QueueAt } from '@apogee/admin'
import { CliError, CliErrorCode, usageError } from '../cli-error.ts'
import { resolveConnection } from '../context/connection.ts'
import { openAdmin } from '../context/open-admin.ts'
import { ExitCode } from '../exit-codes.ts'
import type { CliIo } from '../io.ts'
import type { ShownMessage } from '../output/message-view.ts'
import { writeError } from '../output/write-error.ts'
import { readPointInTime, readStartPoint, type StartPoint } from '../time-expression.ts'
import { type BacklogQueue, mergedBacklog } from './backlog.ts'
import { liveMessages, type TailSource, type TailTrouble } from './live-tail.ts'
import { MessageWriter } from './message-writer.ts'
import { QueueTail, type TailFilter } from './queue-tail.ts'
import type { TailFlags } from './tail-command.ts'

/** What came late with a time before `--until` is still waited for, this long. */
const UNTIL_SLACK_MS = 500

/** `apogee tail`. Gives 0: also after SIGINT, and when nothing was there; 5 when a broker could not be read to the end. */
export async function tail(
  io: CliIo,
  topic: string,
  flags: TailFlags,
  signal: AbortSignal,
): Promise<number> {
  const start = readStartPoint('--from', flags.from, io.now())
  const untilMs =
    flags.until === undefined ? null : readPointInTime('--until', flags.until, io.now())
  const writer = new MessageWriter(io, flags)
  const filter = filterOf(flags)
  const admin = await openAdmin(flags, io.environment)
  const { namespace } = resolveConnection(flags, io.environment)
  const end = new AbortController()
  const quit = (): void => end.abort()
  signal.addEventListener('abort', quit)
  try {
    const queues = await chosenQueues(
      admin,
      namespace === null ? topic : `${namespace}%${topic}`,
      flags,
    )
    const trouble = new Trouble(io)
    const sources = queues.map((queue) => new StartedQueue(admin, queue, start, filter))
    const shower = new Shower(writer, flags, untilMs, end)
    await shower.showAll(backlog(await openAll(sources, trouble), start, end.signal, trouble.tell))
    const isOver = !flags.follow || (untilMs !== null && untilMs <= io.now())
    if (!isOver && !end.signal.aborted) {
      await follow(io, sources, shower, untilMs, end, trouble)
      return ExitCode.OK
    }
    return trouble.isAny && !signal.aborted ? ExitCode.PARTIAL : ExitCode.OK
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    signal.removeEventListener('abort', quit)
    end.abort()
    await admin.close()
  }
  return ExitCode.OK
}

function filterOf({ tag, sql }: TailFlags): TailFilter {
  if (sql !== undefined) return { type: 'SQL92', expression: sql }
  return { type: 'TAG', expression: tag ?? '*' }
}

async function chosenQueues(
  admin: Admin,
  topic: string,
  { broker, queue }: Pick<TailFlags, 'broker' | 'queue'>,
): Promise<QueueAt[]> {
  const all = await admin.offsets.queues(topic)
  const chosen = all.filter(
    (one) =>
      (broker === undefined || one.brokerName === broker) &&
      (queue === undefined || one.queueId === queue),
  )
  if (chosen.length > 0) return chosen
  const hint = '`apogee topic route TOPIC` shows its queues'
  if (all.length > 0) throw usageError(`topic ${topic} has no such queue that can be read`, hint)
  throw new CliError(CliErrorCode.READ_REFUSED, `topic ${topic} has no queue that can be read`, {
    hint,
  })
}

/** A queue that is asked where its reading begins, until it has said so. */
class StartedQueue implements TailSource {
  readonly queue: QueueAt
  private readonly admin: Admin
  private readonly start: StartPoint
  private readonly filter: TailFilter
  private started: BacklogQueue | null = null

  constructor(admin: Admin, queue: QueueAt, start: StartPoint, filter: TailFilter) {
    this.admin = admin
    this.queue = queue
    this.start = start
    this.filter = filter
  }

  async open(): Promise<QueueTail> {
    return (await this.begin()).tail
  }

  async begin(): Promise<BacklogQueue> {
    if (this.started !== null) return this.started
    const { admin, filter, queue, start } = this
    const { offsets, transport } = admin
    const [minOffset, endOffset] = await Promise.all([offsets.min(queue), offsets.max(queue)])
    const first = await firstOffset(admin, queue, start, minOffset, endOffset)
    const nextOffset = Math.max(minOffset, first)
    this.started = { tail: new QueueTail(transport, queue, nextOffset, filter), endOffset }
    return this.started
  }
}

/** Those that can be read now. Rejects when none can. */
async function openAll(
  sources: readonly StartedQueue[],
  trouble: Trouble,
): Promise<BacklogQueue[]> {
  const results = await Promise.allSettled(sources.map((source) => source.begin()))
  const opened = results.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  for (const [place, one] of results.entries()) {
    if (one.status === 'fulfilled') continue
    if (opened.length === 0) throw one.reason
    trouble.tell(sources[place]!.queue, one.reason)
  }
  return opened
}

async function firstOffset(
  { offsets }: Admin,
  queue: QueueAt,
  start: StartPoint,
  minOffset: number,
  endOffset: number,
): Promise<number> {
  switch (start.kind) {
    case 'first':
      return minOffset
    case 'last':
      return endOffset
    case 'back':
      return endOffset - start.count
    case 'offset':
      return start.offset
    case 'time':
      return await offsets.search(queue, start.timeMs)
  }
}

/** What is stored already. `-10` means ten in all, not in each queue. */
async function* backlog(
  sources: readonly BacklogQueue[],
  start: StartPoint,
  signal: AbortSignal,
  trouble: TailTrouble,
): AsyncGenerator<ShownMessage> {
  const merged = mergedBacklog(sources, signal, trouble)
  if (start.kind === 'back') {
    const kept: ShownMessage[] = []
    for await (const message of merged) kept.push(message)
    yield* kept.slice(start.count === 0 ? kept.length : -start.count)
    return
  }
  for await (const message of merged) {
    // A search by time may come out a little before it.
    if (start.kind === 'time' && message.storeTimestamp < start.timeMs) continue
    yield message
  }
}

async function follow(
  io: CliIo,
  sources: readonly TailSource[],
  shower: Shower,
  untilMs: number | null,
  end: AbortController,
  trouble: Trouble,
): Promise<void> {
  const timer =
    untilMs === null
      ? undefined
      : setTimeout(() => end.abort(), untilMs - io.now() + UNTIL_SLACK_MS)
  try {
    await shower.showAll(liveMessages(sources, end.signal, trouble.tell))
  } finally {
    clearTimeout(timer)
  }
}

/** Tells of each broker once: it is asked again and again. */
class Trouble {
  private readonly io: CliIo
  private readonly told = new Set<string>()

  constructor(io: CliIo) {
    this.io = io
  }

  get isAny(): boolean {
    return this.told.size > 0
  }

  readonly tell: TailTrouble = ({ address }, error) => {
    if (this.told.has(address)) return
    this.told.add(address)
    void writeError(this.io, error, { isJson: false, isVerbose: false })
  }
}

/** Shows what fits until there is enough. */
class Shower {
  private readonly writer: MessageWriter
  private readonly keys: ReadonlySet<string>
  private readonly untilMs: number | null
  private readonly end: AbortController
  private left: number

  constructor(
    writer: MessageWriter,
    flags: TailFlags,
    untilMs: number | null,
    end: AbortController,
  ) {
    this.writer = writer
    this.keys = new Set(flags.key)
    this.untilMs = untilMs
    this.end = end
    this.left = flags.max ?? Number.POSITIVE_INFINITY
  }

  async showAll(messages: AsyncIterable<ShownMessage>): Promise<void> {
    for await (const message of messages) {
      if (this.end.signal.aborted) return
      if (!this.fits(message)) continue
      await this.writer.write(message)
      this.left -= 1
      if (this.left <= 0) this.end.abort()
    }
  }

  private fits({ keys, storeTimestamp }: ShownMessage): boolean {
    if (this.untilMs !== null && storeTimestamp >= this.untilMs) return false
    return this.keys.size === 0 || keys.some((key) => this.keys.has(key))
  }
}
