/** Bytes per second over the last whole second or so. */
export class RateMeter {
  private windowStartMs: number
  private bytes = 0
  private lastRate = 0

  constructor(nowMs: number) {
    this.windowStartMs = nowMs
  }

  add(bytes: number, nowMs: number): void {
    this.roll(nowMs)
    this.bytes += bytes
  }

  perSecond(nowMs: number): number {
    this.roll(nowMs)
    return this.lastRate
  }

  private roll(nowMs: number): void {
    const passedMs = nowMs - this.windowStartMs
    if (passedMs < 1000) return
    this.lastRate = Math.round((this.bytes * 1000) / passedMs)
    this.bytes = 0
    this.windowStartMs = nowMs
  }
}
