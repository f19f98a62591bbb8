import { ErrorCode, RocketMQError } from '../api/errors.ts'
import type { MessageQueue } from '../api/message.ts'
import type { SendOptions } from '../api/options.ts'
import { queueOfKey } from '../core/queue-choice.ts'
import { invalidArgument } from '../remote/errors.ts'
import type { TopicTarget } from './topic-target.ts'

type Choose = () => MessageQueue | null

/**
 * How the options choose among the queues of a topic; null: the producer takes them in turn. What was chosen once is
 * kept for all attempts: another queue would be another order. Only when the queue has left the ring of the topic, in a
 * planned way, a new choice is made, as the next send of the same key will make it.
 */
export function chooserOf(options: SendOptions, topic: TopicTarget): Choose | null {
  const { shardingKey, queue } = options
  if (shardingKey !== undefined && queue !== undefined) {
    throw invalidArgument('shardingKey and queue: one of them at most')
  }
  if (queue === undefined && shardingKey === undefined) return null
  const ring = topic.useRing()
  if (shardingKey !== undefined) {
    return keeping(topic, () => queueOfKey(ring.queues, shardingKey))
  }
  if (typeof queue === 'function') return keeping(topic, () => selected(queue, topic))
  return () => (queue === undefined ? null : ring.find(queue))
}

function keeping({ ring }: TopicTarget, choose: Choose): Choose {
  let chosen: MessageQueue | null = null
  return () => {
    // The same queue may be another object after a change of the route.
    if (chosen !== null) chosen = ring.find(chosen)
    chosen ??= choose()
    return chosen
  }
}

function selected(
  select: (queues: readonly MessageQueue[]) => MessageQueue,
  topic: TopicTarget,
): MessageQueue | null {
  const { queues } = topic.ring
  if (queues.length === 0) return null
  let chosen: MessageQueue
  try {
    chosen = select(queues.map((queue) => ({ ...queue, topic: topic.name })))
  } catch (cause) {
    throw new RocketMQError(ErrorCode.INVALID_ARGUMENT, 'queue: the selector threw', { cause })
  }
  const known = chosen === undefined ? null : topic.ring.find(chosen)
  if (known === null) throw invalidArgument('queue: the selector gave none of the queues it got')
  return known
}
