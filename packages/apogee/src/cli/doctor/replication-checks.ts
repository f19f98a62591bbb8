// Masters and slaves, by what they say of each other.
import type { ReplicaStatus } from '@apogee/admin'
import { parseAddress } from '@apogee/remoting'
import { addressKind } from './advertised-address.ts'
import { type Check, ok, problem, skipped, warning } from './check.ts'

/** A slave that is so far behind serves old messages when its master dies (Java: haMaxGapNotInSync, 256 MiB). */
const LAG_WARNING_BYTES = 64 * 1024 * 1024

/** One check for each slave, and one for each master whose promise needs slaves. */
export function checkReplication(replicas: readonly ReplicaStatus[]): Check[] {
  return replicas.flatMap((replica) => {
    if (!replica.isUp) return []
    if (replica.brokerId !== 0) return [checkSlave(replica)]
    return replica.role === 'SYNC_MASTER' ? [checkSyncMaster(replica)] : []
  })
}

function checkSlave(replica: ReplicaStatus): Check {
  const { inSync, lagBytes, state } = replica
  const target = targetOf(replica)
  // That the master is away is told by the check of masters.
  if (replica.serves.includes('read')) {
    return skipped('replication', target, "serves reads in its master's place")
  }
  if (state !== null && state !== 'following') return notFollowing(replica, target, state)
  const behind =
    lagBytes === null ? 'how far it is behind is not known' : `${bytesText(lagBytes)} behind`
  const hint =
    'what it lacks is not there when its master dies: look at its disk, and at the network between the two'
  if (inSync === false) {
    return warning(
      'replication',
      target,
      `follows, ${behind}, and its master does not count it`,
      hint,
    )
  }
  if (lagBytes !== null && lagBytes >= LAG_WARNING_BYTES) {
    return warning('replication', target, `follows, ${behind}`, hint)
  }
  return ok('replication', target, `follows its master, ${behind}`)
}

function notFollowing(replica: ReplicaStatus, target: string, state: string): Check {
  const { masterHaAddress, problem: reason } = replica
  const from = masterHaAddress === null ? '' : ` ${masterHaAddress}`
  const text = `does not copy from its master${from} (${state})${reason === null ? '' : `: ${reason}`}`
  return problem('replication', target, text, hintOf(replica))
}

function hintOf({ address, brokerName, masterHaAddress, problem: reason }: ReplicaStatus): string {
  const master = `in the configuration of ${brokerName}'s master`
  if (masterHaAddress === null) {
    return `is its master running, and registered under the name ${brokerName}? else set haMasterAddress`
  }
  if (isLoopback(masterHaAddress) && !isLoopback(address)) {
    return `the master advertises a loopback address to its slaves: set brokerIP2 (or brokerIP1) ${master}`
  }
  if (reason !== null && /DIVERGED|LOG_GONE/.test(reason)) {
    return "its log and the master's cannot be brought together: keep its store aside and start it with an empty one"
  }
  if (reason !== null && /FILE_SIZE/.test(reason)) {
    return 'both need the same mappedFileSizeCommitLog'
  }
  if (reason !== null && /SECRET|IDENTITY/.test(reason)) {
    return 'both need the same haSharedSecret, brokerClusterName and brokerName, and ids of their own'
  }
  return `its port must be open to the slave, and haAllowedPeers ${master} must name the slave's address (default: this machine only)`
}

/** A synchronous master alone acknowledges with SLAVE_NOT_AVAILABLE. */
function checkSyncMaster(replica: ReplicaStatus): Check {
  const { inSyncReplicas, slaves } = replica
  const target = targetOf(replica)
  if (inSyncReplicas === null) return ok('replication', target, 'is a synchronous master')
  if (inSyncReplicas > 1) {
    return ok(
      'replication',
      target,
      `is a synchronous master with ${inSyncReplicas} replicas in sync`,
    )
  }
  const text = `is a synchronous master without a slave in sync (${slaves ?? 0} connected)`
  const hint =
    'messages are stored here only, and senders are told SLAVE_NOT_AVAILABLE: start its slave'
  return problem('replication', target, text, hint)
}

function targetOf({ address, brokerId, brokerName }: ReplicaStatus): string {
  return `${brokerName}/${brokerId} ${address}`
}

function isLoopback(address: string): boolean {
  const parsed = parseAddress(address)
  return parsed !== null && addressKind(parsed.host) === 'loopback'
}

function bytesText(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`
  if (bytes < 1024 * 1024) return `${(bytes / 1024).toFixed(1)} KiB`
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`
}
