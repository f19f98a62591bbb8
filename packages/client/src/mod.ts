export type { Codec, StandardSchema } from './api/codec.ts'
export type {
  AckableMessage,
  BatchHandler,
  ClientStatus,
  HandlerContext,
  MessageBatch,
  MessageHandler,
} from './api/consume.ts'
export {
  ErrorCode,
  PartialSendError,
  RetryLater,
  type RetryLaterOptions,
  RocketMQError,
  type RocketMQErrorDetails,
  Unrecoverable,
} from './api/errors.ts'
export type {
  Body,
  Message,
  MessageQueue,
  ReceivedMessage,
  SendResult,
  SendStatus,
  Topic,
} from './api/message.ts'
export type {
  AllocateStrategyName,
  AllocateStrategyOptions,
  ClientLogger,
  CompressionName,
  ConsumerOptions,
  Credentials,
  ProducerOptions,
  PullConsumerOptions,
  RocketMQOptions,
  SendOptions,
  Subscription,
  TlsOptions,
  TransactionOutcome,
  TransactionProducerOptions,
} from './api/options.ts'
export { sql, tags } from './api/subscription.ts'
export { json, text, withSchema } from './api/topic.ts'
export type {
  ProcessContext,
  RebalanceContext,
  ReceiveContext,
  SendBackContext,
} from './consumer/channel-contexts.ts'
export type { Consumer } from './consumer/consumer.ts'
export type { PullConsumer, SeekTarget } from './consumer/pull-consumer.ts'
export type { SendContext } from './observe/channels.ts'
export type { Producer, ReplyContent } from './producer/producer.ts'
export type {
  LocalTransaction,
  Transaction,
  TransactionProducer,
  TransactionResult,
} from './producer/transaction-producer.ts'
export { RocketMQ } from './rocketmq.ts'
