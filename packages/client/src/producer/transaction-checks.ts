import { RingQueue } from '@apogee/base'
import { MessageConst, MessageSysFlag } from '@apogee/protocol'
import type { ReceivedMessage } from '../api/message.ts'
import type { TransactionOutcome } from '../api/options.ts'
import type { Client, ProducerMember, TransactionCheck } from '../remote/contract.ts'
import type { SendTrace } from '../trace/send-trace.ts'
import { endTransaction, OUTCOME_NAMES } from './end-transaction.ts'
import { receivedMessage } from './received-message.ts'

export interface TransactionChecksOptions {
  /** As servers name it. */
  group: string
  check(message: ReceivedMessage): Promise<TransactionOutcome>
  concurrency: number
  queueMax: number
}

/**
 * Answers brokers that ask what became of a transaction (Java: checkTransactionState). It is a member from the start
 * of its producer to the very end, so that a broker that asks meanwhile gets its answer.
 */
export class TransactionChecks implements ProducerMember {
  readonly group: string
  /** Checks that found the queue full; their brokers ask again. */
  dropped = 0
  trace: SendTrace | null = null
  private readonly client: Client
  private readonly options: TransactionChecksOptions
  private readonly waiting = new RingQueue<TransactionCheck>()
  private running = 0
  private idleListeners: (() => void)[] = []

  constructor(client: Client, options: TransactionChecksOptions) {
    this.group = options.group
    this.client = client
    this.options = options
  }

  checkTransaction(check: TransactionCheck): void {
    if (this.waiting.size >= this.options.queueMax) {
      this.dropped++
      const { group, dropped } = this
      this.client.log.warn({ event: 'transaction_check_dropped', group, dropped })
      return
    }
    this.waiting.push(check)
    this.runSome()
  }

  /** Resolves once no check runs or waits. */
  idle(): Promise<void> {
    if (this.running === 0) return Promise.resolve()
    return new Promise((resolve) => this.idleListeners.push(resolve))
  }

  private runSome(): void {
    while (this.running < this.options.concurrency) {
      const check = this.waiting.shift()
      if (check === undefined) break
      this.running++
      void this.run(check).finally(() => {
        this.running--
        this.runSome()
      })
    }
    if (this.running > 0) return
    const listeners = this.idleListeners
    this.idleListeners = []
    for (const listener of listeners) listener()
  }

  private async run(check: TransactionCheck): Promise<void> {
    const { client, group } = this
    const { brokerAddress, message, transactionId } = check
    const messageId = message.properties.get(MessageConst.UNIQ_KEY) ?? transactionId
    const outcome = await this.ask(check, messageId)
    if (client.isClosing) return
    const topic = message.properties.get(MessageConst.REAL_TOPIC) ?? message.topic
    const { tranStateTableOffset, commitLogOffset } = check
    endTransaction(client, brokerAddress, {
      outcome,
      topic,
      group,
      tranStateTableOffset,
      commitLogOffset,
      messageId,
      transactionId,
      fromTransactionCheck: true,
    })
    this.trace?.ended({
      topic,
      messageId,
      tag: message.properties.get(MessageConst.TAGS) ?? '',
      keys: message.properties.get(MessageConst.KEYS) ?? '',
      storeHost: brokerAddress,
      transactionId,
      state: OUTCOME_NAMES[outcome],
      fromCheck: true,
    })
  }

  /** Never rejects: whoever does not know is asked again. */
  private async ask(check: TransactionCheck, messageId: string): Promise<TransactionOutcome> {
    const { client } = this
    try {
      const brokerName = client.routes.brokerNameOf(check.brokerAddress) ?? ''
      // Brokers do not store a half message marked as one.
      const sysFlag = check.message.sysFlag | MessageSysFlag.TRANSACTION_PREPARED
      const half = { ...check.message, sysFlag }
      const received = receivedMessage(half, brokerName, client.namespace)
      const outcome = await this.options.check(received)
      if (outcome in OUTCOME_NAMES) return outcome
      client.log.error({ event: 'transaction_check_outcome', messageId, outcome })
    } catch (error) {
      client.log.error({ event: 'transaction_check_failed', messageId, err: error })
    }
    return 'unknown'
  }
}
