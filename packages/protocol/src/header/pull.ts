import type { HeaderOf } from './table.ts'

/** PULL_MESSAGE (11). */
export const PullMessageRequestHeader = {
  consumerGroup: 'string',
  topic: 'string',
  queueId: 'int',
  queueOffset: 'long',
  maxMsgNums: 'int',
  sysFlag: 'int',
  commitOffset: 'long',
  suspendTimeoutMillis: 'long',
  subscription: 'string?',
  subVersion: 'long',
  expressionType: 'string?',
  maxMsgBytes: 'int?',
  requestSource: 'int?',
  proxyFrowardClientId: 'string?',
} as const
export type PullMessageRequestHeader = HeaderOf<typeof PullMessageRequestHeader>

/** Answer to PULL_MESSAGE (11). */
export const PullMessageResponseHeader = {
  suggestWhichBrokerId: 'long',
  nextBeginOffset: 'long',
  minOffset: 'long',
  maxOffset: 'long',
  offsetDelta: 'long?',
  topicSysFlag: 'int?',
  groupSysFlag: 'int?',
  forbiddenType: 'int?',
} as const
export type PullMessageResponseHeader = HeaderOf<typeof PullMessageResponseHeader>
