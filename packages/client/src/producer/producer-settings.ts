import { isMalformed, type Malformed } from '@apogee/base'
import { CompressionType, validateGroup } from '@apogee/protocol'
import type { CompressionName, ProducerOptions } from '../api/options.ts'
import { invalidArgument } from '../remote/errors.ts'

const MIB = 1024 * 1024
const COMPRESSIONS: Record<CompressionName, CompressionType> = {
  zlib: CompressionType.ZLIB,
  lz4: CompressionType.LZ4,
  zstd: CompressionType.ZSTD,
}

/** ProducerOptions with every default in place. */
export interface ProducerSettings {
  readonly group: string
  readonly retries: number
  readonly timeoutMs: number
  readonly retryAnotherBrokerWhenNotStoreOk: boolean
  readonly compress: {
    readonly over: number
    readonly type: CompressionType
    readonly level: number
  } | null
  readonly maxMessageSize: number
  readonly maxBatchSize: number
  readonly maxInFlight: number
  readonly latencyFaultTolerance: boolean
  readonly createTopics: boolean
  readonly defaultTopicQueueNums: number
}

/** Throws RMQ_INVALID_ARGUMENT. `group` is as servers see it. */
export function producerSettings(options: ProducerOptions, group: string): ProducerSettings {
  const problem: Malformed | null = validateGroup(group)
  if (isMalformed(problem)) throw invalidArgument(problem.detail)
  const maxMessageSize = atLeast(options.maxMessageSize ?? 4 * MIB, 1, 'maxMessageSize')
  return {
    group,
    retries: atLeast(options.retries ?? 2, 0, 'retries'),
    timeoutMs: atLeast(options.timeoutMs ?? 3_000, 1, 'timeoutMs'),
    retryAnotherBrokerWhenNotStoreOk: options.retryAnotherBrokerWhenNotStoreOk ?? false,
    compress: compressionOf(options.compress),
    maxMessageSize,
    maxBatchSize: atLeast(options.maxBatchSize ?? maxMessageSize, 1, 'maxBatchSize'),
    maxInFlight: atLeast(options.maxInFlight ?? 10_000, 1, 'maxInFlight'),
    latencyFaultTolerance: options.latencyFaultTolerance ?? false,
    createTopics: options.createTopics ?? true,
    defaultTopicQueueNums: atLeast(options.defaultTopicQueueNums ?? 4, 1, 'defaultTopicQueueNums'),
  }
}

function compressionOf(options: ProducerOptions['compress']): ProducerSettings['compress'] {
  if (options === false) return null
  const { over = 4096, type = 'zlib', level = 5 } = options ?? {}
  const code = COMPRESSIONS[type]
  if (code === undefined) throw invalidArgument(`compress.type: ${type} is not zlib, lz4 or zstd`)
  return { over: atLeast(over, 1, 'compress.over'), type: code, level }
}

/** Throws RMQ_INVALID_ARGUMENT for what is no whole number of `least` or more. */
export function atLeast(value: number, least: number, name: string): number {
  if (Number.isInteger(value) && value >= least) return value
  throw invalidArgument(`${name}: ${value} is not a whole number of ${least} or more`)
}
