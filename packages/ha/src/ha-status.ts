import type { HaIdentity, HaProtocol } from './ha-options.ts'

/** One slave, as its master sees it. */
export interface HaPeerStatus {
  /** host:port of its end of the connection. */
  address: string
  protocol: HaProtocol
  /** Null for Apache's slaves, which do not say who they are. */
  identity: HaIdentity | null
  /** What it has acknowledged. */
  ackOffset: number
  /** How far the log was sent to it. */
  sentOffset: number
  /** Bytes that the master holds and the slave has not acknowledged. */
  gap: number
  inSync: boolean
  bytesPerSecond: number
  /** Monotonic time of the last byte from it, ms. */
  lastReadMs: number
}

/**
 * `idle`: no master is known. `connecting`. `handshake`: who are you. `checking`: comparing logs. `following`: copying, or
 * up to date. `refused`: the master does not want us, or the logs cannot be brought together: `problem` says why; tried
 * again later. `stopped`.
 */
export type HaSlaveState =
  | 'idle'
  | 'connecting'
  | 'handshake'
  | 'checking'
  | 'following'
  | 'refused'
  | 'stopped'

export interface HaSlaveStatus {
  state: HaSlaveState
  /** host:port of the master's replication port; empty when none is known. */
  masterAddress: string
  protocol: HaProtocol
  /** End of the master's log as last heard. */
  masterOffset: number
  /** End of ours. */
  maxOffset: number
  bytesPerSecond: number
  /** Wall time of the last byte from and to the master, ms; 0: none yet. */
  lastReadTimestamp: number
  lastWriteTimestamp: number
  /** Stable code and text of what keeps it from following; null when nothing does. */
  problem: { code: string; message: string } | null
}
