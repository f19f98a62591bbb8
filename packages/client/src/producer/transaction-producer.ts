import { MessageConst, MessageSysFlag } from '@apogee/protocol'
import { ErrorCode, RocketMQError } from '../api/errors.ts'
import type { Message, SendResult } from '../api/message.ts'
import type { SendOptions, TransactionOutcome } from '../api/options.ts'
import { withNamespace } from '../consumer/names.ts'
import { invalidArgument } from '../remote/errors.ts'
import { keysText } from '../trace/send-trace.ts'
import { commitLogOffsetOf, endTransaction, OUTCOME_NAMES } from './end-transaction.ts'
import { isDelayed } from './message-properties.ts'
import { Producer, type ProducerParts } from './producer.ts'
import type { TransactionChecks } from './transaction-checks.ts'

/** Errors of a send that say more than that a half message was not stored. */
const KEPT_CODES: ReadonlySet<ErrorCode> = new Set([
  ErrorCode.INVALID_ARGUMENT,
  ErrorCode.MESSAGE_TOO_LARGE,
  ErrorCode.CLOSED,
  ErrorCode.ABORTED,
  ErrorCode.TOO_MANY_IN_FLIGHT,
])

/** The transaction as its local part sees it. */
export interface Transaction {
  /** What a check will know it by (UNIQ_KEY). */
  readonly id: string
  readonly messageId: string
}

/** What came of the half message, and what the broker was told of the transaction. */
export interface TransactionResult extends SendResult {
  /** What the broker was told. 'unknown' means that it will ask `check`. */
  readonly outcome: TransactionOutcome
}

/** The local part of a transaction: an async function. What it throws rolls back. */
export type LocalTransaction = (transaction: Transaction) => Promise<TransactionOutcome>

/** Sends messages in transactions (Java: TransactionMQProducer). Made by `mq.transactionProducer()`. */
export class TransactionProducer extends Producer {
  private readonly checks: TransactionChecks

  constructor(group: string, parts: ProducerParts, checks: TransactionChecks) {
    super(group, parts)
    this.checks = checks
  }

  /**
   * Stores a message that nobody sees yet, runs `local`, and makes the message visible or not by what it returns.
   * When the process dies meanwhile, or the outcome gets lost, the broker asks `check` of any producer of the group.
   *
   * A message that is stored less safely than configured (any status but SEND_OK) is rolled back without running
   * `local`. A throw of `local` rolls back and rejects with RMQ_TRANSACTION_FAILED, its `cause`; so does a half
   * message that is not stored, and then `local` has not run. Other codes as `send`.
   */
  async sendInTransaction(
    message: Message,
    local: LocalTransaction,
    options: SendOptions = {},
  ): Promise<TransactionResult> {
    if (isDelayed(message)) throw invalidArgument('a message of a transaction cannot have a delay')
    const result = await this.sendHalf(message, options)
    const { messageId } = result
    let outcome: TransactionOutcome = 'rollback'
    let failure: { cause: unknown } | null = null
    if (result.status === 'SEND_OK') {
      try {
        outcome = await local({ id: result.transactionId ?? messageId, messageId })
        if (!(outcome in OUTCOME_NAMES)) throw invalidArgument(`${outcome} is no outcome`)
      } catch (cause) {
        outcome = 'rollback'
        failure = { cause }
      }
    }
    this.endOf(message, result, outcome)
    if (failure === null) return { ...result, outcome }
    const text = `the local part of transaction ${messageId} failed, it is rolled back`
    throw new RocketMQError(ErrorCode.TRANSACTION_FAILED, text, failure)
  }

  protected override async closeNow(): Promise<void> {
    await super.closeNow()
    await this.checks.idle()
  }

  private async sendHalf(message: Message, options: SendOptions): Promise<SendResult> {
    const more = [
      [MessageConst.TRANSACTION_PREPARED, 'true'],
      [MessageConst.PRODUCER_GROUP, this.parts.settings.group],
    ] as const
    try {
      return await this.sendOne(message, options, more, MessageSysFlag.TRANSACTION_PREPARED)
    } catch (error) {
      if (!(error instanceof RocketMQError) || KEPT_CODES.has(error.code)) throw error
      const { attempts, retriable } = error
      const details = { cause: error, attempts, retriable }
      const text = `the half message was not stored: ${error.message}`
      throw new RocketMQError(ErrorCode.TRANSACTION_FAILED, text, details)
    }
  }

  private endOf(message: Message, result: SendResult, outcome: TransactionOutcome): void {
    const { client, settings, trace } = this.parts
    const { queue, messageId, offsetMessageId, queueOffset } = result
    const address = client.routes.brokerAddress(queue.brokerName, 0)
    const commitLogOffset = commitLogOffsetOf(offsetMessageId)
    if (address === null || commitLogOffset === null) {
      client.log.warn({ event: 'transaction_end_dropped', messageId, outcome, offsetMessageId })
      return
    }
    const transactionId = result.transactionId ?? messageId
    endTransaction(client, address, {
      outcome,
      topic: withNamespace(client.namespace, message.topic),
      group: settings.group,
      tranStateTableOffset: queueOffset,
      commitLogOffset,
      messageId,
      transactionId,
      fromTransactionCheck: false,
    })
    trace?.ended({
      topic: message.topic,
      messageId,
      tag: message.tag ?? '',
      keys: keysText(message),
      storeHost: address,
      transactionId,
      state: OUTCOME_NAMES[outcome],
      fromCheck: false,
    })
  }
}
