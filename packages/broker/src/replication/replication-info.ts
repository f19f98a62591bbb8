import type { HaPeerStatus, HaSlaveStatus } from '@apogee/ha'
import { HA_VERSION } from '@apogee/protocol'
import type { MessageStore } from '@apogee/store'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { HaServices } from './ha-services.ts'
import type { MasterWatch } from './master-watch.ts'

export interface ReplicationInfoDeps {
  config: BrokerConfig
  store: MessageStore
  ha: HaServices
  masterWatch: MasterWatch
  /** What a slave knows that its replication does not. */
  slave: { readonly problem: HaSlaveStatus['problem'] } | null
}

/** What slaves ask for before they choose how to speak: brokers that have this key speak our protocol of this version. */
export const APOGEE_HA_VERSION = 'apogeeHaVersion'

/**
 * Replication's part of GET_BROKER_RUNTIME_INFO (28), which mqadmin's brokerStatus prints whole. Keys are ours, but for
 * those that Apache's broker has.
 */
export function replicationInfo({
  config,
  ha,
  masterWatch,
  slave: service,
  store,
}: ReplicationInfoDeps): [string, string][] {
  const { brokerId, brokerRole } = config.values
  const { confirmed } = store.watermarks
  const both: [string, string][] = [
    [APOGEE_HA_VERSION, String(HA_VERSION)],
    ['brokerRole', brokerRole],
    ['brokerId', String(brokerId)],
    ['confirmedOffset', String(confirmed)],
  ]
  const { master, slave } = ha
  if (slave !== null) both.push(...slaveInfo(slave.status, service?.problem ?? null, masterWatch))
  if (master === null) return both
  return [
    ...both,
    ['slaveCount', String(master.connected)],
    ['inSyncReplicas', String(master.inSyncReplicas)],
    ...master.peers.map((peer): [string, string] => [`slave_${slaveName(peer)}`, peerText(peer)]),
  ]
}

/** Bytes that the master has and this slave has not, as far as it knows. */
export function lagOf({ masterOffset, maxOffset }: HaSlaveStatus): number {
  return Math.max(0, masterOffset - maxOffset)
}

/** A slave's brokerId, or its address when it does not say who it is. */
export function slaveName({ address, identity }: HaPeerStatus): string {
  return identity === null ? address : String(identity.brokerId)
}

function slaveInfo(
  status: HaSlaveStatus,
  noTarget: HaSlaveStatus['problem'],
  watch: MasterWatch,
): [string, string][] {
  const { masterAddress, masterOffset, protocol, state } = status
  const problem = status.problem ?? noTarget
  return [
    ['masterHaAddress', masterAddress],
    ['masterAlive', String(watch.isAlive)],
    ['masterOffset', String(masterOffset)],
    ['slaveLagBytes', String(lagOf(status))],
    ['replicationState', state],
    ['replicationProtocol', protocol],
    ['replicationProblem', problem === null ? '' : `${problem.code}: ${problem.message}`],
  ]
}

function peerText({ ackOffset, address, gap, inSync, protocol }: HaPeerStatus): string {
  return `address=${address} protocol=${protocol} ackOffset=${ackOffset} gap=${gap} inSync=${inSync}`
}
