import type { Clock } from '@apogee/env'
import {
  decodePull,
  type Frame,
  PullReply,
  PullSysFlag,
  pullReplySizeMax,
  RequestCode,
  ResponseCode,
  writePullReplyHead,
} from '@apogee/protocol'
import type { Connection, FrameHandler } from '@apogee/remoting'
import type { GetResult, GetStatus } from '@apogee/store'
import type { LongPolling } from '../longpolling/long-polling.ts'
import type { ParkOutcome, PullResumer } from '../longpolling/parked-pull.ts'
import { EventTime } from '../metrics/event-time.ts'
import type { RequestMetrics } from '../metrics/request-metrics.ts'
import type { PullAdvice } from '../pull/core/pull-advice.ts'
import { PendingPull } from '../pull/pending-pull.ts'
import { PullChecks, type PullServices } from '../pull/pull-checks.ts'
import { PullGuide, type PullGuideDeps } from '../pull/pull-guide.ts'
import type { BrokerStats } from '../stats/broker-stats.ts'

const EMPTY: Buffer = Buffer.alloc(0)
/** A slave looks this often whether its master is there again, for those who wait for what only the master has. */
const MASTER_WAIT_MAX_MS = 5000

export interface PullDeps extends PullServices, PullGuideDeps {
  stats: BrokerStats
  requests: RequestMetrics
  longPolling: LongPolling
  clock: Clock
}

/** PULL_MESSAGE (11) and LITE_PULL_MESSAGE (361); Java: PullMessageProcessor, DefaultPullMessageResultHandler. */
export function pullHandlers(deps: PullDeps): FrameHandler[] {
  const puller = new Puller(deps)
  return [RequestCode.PULL_MESSAGE, RequestCode.LITE_PULL_MESSAGE].map((code) => ({
    code,
    lane: 'pull',
    permission: 'client',
    handleFrame: (frame, connection) => puller.handle(frame, connection),
  }))
}

class Puller implements PullResumer {
  private readonly deps: PullDeps
  private readonly checks: PullChecks
  private readonly pulls: PendingPull[] = []
  private readonly free: PendingPull[] = []
  private readonly reply = new PullReply()
  private readonly time: EventTime
  private readonly guide: PullGuide

  constructor(deps: PullDeps) {
    this.deps = deps
    this.guide = new PullGuide(deps)
    this.checks = new PullChecks(deps)
    this.time = new EventTime(deps.clock)
  }

  handle(frame: Frame, connection: Connection): void {
    if (frame.isOneway) return
    const { checks } = this
    const problem = decodePull(frame, checks.fields)
    const ok =
      problem === null
        ? checks.check(frame.code, connection)
        : checks.refuse(ResponseCode.SYSTEM_ERROR, `${problem.code}: ${problem.detail}`)
    if (ok) this.start(frame, connection)
    else {
      this.refuse(frame, connection)
      this.done(frame.code, checks.code, connection.receivedMs, false)
    }
    checks.fields.buffer = EMPTY
  }

  /** A message may have come, or the time is up: read again, and answer whatever comes out. */
  resumePull(token: number): void {
    const pull = this.pulls[token]!
    pull.suspendMs = 0
    pull.waited = true
    if (!pull.connection!.open) return this.dropPull(token)
    pull.connection!.requestParked()
    this.read(pull)
  }

  dropPull(token: number): void {
    this.release(this.pulls[token]!)
  }

  private start(frame: Frame, connection: Connection): void {
    const { checks, deps } = this
    const { fields } = checks
    const pull = this.take()
    pull.connection = connection
    pull.requestCode = frame.code
    pull.opaque = frame.opaque
    pull.type = frame.serializeType
    pull.group = checks.group
    pull.counters = checks.subscription!.counters
    pull.topicSysFlag = checks.topic!.topicSysFlag
    pull.suspendMs = this.mayWait(fields.sysFlag, fields.suspendTimeoutMillis)
    pull.startedMs = connection.receivedMs
    pull.waited = false
    this.fillQuery(pull)
    const { groupName } = checks.group!
    if ((fields.sysFlag & PullSysFlag.COMMIT_OFFSET) !== 0 && fields.commitOffset >= 0) {
      deps.offsets.commitOffset(
        groupName,
        checks.topic!.topicName,
        fields.queueId,
        fields.commitOffset,
      )
    }
    connection.requestParked()
    const reset = this.takeReset(groupName, checks.topic!.topicName, fields.queueId)
    if (reset >= 0) this.answerReset(pull, reset)
    else this.read(pull)
  }

  private fillQuery(pull: PendingPull): void {
    const { checks } = this
    const { fields } = checks
    const { query } = pull
    const values = this.deps.config.values
    const count = Math.max(1, Math.min(fields.maxMsgNums, values.pullBatchMaxMessageCount))
    const bytes = fields.maxMsgBytes > 0 ? fields.maxMsgBytes : Number.MAX_SAFE_INTEGER
    query.topic = checks.topic!.topicName
    query.queueId = fields.queueId
    query.offset = fields.queueOffset
    query.maxCount = Math.min(count, values.maxTransferCountOnMessageInMemory)
    query.maxBytes = Math.min(bytes, values.maxTransferBytesOnMessageInMemory)
    query.diskMaxCount = Math.min(count, values.maxTransferCountOnMessageInDisk)
    query.diskMaxBytes = Math.min(bytes, values.maxTransferBytesOnMessageInDisk)
    query.filter = checks.subscription!.filter
  }

  private mayWait(sysFlag: number, timeoutMs: number): number {
    if ((sysFlag & PullSysFlag.SUSPEND) === 0) return 0
    const { longPollingEnable, shortPollingTimeMills } = this.deps.config.values
    return Math.max(0, longPollingEnable ? timeoutMs : shortPollingTimeMills)
  }

  /** The offset an operator has set for this queue, once; −1 when there is none. */
  private takeReset(group: string, topic: string, queueId: number): number {
    if (!this.deps.config.values.useServerSideResetOffset) return -1
    return this.deps.offsets.queryThenEraseResetOffset(topic, group, queueId)
  }

  private read(pull: PendingPull): void {
    this.deps.store.getMessage(pull.query, (result) => this.got(pull, result))
  }

  private got(pull: PendingPull, result: GetResult): void {
    const connection = pull.connection!
    connection.requestFinished()
    const { reply } = this
    const advice = this.guide.advise(result, pull.query, pull.group!)
    reply.code = advice.code
    reply.remark = REMARKS[result.status]
    reply.suggestWhichBrokerId = advice.suggestWhichBrokerId
    reply.nextBeginOffset = advice.nextBeginOffset
    if (advice.wait !== 'no' && pull.suspendMs > 0) {
      const outcome = this.park(pull, advice)
      if (outcome === 'parked') return
      if (outcome === 'full') this.pollingFull()
    }
    if (connection.open) {
      reply.minOffset = result.minOffset
      reply.maxOffset = result.maxOffset
      this.write(pull, connection, result)
      this.answered(pull, reply.nextBeginOffset)
      this.deps.stats.messageGot(pull.counters!, result.count, result.bytes)
    }
    this.release(pull)
  }

  /**
   * No more pulls may wait. Told so, clients come again after their delay for errors (3 s in Java's), while PULL_NOT_FOUND
   * would make them ask again at once, without end.
   */
  private pollingFull(): void {
    this.reply.code = ResponseCode.POLLING_FULL
    this.reply.remark = POLLING_FULL
  }

  private answered(pull: PendingPull, nextBeginOffset: number): void {
    const { topic, queueId } = pull.query
    this.deps.offsets.commitPullOffset(pull.group!.groupName, topic, queueId, nextBeginOffset)
    this.done(pull.requestCode, this.reply.code, pull.startedMs, pull.waited)
  }

  private done(requestCode: number, code: number, startedMs: number, waited: boolean): void {
    const micros = (this.time.nowMs() - startedMs) * 1000
    this.deps.requests.requestDone(requestCode, code, micros, waited)
  }

  private park(pull: PendingPull, { wait }: PullAdvice): ParkOutcome {
    const { deps } = this
    const queue = deps.store.consumeQueue(pull.query.topic, pull.query.queueId)
    const isForTime = wait === 'time'
    const waitMs = isForTime ? Math.min(pull.suspendMs, MASTER_WAIT_MAX_MS) : pull.suspendMs
    const { filter, offset } = pull.query
    return deps.longPolling.park(
      queue,
      isForTime ? NO_OFFSET : offset,
      filter,
      deps.clock.monotonicMs() + waitMs,
      pull.connection!,
      this,
      pull.token,
    )
  }

  private write(pull: PendingPull, connection: Connection, result: GetResult | null): void {
    const { reply } = this
    const bytes = result === null ? 0 : result.bytes
    reply.opaque = pull.opaque
    reply.topicSysFlag = pull.topicSysFlag
    reply.groupSysFlag = pull.group!.groupSysFlag
    reply.forbiddenType = -1
    const buffer = connection.reserve(pullReplySizeMax(reply) + bytes)
    const at = connection.outputEnd
    const head = writePullReplyHead(buffer, at, pull.type, reply, bytes)
    if (bytes > 0) result!.copyBody(buffer, head)
    connection.commit(head + bytes - at)
  }

  private answerReset(pull: PendingPull, offset: number): void {
    const { reply } = this
    const { store } = this.deps
    pull.connection!.requestFinished()
    reply.code = ResponseCode.PULL_OFFSET_MOVED
    reply.remark = OFFSET_RESET
    reply.suggestWhichBrokerId = 0
    reply.nextBeginOffset = offset
    reply.minOffset = store.minOffset(pull.query.topic, pull.query.queueId)
    reply.maxOffset = store.maxOffset(pull.query.topic, pull.query.queueId)
    this.write(pull, pull.connection!, null)
    this.answered(pull, offset)
    this.release(pull)
  }

  private refuse(frame: Frame, connection: Connection): void {
    const { checks, reply } = this
    reply.code = checks.code
    reply.opaque = frame.opaque
    reply.remark = Buffer.from(checks.remark)
    reply.nextBeginOffset = reply.minOffset = reply.maxOffset = reply.suggestWhichBrokerId = 0
    reply.topicSysFlag = reply.groupSysFlag = 0
    reply.forbiddenType = checks.forbiddenType
    const buffer = connection.reserve(pullReplySizeMax(reply))
    const at = connection.outputEnd
    connection.commit(writePullReplyHead(buffer, at, frame.serializeType, reply, 0) - at)
  }

  private take(): PendingPull {
    const pull = this.free.pop() ?? new PendingPull()
    if (this.pulls[pull.token] !== pull) {
      pull.token = this.pulls.length
      this.pulls.push(pull)
    }
    return pull
  }

  private release(pull: PendingPull): void {
    pull.connection = null
    pull.group = null
    pull.counters = null
    pull.query.filter = null
    this.free.push(pull)
  }
}

/** What waits here is woken by no message. */
const NO_OFFSET = Number.MAX_SAFE_INTEGER
const POLLING_FULL: Buffer = Buffer.from('parkedPullsMax or parkedPullsPerConnectionMax is reached')
const OFFSET_RESET: Buffer = Buffer.from('OFFSET_RESET')

const REMARKS: Record<GetStatus, Buffer> = {
  FOUND: Buffer.from('FOUND'),
  NO_MATCHED_MESSAGE: Buffer.from('NO_MATCHED_MESSAGE'),
  MESSAGE_WAS_REMOVING: Buffer.from('MESSAGE_WAS_REMOVING'),
  OFFSET_FOUND_NULL: Buffer.from('OFFSET_FOUND_NULL'),
  OFFSET_OVERFLOW_BADLY: Buffer.from('OFFSET_OVERFLOW_BADLY'),
  OFFSET_OVERFLOW_ONE: Buffer.from('OFFSET_OVERFLOW_ONE'),
  OFFSET_TOO_SMALL: Buffer.from('OFFSET_TOO_SMALL'),
  NO_MATCHED_LOGIC_QUEUE: Buffer.from('NO_MATCHED_LOGIC_QUEUE'),
  NO_MESSAGE_IN_QUEUE: Buffer.from('NO_MESSAGE_IN_QUEUE'),
}
