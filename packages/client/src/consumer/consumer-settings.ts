import { validateGroup } from '@apogee/protocol'
import { ErrorCode, RocketMQError } from '../api/errors.ts'
import type { ConsumerOptions, PullConsumerOptions } from '../api/options.ts'
import { type FlowLimits, resolveFlowLimits } from '../core/flow-control.ts'
import { type AllocateStrategy, resolveStrategy } from '../core/rebalance/strategy.ts'
import { clampSuspendMs } from '../core/retry-policy.ts'
import type { StartFrom } from './start-offset.ts'

/** Handlers of one consumer at once, at most. */
export const CONCURRENCY_MAX = 10_000
/** Messages of one pull, at most (Java's bound of pullBatchSize). */
export const PULL_BATCH_MAX = 1_024
/** A timer cannot wait longer. */
const DURATION_MAX_MS = 2 ** 31 - 1

/** A consumer's options with all defaults, checked. */
export interface ConsumerSettings {
  readonly model: 'clustering' | 'broadcasting'
  readonly from: StartFrom
  readonly concurrency: number
  /** As given: −1 is the default of the kind of consumption. */
  readonly maxRetries: number
  readonly limits: FlowLimits
  readonly pullBatchSize: number
  readonly suspendMs: number
  readonly consumeTimeoutMs: number
  readonly strategy: AllocateStrategy
  readonly rebalanceIntervalMs: number
  readonly persistOffsetsIntervalMs: number
  readonly drainTimeoutMs: number
  /** Offsets travel with pulls: clustering, and handlers that acknowledge. */
  readonly commitsWithPull: boolean
  /** A pull consumer: brokers get the expression with every pull. */
  readonly isPull: boolean
  /** Set once the kind of consumption is known. */
  readonly isOrdered: boolean
}

/** Defaults as documented at ConsumerOptions. Throws RMQ_INVALID_ARGUMENT. */
export function resolveSettings<T>(options: ConsumerOptions<T>): ConsumerSettings {
  checkGroup(options.group)
  const { model = 'clustering' } = options
  if (model !== 'clustering' && model !== 'broadcasting') throw invalid(`model is ${String(model)}`)
  const duration = (name: keyof ConsumerOptions<T>, otherwise: number): number =>
    whole(String(name), (options[name] as number | undefined) ?? otherwise, 1, DURATION_MAX_MS)
  return {
    model,
    from: checkFrom(options.from ?? 'last'),
    concurrency: whole('concurrency', options.concurrency ?? 20, 1, CONCURRENCY_MAX),
    maxRetries: whole('maxRetries', options.maxRetries ?? -1, -1, 2 ** 31 - 1),
    limits: resolveFlowLimits(options.prefetch),
    pullBatchSize: whole('pullBatchSize', options.pullBatchSize ?? 32, 1, PULL_BATCH_MAX),
    suspendMs: clampSuspendMs(duration('suspendMs', 1_000)),
    consumeTimeoutMs: duration('consumeTimeoutMs', 900_000),
    strategy: resolveStrategy(options.allocate),
    rebalanceIntervalMs: duration('rebalanceIntervalMs', 20_000),
    persistOffsetsIntervalMs: duration('persistOffsetsIntervalMs', 5_000),
    drainTimeoutMs: whole('drainTimeoutMs', options.drainTimeoutMs ?? 30_000, 0, DURATION_MAX_MS),
    commitsWithPull: model === 'clustering',
    isPull: false,
    isOrdered: false,
  }
}

/** The same of a pull consumer. Throws RMQ_INVALID_ARGUMENT. */
export function resolvePullSettings<T>(options: PullConsumerOptions<T>): ConsumerSettings {
  checkGroup(options.group)
  const { autoCommitIntervalMs = false } = options
  if (autoCommitIntervalMs !== false) {
    whole('autoCommitIntervalMs', autoCommitIntervalMs, 1, DURATION_MAX_MS)
  }
  return {
    model: 'clustering',
    from: checkFrom(options.from ?? 'last'),
    concurrency: 1,
    maxRetries: -1,
    limits: resolveFlowLimits(options.prefetch),
    pullBatchSize: whole('pullBatchSize', options.pullBatchSize ?? 32, 1, PULL_BATCH_MAX),
    suspendMs: 1_000,
    consumeTimeoutMs: DURATION_MAX_MS,
    strategy: resolveStrategy(options.allocate),
    rebalanceIntervalMs: 20_000,
    persistOffsetsIntervalMs:
      autoCommitIntervalMs === false ? DURATION_MAX_MS : autoCommitIntervalMs,
    drainTimeoutMs: 0,
    commitsWithPull: false,
    isPull: true,
    isOrdered: false,
  }
}

function checkGroup(group: string): void {
  const problem = validateGroup(String(group ?? ''))
  if (problem !== null) throw invalid(problem.detail)
}

function checkFrom(from: StartFrom): StartFrom {
  if (from === 'first' || from === 'last') return from
  const timestamp = typeof from === 'object' && from !== null ? Number(from.timestamp) : Number.NaN
  if (!Number.isFinite(timestamp) || timestamp < 0) {
    throw invalid(`from is ${JSON.stringify(from)}, not 'first', 'last' or { timestamp }`)
  }
  return { timestamp: Math.floor(timestamp) }
}

function whole(name: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value
  throw invalid(`${name} is ${value}, not a whole number from ${min} to ${max}`)
}

function invalid(message: string): RocketMQError {
  return new RocketMQError(ErrorCode.INVALID_ARGUMENT, message)
}
