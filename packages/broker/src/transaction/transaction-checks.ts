import type { Clock, Timer } from '@apogee/env'
import { MessageConst, type MessageExt, PermName, SystemTopic } from '@apogee/protocol'
import type { Logger } from '@apogee/remoting'
import type { MessageStore, QueueWaiter } from '@apogee/store'
import type { ProducerManager } from '../client/producer-manager.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { ConsumerOffsetManager } from '../offset/consumer-offset-manager.ts'
import type { BrokerStats } from '../stats/broker-stats.ts'
import type { TopicConfigManager } from '../topic/topic-config-manager.ts'
import type { CheckSender } from './check-sender.ts'
import type { CommitLookup } from './commit-lookup.ts'
import type { Half, HalfPolicy } from './core/half.ts'
import { type Due, HalfLedger } from './core/half-ledger.ts'
import { OP_TAG, parseOpBody } from './core/op-body.ts'
import { readHalf, readMessage } from './half-record.ts'
import type { IdentityTurns } from './identity-turns.ts'
import type { OpWriter } from './op-writer.ts'
import { QueueReader } from './queue-reader.ts'
import type { StoredAppends } from './stored-appends.ts'
import type { TransactionCounters } from './transaction-counters.ts'
import { draftDiscarded, draftRenewed } from './transaction-drafts.ts'

/** Group whose consumer offsets are the progress of transactions (Java: MixAll.CID_SYS_RMQ_TRANS). */
export const TRANSACTION_GROUP = 'CID_RMQ_SYS_TRANS'

const HALF = SystemTopic.TRANS_HALF
const OP = SystemTopic.TRANS_OP_HALF
const HOUR_MS = 3_600_000
/** Half messages dealt with at the same time. */
const AT_ONCE = 64
const WINDOW_MAX = 1 << 22
const OPS_MAX = 1 << 20
const ENDED_MAX = 1 << 16

export interface TransactionChecksDeps {
  config: BrokerConfig
  store: Pick<MessageStore, 'consumeQueue' | 'draft' | 'readRecord'>
  clock: Clock
  log: Logger
  stats: BrokerStats
  topics: TopicConfigManager
  producers: ProducerManager
  offsets: ConsumerOffsetManager
  appends: StoredAppends
  turns: IdentityTurns
  counters: TransactionCounters
  sender: CheckSender
  ops: OpWriter
  lookup: CommitLookup
}

/**
 * Reads the half and the op queue, asks producers about what they have left undecided, and moves progress. All decisions
 * are HalfLedger's. Sleeps while there is no undecided message. Java: TransactionalMessageCheckService,
 * TransactionalMessageServiceImpl.check.
 */
export class TransactionChecks implements QueueWaiter {
  readonly ledger: HalfLedger
  private readonly deps: TransactionChecksDeps
  private readonly halves: QueueReader
  private readonly decisions: QueueReader
  private timer: Timer | null = null
  private running: Promise<void> | null = null
  private isStopped = false

  constructor(deps: TransactionChecksDeps) {
    const { config, offsets, store } = deps
    this.deps = deps
    this.halves = new QueueReader(store.consumeQueue(HALF, 0), deps)
    this.decisions = new QueueReader(store.consumeQueue(OP, 0), deps)
    const start = (topic: string, reader: QueueReader): number => {
      const offset = offsets.queryOffset(TRANSACTION_GROUP, topic, 0)
      return offset < 0 ? reader.queue.minOffset() : offset
    }
    const progress = { progress: start(HALF, this.halves), opProgress: start(OP, this.decisions) }
    this.ledger = new HalfLedger(progress, {
      pendingMax: config.values.transactionsPendingMax,
      windowMax: WINDOW_MAX,
      opsMax: OPS_MAX,
      endedMax: ENDED_MAX,
    })
    this.fit()
  }

  start(): void {
    for (const { queue } of [this.halves, this.decisions]) queue.waiter = this
    // What was decided before the restart is known before the first round: a repeated end is recognised.
    void this.scan().then(() => this.sleep())
  }

  /** Ends the round that runs, after what it has in hand. */
  async stop(): Promise<void> {
    this.isStopped = true
    this.timer?.cancel()
    this.timer = null
    for (const { queue } of [this.halves, this.decisions]) {
      if (queue.waiter === this) queue.waiter = null
    }
    while (this.running !== null) await this.running
  }

  arrived(): void {
    if (this.timer === null) this.sleep()
  }

  /** Reads what is new in both queues, and asks nobody. Never rejects. */
  scan(): Promise<void> {
    return this.running ?? this.alone(async () => void (await this.read()))
  }

  private async alone(work: () => Promise<void>): Promise<void> {
    const mine = this.guarded(work)
    this.running = mine
    await mine
    if (this.running === mine) this.running = null
  }

  private async guarded(work: () => Promise<void>): Promise<void> {
    try {
      if (!this.isStopped) await work()
    } catch (error) {
      this.deps.log.error({ event: 'transaction_check_failed', err: error })
    }
  }

  private sleep(): void {
    if (this.timer !== null || this.isStopped || !this.hasWork()) return
    const { clock, config } = this.deps
    this.timer = clock.after(config.values.transactionCheckInterval, () => {
      void this.wake()
    })
  }

  private async wake(): Promise<void> {
    while (this.running !== null) await this.running
    await this.alone(async () => this.dealWithDue(await this.read()))
    this.timer = null
    this.sleep()
  }

  private hasWork(): boolean {
    const { ledger } = this
    if (ledger.progress < this.halves.queue.maxOffset) return true
    return ledger.opProgress < this.decisions.queue.maxOffset
  }

  /** Whether all op messages are known: only then is what looks undecided undecided. */
  private async read(): Promise<boolean> {
    this.fit()
    const opEnd = this.decisions.queue.maxOffset
    await this.readOps(opEnd)
    await this.readHalves()
    this.advance()
    return this.ledger.opScanned >= opEnd
  }

  private fit(): void {
    const range = ({ queue }: QueueReader): { min: number; max: number } => {
      return { min: queue.minOffset(), max: queue.maxOffset }
    }
    const before = this.ledger.progress
    const lost = this.ledger.fit(range(this.halves), range(this.decisions))
    if (lost === 0 && this.ledger.progress === before) return
    const to = this.ledger.progress
    this.deps.log.error({ event: 'transaction_offset_corrected', from: before, to, lost })
  }

  private async readOps(end: number): Promise<void> {
    const { ledger } = this
    await this.decisions.each(
      () => ledger.opScanned,
      end,
      async (offset, message) => {
        const op = await message()
        if (op === null) this.deps.log.error({ event: 'transaction_op_unreadable', offset })
        const isOp = op?.properties.get(MessageConst.TAGS) === OP_TAG
        return ledger.opFound(isOp ? parseOpBody(Buffer.from(op.body).toString('latin1')) : [])
      },
    )
  }

  private async readHalves(): Promise<void> {
    const { ledger } = this
    const end = this.halves.queue.maxOffset
    await this.halves.each(
      () => ledger.scanned,
      end,
      (offset, message) => {
        if (ledger.isKnown(offset)) {
          ledger.placePassed()
          return true
        }
        return !ledger.isFull && this.readHalf(offset, message)
      },
    )
  }

  private async readHalf(
    offset: number,
    message: () => Promise<MessageExt | null>,
  ): Promise<boolean> {
    const record = await message()
    const half = record === null ? null : readHalf(record)
    if (half?.offset === offset) {
      // While it was read its producer may have decided: the ledger looks once more.
      this.ledger.halfFound(half)
      return true
    }
    this.deps.log.error({ event: 'half_message_unreadable', offset })
    this.ledger.placePassed()
    return true
  }

  private async dealWithDue(isCaughtUp: boolean): Promise<void> {
    const { config, turns } = this.deps
    const isBusy = (identity: number): boolean => turns.isBusy(identity)
    const policy = this.policy(isCaughtUp)
    const due = this.ledger.due(policy, config.values.transactionChecksPerRoundMax, isBusy)
    for (let at = 0; at < due.length && !this.isStopped; at += AT_ONCE) {
      const done = await Promise.all(due.slice(at, at + AT_ONCE).map((one) => this.take(one)))
      this.advance()
      if (done.includes(false)) break
    }
    this.advance()
  }

  private policy(isCaughtUp: boolean): HalfPolicy {
    const { clock, config, producers } = this.deps
    const { fileReservedTime, transactionCheckMax, transactionTimeOut } = config.values
    return {
      nowMs: clock.wallMs(),
      timeOutMs: transactionTimeOut,
      checkMax: transactionCheckMax,
      reservedMs: fileReservedTime * HOUR_MS,
      hasProducer: (group) => isCaughtUp && producers.hasChannel(group),
    }
  }

  /** False when this round had better end: the store does not take more, or a read failed. */
  private async take(due: Due): Promise<boolean> {
    try {
      return await this.deps.turns.run(due.half.identity, () => this.act(due))
    } catch (error) {
      const { offset } = due.half
      this.deps.log.error({ event: 'half_message_not_handled', offset, err: error })
      return false
    }
  }

  private async act({ half, action }: Due): Promise<boolean> {
    // Its producer decided while it waited for its turn.
    if (this.ledger.find(half.identity) !== half) return true
    const message = readMessage(await this.deps.store.readRecord(half.physicalOffset))
    if (message === null) {
      this.deps.log.error({ event: 'half_message_unreadable', offset: half.offset })
      this.ledger.given(half)
      return true
    }
    if (await this.deps.lookup.isCommitted(half, message)) {
      this.deps.ops.add(this.ledger.decided(half.identity, half.offset))
      return true
    }
    return action === 'discard'
      ? this.discard(half, message)
      : this.renew(half, message, action === 'check')
  }

  private async renew(half: Half, message: MessageExt, isCheck: boolean): Promise<boolean> {
    const { appends, log, sender, store } = this.deps
    const checkTimes = half.checkTimes + (isCheck ? 1 : 0)
    draftRenewed(store.draft, message, half.identity, checkTimes)
    const outcome = await appends.append()
    if (!outcome.isStored) {
      log.warn({ event: 'half_message_not_renewed', offset: half.offset, status: outcome.status })
      return false
    }
    this.put(HALF, outcome.size)
    const { physicalOffset, queueOffset: offset } = outcome
    const copy = { ...half, offset, physicalOffset, checkTimes }
    this.ledger.renewed(half, copy, !isCheck)
    if (isCheck) sender.send(message, copy, outcome.storeTimestamp)
    return true
  }

  private async discard(half: Half, message: MessageExt): Promise<boolean> {
    const { appends, counters, log, store, topics } = this.deps
    const perm = PermName.READ | PermName.WRITE
    const topic = topics.createInSendBack(SystemTopic.TRANS_CHECK_MAX_TIME, 1, perm)
    if (topic === null) return false
    draftDiscarded(store.draft, message, topic)
    const outcome = await appends.append()
    if (!outcome.isStored) {
      log.warn({ event: 'half_message_not_given_up', offset: half.offset, status: outcome.status })
      return false
    }
    this.put(topic.topicName, outcome.size)
    counters.discarded++
    const { checkTimes, group, identity, topic: realTopic } = half
    log.warn({ event: 'transaction_given_up', topic: realTopic, group, identity, checkTimes })
    this.ledger.given(half)
    return true
  }

  private put(name: string, size: number): void {
    const topic = this.deps.topics.select(name)
    if (topic !== undefined) this.deps.stats.messagePut(topic, 1, size)
  }

  private advance(): void {
    const { ledger } = this
    ledger.advance()
    this.commit(HALF, ledger.progress)
    this.commit(OP, ledger.opProgress)
  }

  private commit(topic: string, offset: number): void {
    const { offsets } = this.deps
    const before = offsets.queryOffset(TRANSACTION_GROUP, topic, 0)
    if (offset !== before && (offset > 0 || before >= 0)) {
      offsets.commitOffset(TRANSACTION_GROUP, topic, 0, offset)
    }
  }
}
