import type { Env } from '../../ports.ts'

/** One implementation of the ports, and a way to wait in its time. */
export interface Harness {
  env: Env
  /** A folder of its own, which exists. */
  root: string
  /** Waits until `reached`; throws after some seconds of the implementation's time. */
  until: (reached: () => boolean) => Promise<void>
  /** Lets `durationMs` pass. */
  pass: (durationMs: number) => Promise<void>
  dispose(): void
}

export type MakeHarness = () => Harness
