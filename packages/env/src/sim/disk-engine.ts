import { assert, type Prng } from '@apogee/base'
import { DiskFailure } from '../disk-failure.ts'
import type { Clock, DiskPiece } from '../ports.ts'
import { type DiskCall, type DiskCallKind, type DiskFault, DiskFaults } from './disk-faults.ts'
import type { DiskState } from './disk-state.ts'
import type { Inode } from './inode.ts'

/** How long asynchronous calls take: drawn between the two, in milliseconds. */
export interface DiskLatency {
  readMs: readonly [number, number]
  writeMs: readonly [number, number]
  syncMs: readonly [number, number]
  writeManyMs: readonly [number, number]
}

/** A call that has begun and not ended: a crash may leave any part of it. */
export type InFlight =
  | { kind: 'write'; path: string; inode: Inode; bytes: Uint8Array; position: number }
  | { kind: 'writeMany'; pieces: readonly DiskPiece[]; sync: boolean }

/** A call under way, with what goes wrong in it. */
export interface StartedCall extends DiskCall {
  readonly fault: DiskFault | null
  readonly delayMs: number
}

/** A moment of a recording: an asynchronous write is `started`, then `finished`; other calls are `finished` only. */
export interface DiskStep {
  readonly phase: 'started' | 'finished'
  readonly call: DiskCall
  readonly state: DiskState
  readonly inFlight: readonly InFlight[]
}

/** Steps a recording may hold. */
const STEPS_MAX = 100_000

const CHANGING = new Set<DiskCallKind>([
  'open',
  'write',
  'sync',
  'truncate',
  'makeFolder',
  'rename',
  'remove',
  'syncDirectory',
  'writeMany',
  'lock',
])

/** What the disk and its open files share: state, faults, delays, and the recording. */
export class DiskEngine {
  readonly clock: Clock
  readonly prng: Prng
  readonly state: DiskState
  readonly faults: DiskFaults = new DiskFaults()
  readonly inFlight: Set<InFlight> = new Set()
  readonly steps: DiskStep[] = []
  recording = false
  isOff = false
  private readonly latency: DiskLatency

  constructor(clock: Clock, prng: Prng, state: DiskState, latency: DiskLatency) {
    this.clock = clock
    this.prng = prng
    this.state = state
    this.latency = latency
  }

  checkOn(call: string, path: string): void {
    if (this.isOff) throw new DiskFailure('ENODEV', call, path)
  }

  /** Begins a call; a synchronous one passes through here and `finish` in one go. */
  start(kind: DiskCallKind, path: string, position = 0, length = 0): StartedCall {
    this.checkOn(kind, path)
    const call = this.faults.next(kind, path, position, length)
    const fault = this.faults.take(call)
    return { ...call, fault, delayMs: this.draw(kind) + (fault?.stallMs ?? 0) }
  }

  /** Begins a synchronous call that fails as a whole, or not at all. */
  callNow(kind: DiskCallKind, path: string, position = 0, length = 0): StartedCall {
    const call = this.start(kind, path, position, length)
    const error = this.failure(call, path)
    if (error !== null) throw error
    return call
  }

  failure(call: StartedCall, path: string): DiskFailure | null {
    const code = call.fault?.code
    return code === undefined ? null : new DiskFailure(code, call.kind, path)
  }

  /** The effects of a call are there. */
  finish(call: DiskCall): void {
    this.record('finished', call)
  }

  /** Runs the end of an asynchronous call, unless the power is off by then. */
  later(delayMs: number, task: () => void): void {
    this.clock.after(delayMs, () => {
      if (!this.isOff) task()
    })
  }

  record(phase: DiskStep['phase'], call: DiskCall): void {
    if (!this.recording || !CHANGING.has(call.kind)) return
    assert(this.steps.length < STEPS_MAX, 'a recording of more steps than the limit', STEPS_MAX)
    const state = this.state.snapshot()
    this.steps.push({ phase, call, state, inFlight: [...this.inFlight] })
  }

  private draw(kind: DiskCallKind): number {
    const [low, high] = this.range(kind)
    return low + (high - low) * (this.prng.below(1_000_001) / 1_000_000)
  }

  private range(kind: DiskCallKind): readonly [number, number] {
    if (kind === 'read') return this.latency.readMs
    if (kind === 'write') return this.latency.writeMs
    if (kind === 'sync') return this.latency.syncMs
    return this.latency.writeManyMs
  }
}
