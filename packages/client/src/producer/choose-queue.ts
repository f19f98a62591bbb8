import { ErrorCode, RocketMQError } from '../api/errors.ts'
import type { MessageQueue } from '../api/message.ts'
import type { SendOptions } from '../api/options.ts'
import { queueOfKey } from '../core/queue-choice.ts'
import { invalidArgument } from '../remote/errors.ts'
import type { TopicTarget } from './topic-target.ts'

type Choose = (queues: readonly MessageQueue[]) => MessageQueue | null

/**
 * How the options choose among the queues of a topic; null: the producer takes them in turn. What was chosen once is
 * kept for all attempts, also when the route changes meanwhile: another queue would be another order.
 */
export function chooserOf(options: SendOptions, topic: TopicTarget): Choose | null {
  const { shardingKey, queue } = options
  if (shardingKey !== undefined && queue !== undefined) {
    throw invalidArgument('shardingKey and queue: one of them at most')
  }
  if (shardingKey !== undefined) return keeping((queues) => queueOfKey(queues, shardingKey))
  if (typeof queue === 'function') return keeping((queues) => selected(queue, queues, topic))
  return queue === undefined ? null : keeping(() => topic.find(queue))
}

function keeping(choose: Choose): Choose {
  let chosen: MessageQueue | null = null
  return (queues) => {
    chosen ??= choose(queues)
    return chosen
  }
}

function selected(
  select: (queues: readonly MessageQueue[]) => MessageQueue,
  queues: readonly MessageQueue[],
  topic: TopicTarget,
): MessageQueue | null {
  if (queues.length === 0) return null
  let chosen: MessageQueue
  try {
    chosen = select(queues.map((queue) => ({ ...queue, topic: topic.name })))
  } catch (cause) {
    throw new RocketMQError(ErrorCode.INVALID_ARGUMENT, 'queue: the selector threw', { cause })
  }
  const known = chosen === undefined ? null : topic.find(chosen)
  if (known === null) throw invalidArgument('queue: the selector gave none of the queues it got')
  return known
}
