/** No more is saved up than a tenth of a second's worth: a burst after a pause stays small. */
const BURST_SECONDS = 0.1
/** Less than this part of a burst is not worth a frame of its own. */
const WORTHWHILE = 1 / 4

/** maxHaTransferByteInSecond: how much may be sent now. Time comes in; nothing waits here. */
export class FlowControl {
  private readonly bytesPerSecond: number
  private readonly burst: number
  private saved: number
  private atMs: number

  /** `bytesPerSecond`: Infinity for no limit. */
  constructor(bytesPerSecond: number, nowMs: number) {
    this.bytesPerSecond = bytesPerSecond
    this.burst = Math.max(4, bytesPerSecond * BURST_SECONDS)
    this.saved = this.burst
    this.atMs = nowMs
  }

  /** How many of `wanted` bytes may be sent now; 0 when that is not worth a frame yet. */
  allow(wanted: number, nowMs: number): number {
    if (this.bytesPerSecond === Number.POSITIVE_INFINITY) return wanted
    this.earn(nowMs)
    if (this.saved < Math.min(wanted, this.burst * WORTHWHILE)) return 0
    return Math.floor(Math.min(wanted, this.saved))
  }

  spend(bytes: number): void {
    if (this.bytesPerSecond !== Number.POSITIVE_INFINITY) this.saved -= bytes
  }

  /** How long until `allow(wanted)` gives something, ms. */
  waitMs(wanted: number, nowMs: number): number {
    if (this.bytesPerSecond === Number.POSITIVE_INFINITY) return 0
    this.earn(nowMs)
    const missing = Math.min(wanted, this.burst * WORTHWHILE) - this.saved
    return missing <= 0 ? 0 : Math.ceil((missing * 1000) / this.bytesPerSecond)
  }

  private earn(nowMs: number): void {
    const earned = ((nowMs - this.atMs) * this.bytesPerSecond) / 1000
    this.saved = Math.min(this.burst, this.saved + earned)
    this.atMs = nowMs
  }
}
