import type { Admin, QueueAt } from '@apogee/admin'
import type { StartPoint } from '../time-expression.ts'
import type { BacklogQueue } from './backlog.ts'
import type { TailSource } from './live-tail.ts'
import { QueueTail, type TailFilter } from './queue-tail.ts'

/** A queue that is asked where its reading begins, until it has said so. */
export class StartedQueue implements TailSource {
  private at: QueueAt
  private readonly admin: Admin
  private readonly start: StartPoint
  private readonly filter: TailFilter
  private started: BacklogQueue | null = null

  constructor(admin: Admin, queue: QueueAt, start: StartPoint, filter: TailFilter) {
    this.admin = admin
    this.at = queue
    this.start = start
    this.filter = filter
  }

  get queue(): QueueAt {
    return this.at
  }

  /** The route names another broker for it: a slave while its master is away, and the master again. */
  moveTo(queue: QueueAt): void {
    this.at = queue
    if (this.started !== null) this.started.tail.queue = queue
  }

  async open(): Promise<QueueTail> {
    return (await this.begin()).tail
  }

  async begin(): Promise<BacklogQueue> {
    if (this.started !== null) return this.started
    const { admin, at: queue, filter, start } = this
    const { offsets, transport } = admin
    const [minOffset, endOffset] = await Promise.all([offsets.min(queue), offsets.max(queue)])
    const first = await firstOffset(admin, queue, start, minOffset, endOffset)
    const nextOffset = Math.max(minOffset, first)
    this.started = { tail: new QueueTail(transport, queue, nextOffset, filter), endOffset }
    return this.started
  }
}

async function firstOffset(
  { offsets }: Admin,
  queue: QueueAt,
  start: StartPoint,
  minOffset: number,
  endOffset: number,
): Promise<number> {
  switch (start.kind) {
    case 'first':
      return minOffset
    case 'last':
      return endOffset
    case 'back':
      return endOffset - start.count
    case 'offset':
      return start.offset
    case 'time':
      return await offsets.search(queue, start.timeMs)
  }
}
