import { isMalformed } from '@apogee/base'
import {
  decodeBody,
  encodeBody,
  LockBatchMqRequestHeader,
  LockBatchRequestBody,
  LockBatchResponseBody,
  RequestCode,
  ResponseCode,
  UnlockBatchMqRequestHeader,
  UnlockBatchRequestBody,
} from '@apogee/protocol'
import { type Handler, handler, refuse, success } from '@apogee/remoting'
import type { RebalanceLockManager } from '../lock/rebalance-lock-manager.ts'

/** LOCK_BATCH_MQ (41), UNLOCK_BATCH_MQ (42); Java: AdminBrokerProcessor. */
export function lockQueueHandlers({ locks }: { locks: RebalanceLockManager }): Handler[] {
  const common = { lane: 'heartbeat', permission: 'client' } as const
  return [
    handler({
      ...common,
      code: RequestCode.LOCK_BATCH_MQ,
      header: LockBatchMqRequestHeader,
      handle: ({ body }) => {
        const data = decodeBody(LockBatchRequestBody, body)
        if (isMalformed(data)) {
          return refuse(ResponseCode.SYSTEM_ERROR, `${data.code}: ${data.detail}`)
        }
        const { consumerGroup, mqSet, clientId } = data
        const lockOKMQSet = locks.tryLockBatch(consumerGroup, mqSet, clientId)
        return success(encodeBody(LockBatchResponseBody, { lockOKMQSet: [...lockOKMQSet] }))
      },
    }),
    handler({
      ...common,
      code: RequestCode.UNLOCK_BATCH_MQ,
      header: UnlockBatchMqRequestHeader,
      handle: ({ body }) => {
        const data = decodeBody(UnlockBatchRequestBody, body)
        if (isMalformed(data)) {
          return refuse(ResponseCode.SYSTEM_ERROR, `${data.code}: ${data.detail}`)
        }
        locks.unlockBatch(data.consumerGroup, data.mqSet, data.clientId)
        return success()
      },
    }),
  ]
}
