import { isMalformed } from '@apogee/base'
import {
  EndTransactionRequestHeader,
  encodeHeader,
  MessageSysFlag,
  parseOffsetMsgId,
  RequestCode,
} from '@apogee/protocol'
import type { TransactionOutcome } from '../api/options.ts'
import type { Client } from '../remote/contract.ts'

const OUTCOME_VALUES: Record<TransactionOutcome, number> = {
  commit: MessageSysFlag.TRANSACTION_COMMIT,
  rollback: MessageSysFlag.TRANSACTION_ROLLBACK,
  unknown: 0,
}

/** Java's LocalTransactionState, as trace spells it. */
export const OUTCOME_NAMES: Record<TransactionOutcome, string> = {
  commit: 'COMMIT_MESSAGE',
  rollback: 'ROLLBACK_MESSAGE',
  unknown: 'UNKNOW',
}

/** The end of one transaction. */
export interface TransactionEnd {
  readonly outcome: TransactionOutcome
  /** As servers name them. */
  readonly topic: string
  readonly group: string
  /** Of the half message: its queue offset and its place in the log. */
  readonly tranStateTableOffset: number
  readonly commitLogOffset: number
  readonly messageId: string
  readonly transactionId: string
  readonly fromTransactionCheck: boolean
}

/** END_TRANSACTION (37), one-way: one that is lost is asked for by the broker later. */
export function endTransaction(client: Client, address: string, end: TransactionEnd): void {
  const fields = encodeHeader(EndTransactionRequestHeader, {
    topic: end.topic,
    producerGroup: end.group,
    tranStateTableOffset: end.tranStateTableOffset,
    commitLogOffset: end.commitLogOffset,
    commitOrRollback: OUTCOME_VALUES[end.outcome],
    fromTransactionCheck: end.fromTransactionCheck,
    msgId: end.messageId,
    transactionId: end.transactionId,
  })
  const sent = client.remote.oneway(address, { code: RequestCode.END_TRANSACTION, fields })
  if (sent !== 'dropped') return
  const { messageId, outcome } = end
  client.log.warn({ event: 'transaction_end_dropped', address, messageId, outcome })
}

/** The place in the log that an offset message id names; null when it is none. */
export function commitLogOffsetOf(offsetMessageId: string): number | null {
  const parts = parseOffsetMsgId(offsetMessageId)
  return isMalformed(parts) ? null : parts.physicalOffset
}
