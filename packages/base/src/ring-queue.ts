/** A first-in first-out queue over a power-of-two ring that grows by doubling: no shifting, no allocation per item. */
export class RingQueue<T> {
  private items: (T | undefined)[]
  private head = 0
  private count = 0

  constructor(capacity = 16) {
    let size = 2
    while (size < capacity) size *= 2
    this.items = new Array<T | undefined>(size).fill(undefined)
  }

  get size(): number {
    return this.count
  }

  push(item: T): void {
    if (this.count === this.items.length) this.grow()
    this.items[(this.head + this.count) & (this.items.length - 1)] = item
    this.count++
  }

  peek(): T | undefined {
    return this.items[this.head]
  }

  shift(): T | undefined {
    if (this.count === 0) return undefined
    const item = this.items[this.head]
    this.items[this.head] = undefined
    this.head = (this.head + 1) & (this.items.length - 1)
    this.count--
    return item
  }

  private grow(): void {
    const old = this.items
    const grown = new Array<T | undefined>(old.length * 2).fill(undefined)
    for (let i = 0; i < this.count; i++) grown[i] = old[(this.head + i) & (old.length - 1)]
    this.items = grown
    this.head = 0
  }
}
