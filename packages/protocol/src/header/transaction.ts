import type { HeaderOf } from './table.ts'

/** END_TRANSACTION (37). */
export const EndTransactionRequestHeader = {
  topic: 'string?',
  producerGroup: 'string',
  tranStateTableOffset: 'long',
  commitLogOffset: 'long',
  commitOrRollback: 'int',
  fromTransactionCheck: 'boolean=false',
  msgId: 'string',
  transactionId: 'string?',
} as const
export type EndTransactionRequestHeader = HeaderOf<typeof EndTransactionRequestHeader>

/** Answer to END_TRANSACTION (37). */
export const EndTransactionResponseHeader = {} as const
export type EndTransactionResponseHeader = HeaderOf<typeof EndTransactionResponseHeader>

/** CHECK_TRANSACTION_STATE (39). */
export const CheckTransactionStateRequestHeader = {
  topic: 'string?',
  tranStateTableOffset: 'long',
  commitLogOffset: 'long',
  msgId: 'string?',
  transactionId: 'string?',
  offsetMsgId: 'string?',
} as const
export type CheckTransactionStateRequestHeader = HeaderOf<typeof CheckTransactionStateRequestHeader>

/** Answer to CHECK_TRANSACTION_STATE (39). */
export const CheckTransactionStateResponseHeader = {
  producerGroup: 'string',
  tranStateTableOffset: 'long',
  commitLogOffset: 'long',
  commitOrRollback: 'int',
} as const
export type CheckTransactionStateResponseHeader = HeaderOf<
  typeof CheckTransactionStateResponseHeader
>

/** RESUME_CHECK_HALF_MESSAGE (323). */
export const ResumeCheckHalfMessageRequestHeader = {
  topic: 'string?',
  msgId: 'string?',
} as const
export type ResumeCheckHalfMessageRequestHeader = HeaderOf<
  typeof ResumeCheckHalfMessageRequestHeader
>
