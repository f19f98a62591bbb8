import type { HaPeerStatus, HaSlaveStatus } from '@apogee/ha'
import {
  encodeBody,
  type HAClientRuntimeInfo,
  type HAConnectionRuntimeInfo,
  HARuntimeInfo,
  HeartbeatRequestHeader,
  RequestCode,
} from '@apogee/protocol'
import { type Handler, handler, success } from '@apogee/remoting'
import type { MessageStore } from '@apogee/store'
import type { HaServices } from '../replication/ha-services.ts'
import { ADMIN } from './admin-common.ts'

export interface HaStatusDeps {
  ha: HaServices
  store: MessageStore
}

const NO_CLIENT: HAClientRuntimeInfo = {
  masterAddr: '',
  transferredByteInSecond: 0,
  maxOffset: 0,
  lastReadTimestamp: 0,
  lastWriteTimestamp: 0,
  masterFlushOffset: 0,
  activated: false,
}

/** GET_BROKER_HA_STATUS (907); Java: AdminBrokerProcessor.getBrokerHaStatus, DefaultHAService.getRuntimeInfo. */
export function haStatusHandlers(deps: HaStatusDeps): Handler[] {
  return [
    handler({
      ...ADMIN,
      code: RequestCode.GET_BROKER_HA_STATUS,
      header: HeartbeatRequestHeader,
      handle: () => success(encodeBody(HARuntimeInfo, haRuntimeInfo(deps))),
    }),
  ]
}

function haRuntimeInfo({ ha, store }: HaStatusDeps): HARuntimeInfo {
  const { master, slave } = ha
  const peers = master?.peers ?? []
  return {
    master: master !== null,
    masterCommitLogMaxOffset: master === null ? 0 : store.maxPhysicalOffset,
    inSyncSlaveNums: peers.filter(({ inSync }) => inSync).length,
    haConnectionInfo: peers.map(connectionInfo),
    haClientRuntimeInfo: slave === null ? NO_CLIENT : clientInfo(slave.status),
  }
}

function connectionInfo(peer: HaPeerStatus): HAConnectionRuntimeInfo {
  return {
    addr: peer.address,
    slaveAckOffset: peer.ackOffset,
    diff: peer.gap,
    inSync: peer.inSync,
    transferredByteInSecond: peer.bytesPerSecond,
    transferFromWhere: peer.sentOffset,
  }
}

function clientInfo(status: HaSlaveStatus): HAClientRuntimeInfo {
  return {
    masterAddr: status.masterAddress,
    transferredByteInSecond: status.bytesPerSecond,
    maxOffset: status.maxOffset,
    lastReadTimestamp: status.lastReadTimestamp,
    lastWriteTimestamp: status.lastWriteTimestamp,
    // Masters do not tell how far they have synced: how far they have written is what there is.
    masterFlushOffset: status.masterOffset,
    activated: status.state === 'following',
  }
}
