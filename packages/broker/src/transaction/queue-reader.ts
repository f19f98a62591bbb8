import type { Clock } from '@apogee/env'
import type { MessageExt } from '@apogee/protocol'
import { type ConsumeQueue, type MessageStore, QueueUnits } from '@apogee/store'
import { readMessage } from './half-record.ts'

const UNITS = 256
/** Reads of units or records before other events get their turn. */
const READS_PER_TURN = 64

/** Reads the two queues of transactions from start to end, giving way to other work. */
export class QueueReader {
  readonly queue: ConsumeQueue
  private readonly store: Pick<MessageStore, 'readRecord'>
  private readonly clock: Clock
  private readonly units = new QueueUnits(UNITS)
  private reads = 0

  constructor(
    queue: ConsumeQueue,
    deps: { store: Pick<MessageStore, 'readRecord'>; clock: Clock },
  ) {
    this.queue = queue
    this.store = deps.store
    this.clock = deps.clock
  }

  /**
   * Visits places from `from()` up to `end`, until `visit` says no. `message` reads the place's message: null when it is
   * damaged or gone. `from` must have moved on after each visit. Rejects with a DiskError.
   */
  async each(
    from: () => number,
    end: number,
    visit: (
      offset: number,
      message: () => Promise<MessageExt | null>,
    ) => Promise<boolean> | boolean,
  ): Promise<void> {
    while (from() < end) {
      await this.load(from())
      const { units } = this
      if (units.count === 0) return
      const { firstOffset, count } = units
      for (let i = 0; i < count && firstOffset + i < end; i++) {
        if (firstOffset + i !== from()) break
        const physicalOffset = units.physicalOffset[i]!
        const goesOn = visit(firstOffset + i, () => this.message(physicalOffset))
        if (!(goesOn === true || (goesOn !== false && (await goesOn)))) return
      }
    }
  }

  private async message(physicalOffset: number): Promise<MessageExt | null> {
    await this.giveWay()
    return readMessage(await this.store.readRecord(physicalOffset))
  }

  private async giveWay(): Promise<void> {
    if (++this.reads % READS_PER_TURN !== 0) return
    await new Promise<void>((resolve) => this.clock.soon(resolve))
  }

  private async load(from: number): Promise<void> {
    await this.giveWay()
    await new Promise<void>((resolve, reject) => {
      this.queue.read(from, UNITS, this.units, (error) => {
        if (error === null) resolve()
        else reject(error)
      })
    })
  }
}
