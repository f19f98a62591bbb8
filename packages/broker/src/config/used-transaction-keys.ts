import { bool, int, long, type UsedRow } from './config-key.ts'
import type { BrokerConfigValues } from './config-values.ts'

type Rows<K extends keyof BrokerConfigValues> = { [P in K]: UsedRow<BrokerConfigValues[P]> }

export type TransactionKey =
  | 'storeReplyMessageEnable'
  | 'transactionTimeOut'
  | 'transactionCheckMax'
  | 'transactionCheckInterval'
  | 'transactionOpMsgMaxSize'
  | 'transactionOpBatchInterval'
  | 'transactionsPendingMax'
  | 'transactionChecksPerRoundMax'

/** Transactions, request and reply. */
export const transactionRows: Rows<TransactionKey> = {
  storeReplyMessageEnable: bool(true, 'replies are stored, beside being handed on', { live: true }),
  transactionTimeOut: long(6000, 'a producer is not asked about a younger half message, ms', {
    live: true,
  }),
  transactionCheckMax: int(15, 'times that a producer is asked', { live: true, min: 1 }),
  transactionCheckInterval: long(30_000, 'producers are asked every, ms', { live: true, min: 10 }),
  transactionOpMsgMaxSize: int(4096, 'bytes of decisions that are written at once', {
    live: true,
    min: 32,
    max: 1_048_576,
  }),
  transactionOpBatchInterval: int(3000, 'decisions are written after, ms', { live: true }),
  transactionsPendingMax: int(100_000, 'undecided half messages kept in memory', { min: 16 }),
  transactionChecksPerRoundMax: int(20_000, 'half messages dealt with in one round of checks', {
    live: true,
    min: 16,
  }),
}
