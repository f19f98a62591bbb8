import { type Prng, readInt32 } from '@apogee/base'
import type { Env } from '@apogee/env'
import type { HistoryPlan } from './history-plan.ts'
import { MemoryLog, type MemoryLogOptions } from './memory-log.ts'
import { MemoryPlatter } from './memory-platter.ts'
import type { Appended, Held, NodeLog, Promised } from './node-log.ts'

const ID = 36

/** A node whose log is in memory. */
export class MemoryNodeLog implements NodeLog {
  readonly platter: MemoryPlatter
  private readonly options: MemoryLogOptions
  private readonly prng: Prng
  private current: MemoryLog | null = null

  constructor(fileSize: number, options: MemoryLogOptions, prng: Prng) {
    this.platter = new MemoryPlatter(fileSize)
    this.options = options
    this.prng = prng
  }

  get replication(): MemoryLog {
    return this.current!
  }

  get isOpen(): boolean {
    return this.current !== null && !this.current.isClosed
  }

  open(env: Env): void {
    const prng = this.prng.fork()
    this.current = new MemoryLog(this.platter, this.options, { clock: env.clock, prng })
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.replication.close(resolve))
  }

  append(
    id: number,
    size: number,
    waits: boolean,
    answer: (outcome: number) => void,
  ): Appended | null {
    return this.replication.append(size, id, waits, answer)
  }

  cut({ at }: { at: number }): Promise<void> {
    const { start } = this.platter
    // Below the first file: nothing is left.
    if (at < start) this.platter.wipe()
    else this.platter.settle(at)
    return Promise.resolve()
  }

  wipe(): void {
    this.platter.wipe()
  }

  crashed(power: boolean): void {
    this.current = null
    this.platter.crash(this.prng.fork(), power)
  }

  held(power: boolean): Held {
    const { platter } = this
    const end = power ? platter.flushed : platter.written
    return { start: platter.start, end, bytes: (from, to) => platter.bytes.subarray(from, to) }
  }

  has({ start, end, bytes }: Held, { id, offset, end: messageEnd }: Promised): boolean {
    if (offset < start || messageEnd > end) return false
    return readInt32(bytes(offset, messageEnd), ID) === id
  }

  setFull(isFull: boolean): void {
    this.platter.full = isFull
  }

  slow(factor: number): void {
    this.platter.slowness = factor
  }

  retain(): boolean {
    return this.replication.retain()
  }

  readBack(promised: readonly Promised[], power: boolean): Promise<string | null> {
    const held = this.held(power)
    for (const message of promised) {
      if (message.offset >= held.start && !this.has(held, message))
        return Promise.resolve(`message ${message.id} at ${message.offset} is not there`)
    }
    return Promise.resolve(null)
  }
}

export function makeMemoryLog(
  _world: unknown,
  plan: HistoryPlan,
  node: number,
  prng: Prng,
): MemoryNodeLog {
  const sync = node === 0 ? plan.masterSync : plan.slaves[node - 1]!.sync
  return new MemoryNodeLog(plan.fileSize, { sync, pendingMax: plan.pendingMax }, prng)
}
