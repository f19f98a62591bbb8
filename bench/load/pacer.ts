// Sends at a fixed rate, whatever the server does. A message that could not leave in time keeps the time at which it was
// due, so that a server that stalls is charged for the whole stall (no coordinated omission).

const TICK_MS = 1

export class Pacer {
  readonly #perMs: number
  readonly #startedMs = performance.now()
  readonly #send: (stampMs: number) => boolean
  /** Due but not sent: counts and their times, oldest first. */
  readonly #owed: { count: number; stampMs: number }[] = []
  #due = 0
  #timer: NodeJS.Timeout | null = null

  /** `send` returns false when nothing more can be in flight now. */
  constructor(perSecond: number, send: (stampMs: number) => boolean) {
    this.#perMs = perSecond / 1000
    this.#send = send
    this.#tick()
  }

  /** Messages that were due and have not left. */
  get owed(): number {
    return this.#owed.reduce((sum, { count }) => sum + count, 0)
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#owed.length = 0
  }

  /** Sends what is owed; call it when an answer makes room. */
  pump(): void {
    for (let first = this.#owed[0]; first !== undefined; first = this.#owed[0]) {
      while (first.count > 0) {
        if (!this.#send(first.stampMs)) return
        first.count--
      }
      this.#owed.shift()
    }
  }

  #tick(): void {
    const nowMs = performance.now()
    const count = Math.floor((nowMs - this.#startedMs) * this.#perMs) - this.#due
    if (count > 0) {
      this.#due += count
      this.#owed.push({ count, stampMs: nowMs })
      this.pump()
    }
    this.#timer = setTimeout(() => this.#tick(), TICK_MS)
  }
}
