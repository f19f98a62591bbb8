import type { ConsumeQueue, MessageFilter } from '@apogee/store'

/** What `park` did. `full`: a limit is reached; `stopped`: the broker stops. The pull must be answered then. */
export type ParkOutcome = 'parked' | 'full' | 'stopped'

/** Who takes a parked pull up again. One of the two is called for each that was parked, never from inside `park`. */
export interface PullResumer {
  /** Messages may be there (`expired` false), or the wait is over: read again and answer, without waiting once more. */
  resumePull(token: number, expired: boolean): void
  /** The connection is gone: forget it. */
  dropPull(token: number): void
}

/** A list through the parked pulls themselves: taking one out is a few assignments. */
export class ParkedList {
  first: ParkedPull | null = null
  size = 0
}

/**
 * A pull that waits for a message. It is in three lists at once: those of its queue, of its connection and of its second.
 * Reused: `LongPolling` keeps the free ones.
 */
export class ParkedPull {
  queue: ConsumeQueue | null = null
  offset = 0
  filter: MessageFilter | null = null
  /** Monotonic time. */
  deadlineMs = 0
  resumer: PullResumer | null = null
  token = 0
  /** A message came that the filter did not want: the next sweep lets the consumer's offset move over it. */
  passedOver = false
  /** It waits to be resumed in this turn. */
  waking = false

  ofQueue: ParkedList | null = null
  queueNext: ParkedPull | null = null
  queuePrevious: ParkedPull | null = null
  ofConnection: ParkedList | null = null
  connectionNext: ParkedPull | null = null
  connectionPrevious: ParkedPull | null = null
  ofSecond: ParkedList | null = null
  secondNext: ParkedPull | null = null
  secondPrevious: ParkedPull | null = null
}

export function addToQueue(list: ParkedList, pull: ParkedPull): void {
  pull.ofQueue = list
  pull.queuePrevious = null
  pull.queueNext = list.first
  if (list.first !== null) list.first.queuePrevious = pull
  list.first = pull
  list.size++
}

export function removeFromQueue(pull: ParkedPull): void {
  const list = pull.ofQueue!
  if (pull.queuePrevious === null) list.first = pull.queueNext
  else pull.queuePrevious.queueNext = pull.queueNext
  if (pull.queueNext !== null) pull.queueNext.queuePrevious = pull.queuePrevious
  list.size--
  pull.ofQueue = pull.queueNext = pull.queuePrevious = null
}

export function addToConnection(list: ParkedList, pull: ParkedPull): void {
  pull.ofConnection = list
  pull.connectionPrevious = null
  pull.connectionNext = list.first
  if (list.first !== null) list.first.connectionPrevious = pull
  list.first = pull
  list.size++
}

export function removeFromConnection(pull: ParkedPull): void {
  const list = pull.ofConnection!
  if (pull.connectionPrevious === null) list.first = pull.connectionNext
  else pull.connectionPrevious.connectionNext = pull.connectionNext
  if (pull.connectionNext !== null) pull.connectionNext.connectionPrevious = pull.connectionPrevious
  list.size--
  pull.ofConnection = pull.connectionNext = pull.connectionPrevious = null
}

export function addToSecond(list: ParkedList, pull: ParkedPull): void {
  pull.ofSecond = list
  pull.secondPrevious = null
  pull.secondNext = list.first
  if (list.first !== null) list.first.secondPrevious = pull
  list.first = pull
  list.size++
}

export function removeFromSecond(pull: ParkedPull): void {
  const list = pull.ofSecond!
  if (pull.secondPrevious === null) list.first = pull.secondNext
  else pull.secondPrevious.secondNext = pull.secondNext
  if (pull.secondNext !== null) pull.secondNext.secondPrevious = pull.secondPrevious
  list.size--
  pull.ofSecond = pull.secondNext = pull.secondPrevious = null
}
