/** A call on a simulated disk, as fault rules and recordings see it. */
export interface DiskCall {
  /** Counted from 0 over the life of the disk. */
  readonly index: number
  readonly kind: DiskCallKind
  readonly path: string
  /** Where a read, write or truncation starts. */
  readonly position: number
  /** Bytes to read or write. */
  readonly length: number
}

export type DiskCallKind =
  | 'open'
  | 'read'
  | 'write'
  | 'sync'
  | 'truncate'
  | 'makeFolder'
  | 'rename'
  | 'remove'
  | 'list'
  | 'syncDirectory'
  | 'writeMany'
  | 'lock'

/**
 * What goes wrong. A `code` fails the call: a write applies `appliedBytes` of it first (a short write, then the error),
 * a sync loses the pages it should have written. `stallMs` alone only makes an asynchronous call late.
 */
export interface DiskFault {
  /** errno name: EIO, ENOSPC, … */
  code?: string
  appliedBytes?: number
  stallMs?: number
}

interface Rule {
  matches(call: DiskCall): boolean
  fault: DiskFault
  /** Times it still applies. */
  left: number
}

/** The faults a test has planned for one disk. */
export class DiskFaults {
  private rules: Rule[] = []
  private count = 0

  /** Calls made so far. */
  get calls(): number {
    return this.count
  }

  /** Fails the call with this index. */
  failCall(index: number, fault: DiskFault): void {
    this.failWhen((call) => call.index === index, fault, 1)
  }

  /** Fails the next `times` calls that match. */
  failWhen(
    matches: (call: DiskCall) => boolean,
    fault: DiskFault,
    times: number = Number.POSITIVE_INFINITY,
  ): void {
    this.rules.push({ matches, fault, left: times })
  }

  clear(): void {
    this.rules = []
  }

  /** Counts a call. */
  next(kind: DiskCallKind, path: string, position = 0, length = 0): DiskCall {
    return { index: this.count++, kind, path, position, length }
  }

  /** What goes wrong with `call`; the oldest rule that matches decides. */
  take(call: DiskCall): DiskFault | null {
    for (const rule of this.rules) {
      if (rule.left === 0 || !rule.matches(call)) continue
      rule.left--
      return rule.fault
    }
    return null
  }
}
