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

/** A list through the links of parked pulls: adding and taking out are a few assignments. */
export class ParkedList {
  first: ParkedLink | null = null
  size = 0

  add(link: ParkedLink): void {
    link.list = this
    link.next = this.first
    if (this.first !== null) this.first.previous = link
    this.first = link
    this.size++
  }
}

/** The place of a parked pull in one list. */
export class ParkedLink {
  readonly pull: ParkedPull
  list: ParkedList | null = null
  next: ParkedLink | null = null
  previous: ParkedLink | null = null

  constructor(pull: ParkedPull) {
    this.pull = pull
  }

  /** Takes it out of its list; it must be in one. */
  remove(): void {
    const list = this.list!
    if (this.previous === null) list.first = this.next
    else this.previous.next = this.next
    if (this.next !== null) this.next.previous = this.previous
    list.size--
    this.list = this.next = this.previous = null
  }
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

  readonly ofQueue: ParkedLink = new ParkedLink(this)
  readonly ofConnection: ParkedLink = new ParkedLink(this)
  readonly ofSecond: ParkedLink = new ParkedLink(this)
}
