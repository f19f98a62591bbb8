import {
  PullMessageRequestHeader,
  PullMessageResponseHeader,
  PullSysFlag,
  RequestCode,
  ResponseCode,
} from '@apogee/protocol'
import { type AdminTransport, headerOf } from '../transport/admin-transport.ts'
import { type FoundMessage, foundMessages } from './found-message.ts'
import type { OffsetOperations, QueueAt } from './offset-operations.ts'

/** Which messages of a topic a scan gives. */
export interface ScanOptions {
  /** Stored at or after; milliseconds. */
  readonly beginMs?: number | undefined
  /** Stored before. */
  readonly endMs?: number | undefined
  readonly brokerName?: string | undefined
  /** Needs `brokerName` when the topic is on several brokers. */
  readonly queueId?: number | undefined
  /** First queue offset, in every queue scanned. */
  readonly offset?: number | undefined
  /** `TagA || TagB`; default all. */
  readonly subExpression?: string | undefined
  /** Messages in all. */
  readonly max?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** The group under which tools read (Java: MixAll.TOOLS_CONSUMER_GROUP). Its offsets are never stored. */
const TOOLS_GROUP = 'TOOLS_CONSUMER'
const BATCH_MAX = 32
const PULL_TIMEOUT_MS = 10_000
/** Pulls that are not an error: found, nothing there, nothing that matches yet, moved. */
const ANSWERS = {
  [ResponseCode.SUCCESS]: 'found',
  [ResponseCode.PULL_NOT_FOUND]: 'end',
  [ResponseCode.PULL_RETRY_IMMEDIATELY]: 'no match',
  [ResponseCode.PULL_OFFSET_MOVED]: 'moved',
} as const

export interface QueuePage {
  readonly messages: readonly FoundMessage[]
  readonly nextOffset: number
  readonly minOffset: number
  readonly maxOffset: number
}

/** Reads one queue by PULL_MESSAGE (11) without committing. */
export class QueueReader {
  private readonly transport: AdminTransport
  private readonly queue: QueueAt
  private readonly subExpression: string

  constructor(transport: AdminTransport, queue: QueueAt, subExpression = '*') {
    this.transport = transport
    this.queue = queue
    this.subExpression = subExpression
  }

  /** Up to `max` messages from `offset` on; fewer when the broker gives fewer. */
  async read(offset: number, max: number): Promise<QueuePage> {
    const { address, topic, queueId, brokerName } = this.queue
    const response = await this.transport.callFor(
      address,
      {
        code: RequestCode.PULL_MESSAGE,
        header: PullMessageRequestHeader,
        values: {
          consumerGroup: TOOLS_GROUP,
          topic,
          queueId,
          queueOffset: offset,
          maxMsgNums: Math.min(max, BATCH_MAX),
          sysFlag: PullSysFlag.SUBSCRIPTION,
          commitOffset: 0,
          suspendTimeoutMillis: 0,
          subscription: this.subExpression,
          subVersion: 0,
          expressionType: 'TAG',
        },
        timeoutMs: PULL_TIMEOUT_MS,
      },
      ANSWERS,
    )
    const header = headerOf(PullMessageResponseHeader, response, address)
    const isFound = response.code === ResponseCode.SUCCESS
    return {
      messages: isFound ? foundMessages(response.body, address, brokerName) : [],
      nextOffset: header.nextBeginOffset,
      minOffset: header.minOffset,
      maxOffset: header.maxOffset,
    }
  }
}

/** Every message of these queues that fits, queue after queue. */
export async function* scanQueues(
  transport: AdminTransport,
  offsets: OffsetOperations,
  queues: readonly QueueAt[],
  options: ScanOptions,
): AsyncGenerator<FoundMessage> {
  let left = options.max ?? Number.POSITIVE_INFINITY
  for (const queue of queues) {
    if (left <= 0 || options.signal?.aborted === true) return
    for await (const message of scanQueue(transport, offsets, queue, options)) {
      yield message
      left -= 1
      if (left <= 0) return
    }
  }
}

async function* scanQueue(
  transport: AdminTransport,
  offsets: OffsetOperations,
  queue: QueueAt,
  options: ScanOptions,
): AsyncGenerator<FoundMessage> {
  const { beginMs, endMs, signal, max = Number.POSITIVE_INFINITY } = options
  const reader = new QueueReader(transport, queue, options.subExpression)
  const first =
    options.offset ??
    (beginMs === undefined ? await offsets.min(queue) : await offsets.search(queue, beginMs))
  // What is stored while we read is not waited for.
  const end = endMs === undefined ? await offsets.max(queue) : await endOf(offsets, queue, endMs)
  let at = Math.max(first, await offsets.min(queue))
  let given = 0
  while (at < end && given < max && signal?.aborted !== true) {
    const page = await reader.read(at, Math.min(max - given, end - at))
    for (const message of page.messages) {
      const isLater = endMs !== undefined && message.storeMs >= endMs
      if (isLater || message.queueOffset >= end || given >= max) return
      given += 1
      yield message
    }
    if (page.nextOffset <= at) return
    at = page.nextOffset
  }
}

/** The offset of the first message stored at or after the time: the end of the queue when there is none. */
async function endOf(offsets: OffsetOperations, queue: QueueAt, endMs: number): Promise<number> {
  const max = await offsets.max(queue)
  if (max === 0) return 0
  const found = await offsets.search(queue, endMs)
  // A time after the last message: brokers answer with the last offset or the one behind it.
  if (found < max - 1) return found
  return max
}
