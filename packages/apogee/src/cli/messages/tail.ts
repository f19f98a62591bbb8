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
import { LiveTail, type TailTrouble } from './live-tail.ts'
import { MessageWriter } from './message-writer.ts'
import type { TailFilter } from './queue-tail.ts'
import { RouteLook } from './route-look.ts'
import { StartedQueue } from './started-queue.ts'
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
    const named = namespace === null ? topic : `${namespace}%${topic}`
    const queues = await chosenQueues(admin, named, flags)
    const trouble = new Trouble(io)
    const beganMs = io.now()
    const sources = queues.map((queue) => new StartedQueue(admin, queue, start, filter))
    const shower = new Shower(writer, flags, untilMs, end)
    await shower.showAll(backlog(await openAll(sources, trouble), start, end.signal, trouble.tell))
    const isOver = !flags.follow || (untilMs !== null && untilMs <= io.now())
    if (!isOver && !end.signal.aborted) {
      const timer = untilMs === null ? null : endAt(untilMs - io.now(), end)
      const route = new RouteLook(async () => {
        const found = await admin.offsets.queues(named)
        return found.filter((one) => isChosen(one, flags))
      })
      // Queues that come now hold what was stored since this tail began, or all of it when all is wanted.
      const from: StartPoint = start.kind === 'first' ? start : { kind: 'time', timeMs: beganMs }
      const open = (queue: QueueAt): StartedQueue => new StartedQueue(admin, queue, from, filter)
      await follow(sources, { shower, end, trouble, route, open })
      if (timer !== null) clearTimeout(timer)
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

type Choice = Pick<TailFlags, 'broker' | 'queue'>

function isChosen(one: QueueAt, { broker, queue }: Choice): boolean {
  if (broker !== undefined && one.brokerName !== broker) return false
  return queue === undefined || one.queueId === queue
}

async function chosenQueues(admin: Admin, topic: string, choice: Choice): Promise<QueueAt[]> {
  const all = await admin.offsets.queues(topic)
  const chosen = all.filter((one) => isChosen(one, choice))
  if (chosen.length > 0) return chosen
  const hint = '`apogee topic route TOPIC` shows its queues'
  if (all.length > 0) throw usageError(`topic ${topic} has no such queue that can be read`, hint)
  throw new CliError(CliErrorCode.READ_REFUSED, `topic ${topic} has no queue that can be read`, {
    hint,
  })
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

/** What follows after what is stored. */
interface Following {
  readonly shower: Shower
  readonly end: AbortController
  readonly trouble: Trouble
  readonly route: RouteLook
  readonly open: (queue: QueueAt) => StartedQueue
}

function endAt(afterMs: number, end: AbortController): NodeJS.Timeout {
  return setTimeout(() => end.abort(), afterMs + UNTIL_SLACK_MS)
}

async function follow(
  sources: readonly StartedQueue[],
  { end, open, route, shower, trouble }: Following,
): Promise<void> {
  const live = new LiveTail(end.signal, (queue, error) => {
    trouble.tell(queue, error)
    route.soon()
  })
  for (const source of sources) {
    route.know(source)
    live.add(source)
  }
  const looking = route.watch(end.signal, (queue) => {
    const source = open(queue)
    route.know(source)
    live.add(source)
  })
  await shower.showAll(live.messages())
  end.abort()
  await looking
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
