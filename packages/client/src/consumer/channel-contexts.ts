import type { MessageQueue, ReceivedMessage } from '../api/message.ts'

/** What subscribers of `rocketmq:receive` get: one pull that brought messages. */
export interface ReceiveContext {
  readonly group: string
  readonly queue: MessageQueue
  readonly messageCount: number
}

/** What subscribers of `rocketmq:process` get: one call of a handler. */
export interface ProcessContext {
  readonly group: string
  readonly queue: MessageQueue
  readonly messages: readonly ReceivedMessage<unknown>[]
}

/** What subscribers of `rocketmq:ack` get: one message that goes back to its broker. */
export interface SendBackContext {
  readonly group: string
  readonly queue: MessageQueue
  readonly queueOffset: number
  /** 0: as the broker chooses, −1: the dead letters. */
  readonly delayLevel: number
}

/** What subscribers of `rocketmq:rebalance` get: one round for one topic. */
export interface RebalanceContext {
  readonly group: string
  readonly topic: string
}
