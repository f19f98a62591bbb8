import type { Clock } from '@apogee/env'

/** What a data version consists of; all three count when two are compared. */
export interface DataVersionFields {
  readonly stateVersion: number
  readonly timestamp: number
  readonly counter: number
}

/**
 * The version of a table that NameServers and slaves hold a copy of: it changes whenever the table does (Java:
 * DataVersion). `stateVersion` is the term of a replicated store; always 0 here.
 */
export class DataVersion implements DataVersionFields {
  stateVersion = 0
  timestamp: number
  counter = 0
  private readonly clock: Clock

  constructor(clock: Clock) {
    this.clock = clock
    this.timestamp = clock.wallMs()
  }

  next(): void {
    this.timestamp = this.clock.wallMs()
    this.counter++
  }

  assign(from: DataVersionFields): void {
    this.stateVersion = from.stateVersion
    this.timestamp = from.timestamp
    this.counter = from.counter
  }

  equals(other: DataVersionFields): boolean {
    return (
      this.stateVersion === other.stateVersion &&
      this.timestamp === other.timestamp &&
      this.counter === other.counter
    )
  }
}
