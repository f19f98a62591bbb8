/**
 * A group's offsets on the queues of a topic. Offsets of the first queues lie in a dense array (what nearly every topic
 * has), so that a commit allocates nothing.
 */
export class QueueOffsets {
  private dense: Float64Array = new Float64Array(8).fill(-1)
  private sparse: Map<number, number> | null = null
  private count = 0

  /** Queues with an offset. */
  get size(): number {
    return this.count
  }

  /** −1 when there is none. */
  get(queueId: number): number {
    if (queueId >= 0 && queueId < this.dense.length) return this.dense[queueId]!
    return this.sparse?.get(queueId) ?? -1
  }

  /** True when the queue had none before. */
  set(queueId: number, offset: number): boolean {
    if (queueId < 0 || queueId >= DENSE_MAX) return this.setSparse(queueId, offset)
    if (queueId >= this.dense.length) this.grow(queueId)
    const isNew = this.dense[queueId] === -1
    this.dense[queueId] = offset
    if (isNew) this.count++
    return isNew
  }

  delete(queueId: number): boolean {
    if (this.get(queueId) === -1) return false
    if (queueId >= 0 && queueId < this.dense.length) this.dense[queueId] = -1
    else this.sparse?.delete(queueId)
    this.count--
    return true
  }

  /** Queue ids with their offsets, ascending for those below 4,096. */
  entries(): [queueId: number, offset: number][] {
    const entries: [number, number][] = []
    for (const [queueId, offset] of this.dense.entries()) {
      if (offset !== -1) entries.push([queueId, offset])
    }
    if (this.sparse !== null) entries.push(...this.sparse)
    return entries
  }

  private setSparse(queueId: number, offset: number): boolean {
    this.sparse ??= new Map()
    const isNew = !this.sparse.has(queueId)
    this.sparse.set(queueId, offset)
    if (isNew) this.count++
    return isNew
  }

  private grow(queueId: number): void {
    let size = this.dense.length
    while (size <= queueId) size *= 2
    const grown = new Float64Array(size).fill(-1)
    grown.set(this.dense)
    this.dense = grown
  }
}

const DENSE_MAX = 4096
