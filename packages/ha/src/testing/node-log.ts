import type { Env } from '@apogee/env'
import type { LogReplication } from '@apogee/store'

/** What a disk holds of a log, from `start` to `end`. */
export interface Held {
  readonly start: number
  readonly end: number
  readonly bytes: (from: number, to: number) => Buffer
}

export interface Appended {
  offset: number
  end: number
}

/** The log of one simulated node over the life of many processes: in memory, or a store on a simulated disk. */
export interface NodeLog {
  /** Of the process that runs. */
  readonly replication: LogReplication
  readonly isOpen: boolean
  open(env: Env): void
  close(): Promise<void>
  /** A master's message; null when it is refused. `answer` comes once, later. */
  append(
    id: number,
    size: number,
    waits: boolean,
    answer: (outcome: number) => void,
  ): Appended | null
  /** Takes the closed log back to `at`. */
  cut(cut: { at: number; end: number }): Promise<void>
  /** The operator empties the closed log. */
  wipe(): void
  /** The host's process ended; with `power` the machine lost power. Called after the host was told. */
  crashed(power: boolean): void
  /** What a kill now would leave for sure; with `power` what a power cut now would. */
  held(power: boolean): Held
  /** Whether the message is in what is held. */
  has(held: Held, message: Promised): boolean
  /** The device has no space left, or has again. */
  setFull(isFull: boolean): void
  /** Disk calls take so many times as long. */
  slow(factor: number): void
  /** Removes the oldest file if retention may. */
  retain(): boolean
  /** Opens the log alone, in a world of its own, and says what is wrong with `promised`; null: nothing. */
  readBack(promised: readonly Promised[], power: boolean): Promise<string | null>
}

/** A message that was acknowledged as stored by enough nodes. */
export interface Promised extends Appended {
  id: number
}

/** Whether both hold the same up to `end`, as far back as both go. */
export function holdsSame(a: Held, b: Held, end: number): boolean {
  if (end > a.end || end > b.end) return false
  const start = Math.max(a.start, b.start)
  return start >= end ? start === end : a.bytes(start, end).equals(b.bytes(start, end))
}

/** A copy of what is held now. */
export function copyHeld({ start, end, bytes }: Held): Held {
  const copy = Buffer.from(bytes(start, Math.max(start, end)))
  return { start, end, bytes: (from, to) => copy.subarray(from - start, to - start) }
}
