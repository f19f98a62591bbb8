// The order in which all members of a group see queues and members. Members that see another order than Java's own two
// queues twice and others never, so it is Java's exactly: String.compareTo compares UTF-16 code units, as < does here.
import type { MessageQueue } from '../../api/message.ts'

/** Java: String.compareTo, by sign. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** Java: MessageQueue.compareTo, by sign: topic, broker name, queue id. */
export function compareQueues(a: MessageQueue, b: MessageQueue): number {
  return (
    compareText(a.topic, b.topic) ||
    compareText(a.brokerName, b.brokerName) ||
    a.queueId - b.queueId
  )
}

/** The queues in the order that allocation counts them in; a new array. */
export function sortQueues(queues: Iterable<MessageQueue>): MessageQueue[] {
  return [...queues].sort(compareQueues)
}

/** The members of a group in the order that allocation counts them in; a new array. */
export function sortClientIds(clientIds: Iterable<string>): string[] {
  return [...clientIds].sort(compareText)
}
