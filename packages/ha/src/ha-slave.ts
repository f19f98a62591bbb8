import type { HaDeps } from './ha-deps.ts'
import type { HaProtocol, HaSlaveOptions } from './ha-options.ts'
import type { HaSlaveStatus } from './ha-status.ts'

/** Where the master's replication port is, and how it speaks. */
export interface HaTarget {
  /** host:port. */
  readonly address: string
  readonly protocol: HaProtocol
}

export interface HaSlaveDeps extends HaDeps {
  /**
   * The log differs from the master's from `at` on (a record boundary) to its `end`. Called once; the slave has stopped.
   * The owner closes the store, cuts it with `cutClosedLog` of the store, and starts anew.
   */
  onDiverged(cut: { at: number; end: number }): void
  /** The state, the target or the problem changed. */
  onChange?(status: HaSlaveStatus): void
}

/** Copies a master's log into this store (Java: DefaultHAClient). */
export class HaSlave {
  private readonly options: HaSlaveOptions
  private readonly deps: HaSlaveDeps

  constructor(options: HaSlaveOptions, deps: HaSlaveDeps) {
    this.options = options
    this.deps = deps
  }

  /** Follows this master from now on, or nobody. The same target again changes nothing. */
  follow(target: HaTarget | null): void {
    void target
    void this.options
  }

  /** Ends the connection for good. */
  stop(): void {}

  get status(): HaSlaveStatus {
    void this.deps
    return {
      state: 'idle',
      masterAddress: '',
      protocol: 'apogee',
      masterOffset: 0,
      maxOffset: 0,
      bytesPerSecond: 0,
      lastReadTimestamp: 0,
      lastWriteTimestamp: 0,
      problem: null,
    }
  }
}
