import { type BodyCodec, bool, int, list, long, record, text } from './codec.ts'

/** One slave, as its master sees it. */
export interface HAConnectionRuntimeInfo {
  addr: string
  slaveAckOffset: number
  /** Bytes behind. */
  diff: number
  inSync: boolean
  transferredByteInSecond: number
  transferFromWhere: number
}
export const HAConnectionRuntimeInfo: BodyCodec<HAConnectionRuntimeInfo> =
  record<HAConnectionRuntimeInfo>({
    addr: text(),
    slaveAckOffset: long(),
    diff: long(),
    inSync: bool(),
    transferredByteInSecond: long(),
    transferFromWhere: long(),
  })

/** A slave about itself. */
export interface HAClientRuntimeInfo {
  masterAddr: string
  transferredByteInSecond: number
  maxOffset: number
  lastReadTimestamp: number
  lastWriteTimestamp: number
  masterFlushOffset: number
  activated: boolean
}
export const HAClientRuntimeInfo: BodyCodec<HAClientRuntimeInfo> = record<HAClientRuntimeInfo>({
  masterAddr: text(),
  transferredByteInSecond: long(),
  maxOffset: long(),
  lastReadTimestamp: long(),
  lastWriteTimestamp: long(),
  masterFlushOffset: long(),
  activated: bool(),
})

/** GET_BROKER_HA_STATUS (907). */
export interface HARuntimeInfo {
  master: boolean
  masterCommitLogMaxOffset: number
  inSyncSlaveNums: number
  haConnectionInfo: HAConnectionRuntimeInfo[]
  haClientRuntimeInfo: HAClientRuntimeInfo
}
export const HARuntimeInfo: BodyCodec<HARuntimeInfo> = record<HARuntimeInfo>({
  master: bool(),
  masterCommitLogMaxOffset: long(),
  inSyncSlaveNums: int(),
  haConnectionInfo: list(HAConnectionRuntimeInfo),
  haClientRuntimeInfo: HAClientRuntimeInfo,
})
