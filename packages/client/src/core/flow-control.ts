import { ErrorCode, RocketMQError } from '../api/errors.ts'

/** How long a queue that holds too much is not asked for (Java: PULL_TIME_DELAY_MILLS_WHEN_CACHE_FLOW_CONTROL). */
export const FLOW_CONTROL_RETRY_MS = 50

/** What may wait in memory of one queue; above it no more is pulled. One pull can go over by its batch. */
export interface FlowLimits {
  readonly messages: number
  readonly bytes: number
  /**
   * From the lowest to the highest offset: one stuck handler would otherwise let the rest be consumed, and repeated,
   * without end.
   */
  readonly span: number
}

/** Java's pullThresholdForQueue, pullThresholdSizeForQueue and consumeConcurrentlyMaxSpan. */
export const DEFAULT_FLOW_LIMITS: FlowLimits = {
  messages: 1_000,
  bytes: 100 * 1024 * 1024,
  span: 2_000,
}
/** Java's upper bounds of the same options. */
export const FLOW_LIMITS_MAX: FlowLimits = {
  messages: 65_535,
  bytes: 1024 * 1024 * 1024,
  span: 65_535,
}

/** What `decideFlow` looks at; a ProcessQueue has it. */
export interface FlowState {
  readonly count: number
  readonly bytes: number
  readonly span: number
}

/** 'ok', or the limit that is exceeded. */
export type FlowDecision = 'ok' | keyof FlowLimits

/**
 * Whether a queue may be asked for more. Each limit itself is still allowed. The span does not count in ordered
 * consumption, which acknowledges from the front.
 */
export function decideFlow(limits: FlowLimits, state: FlowState, isOrdered: boolean): FlowDecision {
  if (state.count > limits.messages) return 'messages'
  if (state.bytes > limits.bytes) return 'bytes'
  if (!isOrdered && state.span > limits.span) return 'span'
  return 'ok'
}

/**
 * The limits of `prefetch`, with defaults. RMQ_INVALID_ARGUMENT for what is not a whole number from 1 to
 * FLOW_LIMITS_MAX.
 */
export function resolveFlowLimits(prefetch: Partial<FlowLimits> | undefined): FlowLimits {
  return {
    messages: checked('messages', prefetch?.messages),
    bytes: checked('bytes', prefetch?.bytes),
    span: checked('span', prefetch?.span),
  }
}

function checked(name: keyof FlowLimits, value: number | undefined): number {
  if (value === undefined) return DEFAULT_FLOW_LIMITS[name]
  if (Number.isInteger(value) && value >= 1 && value <= FLOW_LIMITS_MAX[name]) return value
  const message = `prefetch.${name} is ${value}, not 1 to ${FLOW_LIMITS_MAX[name]}`
  throw new RocketMQError(ErrorCode.INVALID_ARGUMENT, message)
}
