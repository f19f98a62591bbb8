/**
 * Where the log ended when a topic was deleted. After a crash the log is dispatched again from a checkpoint, records of
 * deleted topics included: what lies below that end must not bring a topic back, what lies above is of a later topic of the
 * same name. Kept while the log holds such records; at most `entriesMax`, the oldest go first.
 */
export class DeletedTopics {
  /** Called after each change: config/deletedTopics.json must be written. */
  onChange: () => void = () => {}
  private readonly entriesMax: () => number
  private readonly ends = new Map<string, number>()

  constructor(entriesMax: () => number) {
    this.entriesMax = entriesMax
  }

  get size(): number {
    return this.ends.size
  }

  entries(): IterableIterator<[string, number]> {
    return this.ends.entries()
  }

  /** The log's end at the last deletion of the topic. */
  endOf(topic: string): number | undefined {
    return this.ends.get(topic)
  }

  add(topic: string, logEnd: number): void {
    this.ends.delete(topic)
    this.ends.set(topic, logEnd)
    for (const oldest of this.ends.keys()) {
      if (this.ends.size <= this.entriesMax()) break
      this.ends.delete(oldest)
    }
    this.onChange()
  }

  /**
   * Fits the entries to a log that holds [logMin, logEnd): a power cut may have taken its tail, and what is written there
   * next belongs to nothing that was deleted.
   */
  fit(logMin: number, logEnd: number): void {
    let isChanged = false
    for (const [topic, end] of this.ends) {
      if (end > logMin && end <= logEnd) continue
      if (end <= logMin) this.ends.delete(topic)
      else this.ends.set(topic, logEnd)
      isChanged = true
    }
    if (isChanged) this.onChange()
  }

  load(entries: Iterable<readonly [string, number]>): void {
    for (const [topic, end] of entries) this.ends.set(topic, end)
  }
}
