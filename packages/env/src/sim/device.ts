/** What the files of one simulated disk share: its space, and the order of its writes. */
export class Device {
  capacity: number
  used = 0
  private writes = 0

  constructor(capacity: number) {
    this.capacity = capacity
  }

  hasSpace(bytes: number): boolean {
    return this.used + bytes <= this.capacity
  }

  take(bytes: number): void {
    this.used += bytes
  }

  giveBack(bytes: number): void {
    this.used -= bytes
  }

  nextWrite(): number {
    return ++this.writes
  }

  get lastWrite(): number {
    return this.writes
  }

  /** A device of the same size and history, with nothing on it. */
  emptyCopy(): Device {
    const copy = new Device(this.capacity)
    copy.writes = this.writes
    return copy
  }
}
