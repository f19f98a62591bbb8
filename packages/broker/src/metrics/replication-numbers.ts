import type { MessageStore } from '@apogee/store'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { HaServices } from '../replication/ha-services.ts'
import { lagOf, slaveName } from '../replication/replication-info.ts'

/** A gauge without the labels that all have. */
export interface ReplicationNumber {
  readonly name: string
  readonly labels: Record<string, string>
  readonly value: number
}

export interface ReplicationNumbersDeps {
  config: BrokerConfig
  store: MessageStore
  ha: HaServices
}

/** Replication in numbers; RocketMQ 5.x has no names for it. */
export function* replicationNumbers(deps: ReplicationNumbersDeps): Generator<ReplicationNumber> {
  const { config, ha, store } = deps
  const { brokerId, brokerRole } = config.values
  const role = { role: brokerRole.toLowerCase(), broker_id: String(brokerId) }
  yield { name: 'apogee_broker_role', labels: role, value: 1 }
  const { appended, confirmed } = store.watermarks
  yield { name: 'apogee_replication_log_end_offset', labels: {}, value: appended }
  yield { name: 'apogee_replication_confirmed_offset', labels: {}, value: confirmed }
  if (ha.master !== null) yield* ofMaster(ha.master)
  if (ha.slave !== null) yield* ofSlave(ha.slave)
}

function* ofMaster(master: NonNullable<HaServices['master']>): Generator<ReplicationNumber> {
  yield { name: 'apogee_replication_slaves', labels: {}, value: master.connected }
  yield { name: 'apogee_replication_in_sync_replicas', labels: {}, value: master.inSyncReplicas }
  for (const peer of master.peers) {
    const labels = { slave: slaveName(peer), address: peer.address, protocol: peer.protocol }
    yield { name: 'apogee_replication_slave_ack_offset', labels, value: peer.ackOffset }
    yield { name: 'apogee_replication_slave_gap_bytes', labels, value: peer.gap }
    yield { name: 'apogee_replication_slave_in_sync', labels, value: peer.inSync ? 1 : 0 }
    yield { name: 'apogee_replication_slave_bytes_per_second', labels, value: peer.bytesPerSecond }
  }
}

function* ofSlave({ status }: NonNullable<HaServices['slave']>): Generator<ReplicationNumber> {
  const { bytesPerSecond, masterOffset, problem, protocol, state } = status
  yield { name: 'apogee_replication_state', labels: { state, protocol }, value: 1 }
  yield { name: 'apogee_replication_following', labels: {}, value: state === 'following' ? 1 : 0 }
  yield {
    name: 'apogee_replication_problem',
    labels: { code: problem?.code ?? '' },
    value: problem ? 1 : 0,
  }
  yield { name: 'apogee_replication_master_offset', labels: {}, value: masterOffset }
  yield { name: 'apogee_replication_lag_bytes', labels: {}, value: lagOf(status) }
  yield { name: 'apogee_replication_received_bytes_per_second', labels: {}, value: bytesPerSecond }
}
