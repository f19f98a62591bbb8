import type { BrokerNode } from '../broker-node.ts'

/**
 * What a slave is doing: `idle`: no master is known; `connecting`, `handshake`, `checking`: comparing its log with the
 * master's; `following`: copying, or up to date; `refused`: the logs cannot be brought together, or the master does not
 * want it; `stopped`.
 */
export type SlaveState =
  | 'idle'
  | 'connecting'
  | 'handshake'
  | 'checking'
  | 'following'
  | 'refused'
  | 'stopped'

/** How far one slave is. */
export interface SlaveReplication {
  /** `broker-a-1`. */
  readonly node: string
  /** What the slave itself says; null while it does not run. */
  readonly state: SlaveState | null
  /** Why it does not follow, by a stable code; null when nothing keeps it from it. */
  readonly problem: { readonly code: string; readonly message: string } | null
  /** End of its log; null while it does not run. */
  readonly offset: number | null
  /** What its master knows that it has; null when the master does not run, or is not followed. */
  readonly ackOffset: number | null
  /** Bytes of the master's log that the slave has not acknowledged; null as above. */
  readonly lag: number | null
  /** The master waits for this slave; false as well when it does not run. */
  readonly inSync: boolean
}

/** How a master's log is replicated. */
export interface Replication {
  /** The brokerName, which is the master's node too. */
  readonly broker: string
  /** End of the master's log; null while it does not run. */
  readonly offset: number | null
  readonly slaves: readonly SlaveReplication[]
}

/** One master with its slaves. */
export function replicationOf(master: BrokerNode, slaves: readonly BrokerNode[]): Replication {
  const { services } = master
  const peers = services?.ha.master?.peers ?? []
  return {
    broker: master.brokerName,
    offset: services?.store.replication.appended ?? null,
    slaves: slaves.map((slave) => {
      const peer = peers.find(({ identity }) => identity?.brokerId === slave.brokerId)
      const status = slave.services?.ha.slave?.status
      return {
        node: slave.name,
        state: status?.state ?? null,
        problem: status?.problem ?? null,
        offset: slave.services?.store.replication.appended ?? null,
        ackOffset: peer?.ackOffset ?? null,
        lag: peer?.gap ?? null,
        inSync: peer?.inSync === true,
      }
    }),
  }
}
