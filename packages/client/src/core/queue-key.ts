import type { MessageQueue } from '../api/message.ts'

/** Key of a queue in maps. Topic and broker names cannot contain the character 0, so that two queues never share a key. */
export function queueKey(queue: MessageQueue): string {
  return `${queue.topic}\u0000${queue.brokerName}\u0000${queue.queueId}`
}

export function isSameQueue(a: MessageQueue, b: MessageQueue): boolean {
  return a.queueId === b.queueId && a.brokerName === b.brokerName && a.topic === b.topic
}
