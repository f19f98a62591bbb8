import type { HaProtocol } from '@apogee/ha'

/** What the choice of a replication connection depends on. */
export interface TargetFacts {
  /** The master's main address as NameServers say; null: not known. */
  readonly masterAddr: string | null
  /** Its replication address as NameServers say; empty: not known. */
  readonly haServerAddr: string
  /** haMasterAddress: counts before what NameServers say. */
  readonly haMasterAddress: string
  readonly haPeerProtocol: 'auto' | HaProtocol
  /** haSharedSecret is set. */
  readonly hasSecret: boolean
  /** What the master at `masterAddr` answered on being asked who it is; null: not asked since the last connection. */
  readonly answered: HaProtocol | null
}

/**
 * `follow`: connect. `ask`: the master's main port must say first what it speaks. `wait`: nothing can be done, for the
 * problem named (a stable code), or because no master is known.
 */
export type TargetDecision =
  | { readonly kind: 'follow'; readonly address: string; readonly protocol: HaProtocol }
  | { readonly kind: 'ask'; readonly masterAddr: string }
  | { readonly kind: 'wait'; readonly problem: TargetProblem | null }

export type TargetProblem = 'HA_PROTOCOL_UNKNOWN' | 'HA_SECRET_NEEDS_APOGEE'

/** What each problem means to an operator. */
export const targetProblems: Readonly<Record<TargetProblem, string>> = {
  HA_PROTOCOL_UNKNOWN:
    'no NameServer names the master, so it cannot be asked what it speaks: set haPeerProtocol',
  HA_SECRET_NEEDS_APOGEE:
    "the master is Apache's, which cannot prove that it knows haSharedSecret; haPeerProtocol=apache follows it without",
}

/**
 * Where and how a slave copies its master's log. A master of Apache's takes whatever comes first for an acknowledgement, so
 * nobody speaks our protocol to a master that has not said it is ours, unless the configuration says so. Without I/O.
 */
export function decideTarget(facts: TargetFacts): TargetDecision {
  const { answered, haMasterAddress, haPeerProtocol, haServerAddr, hasSecret, masterAddr } = facts
  const address = haMasterAddress === '' ? haServerAddr : haMasterAddress
  if (address === '') return { kind: 'wait', problem: null }
  if (haPeerProtocol !== 'auto') return { kind: 'follow', address, protocol: haPeerProtocol }
  if (masterAddr === null) return { kind: 'wait', problem: 'HA_PROTOCOL_UNKNOWN' }
  if (answered === null) return { kind: 'ask', masterAddr }
  if (answered === 'apache' && hasSecret) return { kind: 'wait', problem: 'HA_SECRET_NEEDS_APOGEE' }
  return { kind: 'follow', address, protocol: answered }
}
