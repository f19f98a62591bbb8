/** A broker that has said nothing for so long, while sends wait for it, is passed over by the next ones. */
export const QUIET_MAX_MS = 100
/** From so many sends that wait for one broker on, it may have … */
export const CROWD_MIN = 8
/** … at most this part of all that wait: when it hangs, the others are not all behind it. */
const CROWD_PART = 0.75

interface Load {
  /** Sends without an answer. */
  waiting: number
  /** When it last answered, or was first asked after it owed nothing. */
  heardMs: number
}

/**
 * Which brokers have sends waiting that should have been answered. A broker that hangs keeps its connections open, and its
 * time-outs come late; whoever sends meanwhile is better off elsewhere. It only says where to go rather, never that a
 * broker may not be used. Times are monotonic ms.
 */
export class BrokerLoad {
  private readonly byBroker = new Map<string, Load>()
  private total = 0

  began(brokerName: string, nowMs: number): void {
    const load = this.byBroker.get(brokerName)
    if (load === undefined) this.byBroker.set(brokerName, { waiting: 1, heardMs: nowMs })
    else {
      if (load.waiting === 0) load.heardMs = nowMs
      load.waiting++
    }
    this.total++
  }

  /** `isAnswer`: the broker has said something, be it a refusal. */
  ended(brokerName: string, isAnswer: boolean, nowMs: number): void {
    const load = this.byBroker.get(brokerName)
    if (load === undefined || load.waiting === 0) return
    load.waiting--
    if (isAnswer) load.heardMs = nowMs
    this.total--
  }

  isStuck(brokerName: string, nowMs: number): boolean {
    const load = this.byBroker.get(brokerName)
    if (load === undefined || load.waiting === 0) return false
    if (nowMs - load.heardMs >= QUIET_MAX_MS) return true
    return load.waiting >= CROWD_MIN && load.waiting > this.total * CROWD_PART
  }
}
