import { type TracingChannel, tracingChannel } from 'node:diagnostics_channel'

/**
 * Channels of `node:diagnostics_channel` for tracing: `tracing:rocketmq:<name>:start`, `:end`, `:asyncStart`,
 * `:asyncEnd`, `:error`. A channel that nobody has subscribed to costs one comparison.
 */
export interface Channels {
  /** One `producer.send`, its attempts included. Context: SendContext. */
  readonly send: TracingChannel<object>
  /** One pull that brought messages. */
  readonly receive: TracingChannel<object>
  /** One call of a handler. */
  readonly process: TracingChannel<object>
  /** One message sent back, or offsets committed. */
  readonly ack: TracingChannel<object>
  /** One rebalance of a topic. */
  readonly rebalance: TracingChannel<object>
}

/** What subscribers of `rocketmq:send` get. */
export interface SendContext {
  readonly topic: string
  readonly group: string
  readonly messageCount: number
}

export function channels(): Channels {
  return {
    send: tracingChannel('rocketmq:send'),
    receive: tracingChannel('rocketmq:receive'),
    process: tracingChannel('rocketmq:process'),
    ack: tracingChannel('rocketmq:ack'),
    rebalance: tracingChannel('rocketmq:rebalance'),
  }
}
