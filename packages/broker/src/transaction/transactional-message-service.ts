import type { Clock } from '@apogee/env'
import {
  type EndTransactionRequestHeader,
  type Host,
  MessageConst,
  type MessageExt,
  MessageSysFlag,
  PermName,
  ResponseCode,
  SystemTopic,
} from '@apogee/protocol'
import { type Answer, type Logger, refuse, success } from '@apogee/remoting'
import { APPEND_OK, type MessageStore } from '@apogee/store'
import type { ProducerManager } from '../client/producer-manager.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { ConsumerOffsetManager } from '../offset/consumer-offset-manager.ts'
import { appendRefusal } from '../send/append-refusal.ts'
import type { BrokerStats } from '../stats/broker-stats.ts'
import type { DeletedTopics } from '../topic/deleted-topics.ts'
import type { TopicConfig } from '../topic/topic-config.ts'
import type { TopicConfigManager } from '../topic/topic-config-manager.ts'
import { CheckSender } from './check-sender.ts'
import { CommitLookup } from './commit-lookup.ts'
import type { Half } from './core/half.ts'
import { immunityOf, readHalf, readMessage, realQueueIdOf } from './half-record.ts'
import { IdentityTurns } from './identity-turns.ts'
import { OpWriter } from './op-writer.ts'
import { StoredAppends } from './stored-appends.ts'
import { TransactionChecks } from './transaction-checks.ts'
import { TransactionCounters } from './transaction-counters.ts'
import { delayLevelOf, draftCommitted, draftRenewed } from './transaction-drafts.ts'

export interface TransactionDeps {
  store: Pick<
    MessageStore,
    'append' | 'consumeQueue' | 'draft' | 'maxPhysicalOffset' | 'queryByKey' | 'readRecord'
  >
  clock: Clock
  log: Logger
  stats: BrokerStats
  topics: TopicConfigManager
  deleted: DeletedTopics
  producers: ProducerManager
  offsets: ConsumerOffsetManager
  delayLevelMax: number
  /** This broker's address as records have it: 4 or 16 bytes, and with its main port. */
  address: Uint8Array
  storeHost: Host
}

const NOT_FOUND = 'Find prepared transaction message failed'
const NOT_RESUMED = 'Exception was thrown when putting message back to RMQ_SYS_TRANS_HALF_TOPIC.'

/**
 * Transactions: a message is stored where nobody reads (the half message), and copied to its topic when its producer says
 * commit; the decision is noted in the op queue after that. Whoever has not decided is asked. At least once: a crash may
 * bring a committed message twice, it never loses one and never shows one that was rolled back. Java:
 * TransactionalMessageServiceImpl, EndTransactionProcessor.
 */
export class TransactionalMessageService {
  readonly counters: TransactionCounters
  private readonly config: BrokerConfig
  private readonly deps: TransactionDeps
  private readonly appends: StoredAppends
  private readonly turns = new IdentityTurns()
  private readonly ops: OpWriter
  private readonly lookup: CommitLookup
  private readonly checks: TransactionChecks

  /** The store is open, and consumer offsets are loaded. */
  constructor(config: BrokerConfig, deps: TransactionDeps) {
    const { address, storeHost, store } = deps
    this.config = config
    this.deps = deps
    this.counters = new TransactionCounters(() => config.values.topicsMax)
    this.appends = new StoredAppends(store)
    const shared = { ...deps, config, appends: this.appends, counters: this.counters }
    this.ops = new OpWriter({
      ...shared,
      host: { address, port: storeHost.port },
      written: (size) => this.put(SystemTopic.TRANS_OP_HALF, size),
    })
    this.lookup = new CommitLookup(config, deps)
    const sender = new CheckSender(shared)
    const { lookup, ops, turns } = this
    this.checks = new TransactionChecks({ ...shared, lookup, ops, sender, turns })
  }

  start(): void {
    this.checks.start()
  }

  /** No producer is asked any more; decisions are written. No request may come any more. */
  async stop(): Promise<void> {
    await this.checks.stop()
    await this.ops.stop()
  }

  /** Reads what is new in the queues of transactions, so that `halfMessages` is up to date. A slave leaves them alone. */
  refresh(): Promise<void> {
    return this.config.values.brokerRole === 'SLAVE' ? Promise.resolve() : this.checks.scan()
  }

  /** Undecided half messages by topic, as of the last round of checks or `refresh`. */
  halfMessages(): Map<string, number> {
    const counts = new Map<string, number>()
    for (const { topic } of this.checks.ledger.pendingHalves) {
      counts.set(topic, (counts.get(topic) ?? 0) + 1)
    }
    return counts
  }

  /** END_TRANSACTION (37). Answered once the committed message is as safe as a send. The first decision stands. */
  async end(header: EndTransactionRequestHeader): Promise<Answer> {
    const isCommit = header.commitOrRollback === MessageSysFlag.TRANSACTION_COMMIT
    // The producer does not know yet: it is asked later.
    if (!isCommit && header.commitOrRollback !== MessageSysFlag.TRANSACTION_ROLLBACK)
      return success()
    const message = readMessage(await this.deps.store.readRecord(header.commitLogOffset))
    const half = message === null ? null : readHalf(message)
    if (message === null || half === null) return refuse(ResponseCode.SYSTEM_ERROR, NOT_FOUND)
    if (!header.fromTransactionCheck && this.isTooLate(message)) {
      const remark = 'the time that the message was left alone is over: its producer is asked'
      return refuse(ResponseCode.ILLEGAL_OPERATION, remark)
    }
    const mismatch = mismatchOf(header, half, message)
    if (mismatch !== null) return refuse(ResponseCode.SYSTEM_ERROR, mismatch)
    return this.turns.run(half.identity, () => this.decide(half, message, isCommit))
  }

  /**
   * RESUME_CHECK_HALF_MESSAGE (323): a message that was given up, or any half message, becomes a half message that nobody
   * was asked about. Java: AdminBrokerProcessor.resumeCheckHalfMessage.
   */
  async resume(physicalOffset: number): Promise<Answer> {
    const { log, store } = this.deps
    const message = readMessage(await store.readRecord(physicalOffset))
    const topics: readonly string[] = [SystemTopic.TRANS_CHECK_MAX_TIME, SystemTopic.TRANS_HALF]
    if (message === null || !topics.includes(message.topic) || realQueueIdOf(message) < 0) {
      return refuse(ResponseCode.SYSTEM_ERROR, NOT_RESUMED)
    }
    draftRenewed(store.draft, message, -1, 0)
    const { isStored, queueOffset, size } = await this.appends.append()
    if (!isStored) {
      const remark = 'Put message back to RMQ_SYS_TRANS_HALF_TOPIC failed.'
      return refuse(ResponseCode.SYSTEM_ERROR, remark)
    }
    this.put(SystemTopic.TRANS_HALF, size)
    const topic = message.properties.get(MessageConst.REAL_TOPIC)
    log.info({ event: 'transaction_resumed', topic, physicalOffset, queueOffset })
    return success()
  }

  private async decide(half: Half, message: MessageExt, isCommit: boolean): Promise<Answer> {
    const { ledger } = this.checks
    if (ledger.isEnded(half.identity, half.offset)) return success()
    if (!this.ops.hasRoom) {
      const remark = 'decisions of transactions cannot be written as fast as they come'
      return refuse(ResponseCode.SYSTEM_BUSY, remark)
    }
    if (await this.lookup.isCommitted(half, message)) {
      this.ops.add(ledger.decided(half.identity, half.offset))
      return success()
    }
    const refusal = isCommit ? await this.commit(half, message) : null
    if (refusal !== null) return refusal
    this.ops.add(ledger.decided(half.identity, half.offset))
    if (isCommit) this.counters.committed(half.topic, this.deps.clock.wallMs() - half.bornMs)
    else this.counters.rolledBack(half.topic)
    return success()
  }

  private async commit(half: Half, message: MessageExt): Promise<Answer | null> {
    const { delayLevelMax, stats, store } = this.deps
    const topic = this.topicOf(half, message)
    if (topic === null) {
      const remark = `topic[${half.topic}] not exist, apply first please!`
      return refuse(ResponseCode.TOPIC_NOT_EXIST, remark)
    }
    draftCommitted(store.draft, message, topic, delayLevelMax)
    const { isStored, size, status } = await this.appends.append()
    if (isStored) {
      if (delayLevelOf(message) > 0) this.put(SystemTopic.SCHEDULE, size)
      else stats.messagePut(topic, 1, size)
      return null
    }
    if (status !== APPEND_OK) {
      const { code, remark } = appendRefusal(status, this.config.values.maxMessageSize)
      return refuse(code, remark)
    }
    return refuse(ResponseCode.SERVICE_NOT_AVAILABLE, 'the message was not stored')
  }

  /**
   * The topic of a message to commit. A send that made its topic does not wait for topics.json, so a crash may have left
   * the half message alone: the topic is made again. Not when it was deleted since.
   */
  private topicOf(half: Half, message: MessageExt): TopicConfig | null {
    const { deleted, topics } = this.deps
    const topic = topics.select(half.topic)
    if (topic !== undefined) return topic
    if ((deleted.endOf(half.topic) ?? -1) > half.physicalOffset) return null
    const queues = realQueueIdOf(message) + 1
    return topics.createInSendBack(half.topic, queues, PermName.READ | PermName.WRITE)
  }

  /** Who asked for a time of its own must decide within it, or when it is asked. */
  private isTooLate(message: MessageExt): boolean {
    const immunityMs = immunityOf(message)
    if (immunityMs < 0) return false
    const limitMs = Math.max(immunityMs, this.config.values.transactionTimeOut)
    return this.deps.clock.wallMs() - message.bornTimestamp > limitMs
  }

  private put(name: string, size: number): void {
    const topic = this.deps.topics.select(name)
    if (topic !== undefined) this.deps.stats.messagePut(topic, 1, size)
  }
}

/** Why a request does not mean this half message; null when it does (Java: checkPrepareMessage). */
function mismatchOf(
  header: EndTransactionRequestHeader,
  half: Half,
  message: MessageExt,
): string | null {
  if (half.group !== header.producerGroup) return 'The producer group wrong'
  if (half.offset !== header.tranStateTableOffset) return 'The transaction state table offset wrong'
  if (half.physicalOffset !== header.commitLogOffset) return 'The commit log offset wrong'
  // After a power cut another message may stand at the same place.
  const uniqKey = message.properties.get(MessageConst.UNIQ_KEY)
  const { msgId, transactionId } = header
  const isOther = uniqKey !== undefined && msgId !== uniqKey && (transactionId ?? '') !== uniqKey
  return isOther && (transactionId ?? '') !== '' ? 'The transaction id wrong' : null
}
