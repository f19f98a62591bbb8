/** What a hole costs nothing and a written byte at least. */
export const PAGE_SIZE = 4096

/** Bytes taken by all files of a disk together. */
export class MemoryBudget {
  used = 0
  readonly capacityBytes: number

  constructor(capacityBytes: number) {
    this.capacityBytes = capacityBytes
  }

  /** False when there is no room for one page more. */
  takePage(): boolean {
    if (this.used + PAGE_SIZE > this.capacityBytes) return false
    this.used += PAGE_SIZE
    return true
  }

  givePages(count: number): void {
    this.used -= count * PAGE_SIZE
  }
}

/** The content of one file: pages that were written, and holes that read as zeros. */
export class MemoryInode {
  size = 0
  modifiedMs: number
  /** Names and open handles that lead here; with none left the pages go back to the budget. */
  private references = 0
  private readonly pages = new Map<number, Buffer>()
  private readonly budget: MemoryBudget

  constructor(budget: MemoryBudget, nowMs: number) {
    this.budget = budget
    this.modifiedMs = nowMs
  }

  get allocated(): number {
    return this.pages.size * PAGE_SIZE
  }

  acquire(): void {
    this.references++
  }

  release(): void {
    this.references--
    if (this.references > 0) return
    this.budget.givePages(this.pages.size)
    this.pages.clear()
  }

  /** Returns how many bytes there were to read. */
  read(into: Uint8Array, offset: number, length: number, position: number): number {
    const end = Math.min(position + length, this.size)
    let at = position
    while (at < end) {
      const start = at % PAGE_SIZE
      const count = Math.min(PAGE_SIZE - start, end - at)
      const target = offset + at - position
      const page = this.pages.get((at - start) / PAGE_SIZE)
      if (page === undefined) into.fill(0, target, target + count)
      else page.copy(into, target, start, start + count)
      at += count
    }
    return Math.max(0, end - position)
  }

  /** Returns how many bytes were written: fewer than there are when the disk is full. */
  write(bytes: Uint8Array, position: number): number {
    let written = 0
    while (written < bytes.length) {
      const at = position + written
      const start = at % PAGE_SIZE
      const count = Math.min(PAGE_SIZE - start, bytes.length - written)
      const page = this.page((at - start) / PAGE_SIZE)
      if (page === null) break
      page.set(bytes.subarray(written, written + count), start)
      written += count
    }
    if (written > 0) this.size = Math.max(this.size, position + written)
    return written
  }

  /** What is cut off reads as zeros when the file grows again. */
  setSize(size: number): void {
    if (size < this.size) this.cut(size)
    this.size = size
  }

  private page(index: number): Buffer | null {
    let page = this.pages.get(index)
    if (page === undefined) {
      if (!this.budget.takePage()) return null
      page = Buffer.alloc(PAGE_SIZE)
      this.pages.set(index, page)
    }
    return page
  }

  private cut(size: number): void {
    const kept = Math.ceil(size / PAGE_SIZE)
    for (const index of this.pages.keys()) {
      if (index < kept) continue
      this.pages.delete(index)
      this.budget.givePages(1)
    }
    if (size % PAGE_SIZE !== 0) this.pages.get(kept - 1)?.fill(0, size % PAGE_SIZE)
  }
}
