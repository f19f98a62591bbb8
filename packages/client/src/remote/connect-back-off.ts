import type { Env } from '@apogee/env'

/** The wait after the first failure; it doubles with each further one, up to the maximum. */
const FIRST_MS = 100
const MAX_MS = 3_000

interface Failures {
  count: number
  notBeforeMs: number
}

/** How long an address that could not be connected to is left alone, so that a dead broker is not hammered. */
export class ConnectBackOff {
  private readonly env: Pick<Env, 'clock' | 'random'>
  private readonly byAddress = new Map<string, Failures>()

  constructor(env: Pick<Env, 'clock' | 'random'>) {
    this.env = env
  }

  failed(address: string): void {
    const count = (this.byAddress.get(address)?.count ?? 0) + 1
    const waitMs = Math.min(MAX_MS, FIRST_MS * 2 ** Math.min(count - 1, 10))
    // Up to a quarter less, so that many clients do not come back together.
    const spreadMs = this.env.random.below(Math.ceil(waitMs / 4))
    const notBeforeMs = this.env.clock.monotonicMs() + waitMs - spreadMs
    this.byAddress.set(address, { count, notBeforeMs })
  }

  /** A connection was lost: until there is one again the address is in doubt, but may be tried at once. */
  lost(address: string): void {
    this.byAddress.set(address, { count: 0, notBeforeMs: this.env.clock.monotonicMs() })
  }

  connected(address: string): void {
    this.byAddress.delete(address)
  }

  forget(address: string): void {
    this.byAddress.delete(address)
  }

  /** Milliseconds until the next attempt may be made; 0 = now. */
  waitMs(address: string): number {
    const failures = this.byAddress.get(address)
    if (failures === undefined) return 0
    return Math.max(0, failures.notBeforeMs - this.env.clock.monotonicMs())
  }

  get hasAny(): boolean {
    return this.byAddress.size > 0
  }

  /** Whether its connection was lost, or the last attempt to connect failed. */
  isDown(address: string): boolean {
    return this.byAddress.has(address)
  }
}
