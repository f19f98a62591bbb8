import {
  type ConsumeQueueData,
  encodeBody,
  HeartbeatRequestHeader,
  QueryConsumeQueueRequestHeader,
  QueryConsumeQueueResponseBody,
  RequestCode,
  ResponseCode,
} from '@apogee/protocol'
import { type Answer, type Handler, handler, refuse, success } from '@apogee/remoting'
import { type MessageStore, QueueUnits } from '@apogee/store'
import type { PullSubscriptions } from '../client/pull-subscriptions.ts'
import { ADMIN, illegalTopic } from './admin-common.ts'
import { subscriptionBody } from './consume-stats.ts'

export interface StoreAdminDeps {
  store: MessageStore
  subscriptions: PullSubscriptions
}

/** Queue entries of one answer. */
const UNITS_MAX = 10_000

/** CLEAN_EXPIRED_CONSUMEQUEUE (306), QUERY_CONSUME_QUEUE (321), DELETE_EXPIRED_COMMITLOG (329). */
export function storeAdminHandlers(deps: StoreAdminDeps): Handler[] {
  return [
    handler({
      ...ADMIN,
      code: RequestCode.CLEAN_EXPIRED_CONSUMEQUEUE,
      header: HeartbeatRequestHeader,
      handle: () => {
        deps.store.cleanExpiredQueues()
        return success()
      },
    }),
    handler({
      ...ADMIN,
      code: RequestCode.DELETE_EXPIRED_COMMITLOG,
      header: HeartbeatRequestHeader,
      handle: () => {
        deps.store.deleteExpiredNow()
        return success()
      },
    }),
    handler({
      ...ADMIN,
      code: RequestCode.QUERY_CONSUME_QUEUE,
      header: QueryConsumeQueueRequestHeader,
      handle: ({ header }) => queryQueue(deps, header),
    }),
  ]
}

function queryQueue(
  deps: StoreAdminDeps,
  header: QueryConsumeQueueRequestHeader,
): Answer | Promise<Answer> {
  const { queueId, index, count, consumerGroup } = header
  const topic = header.topic ?? ''
  const illegal = illegalTopic(topic)
  if (illegal !== null) return illegal
  if (!deps.store.queuesOf(topic).includes(queueId)) {
    return refuse(ResponseCode.SYSTEM_ERROR, `${queueId}@${topic} is not exist!`)
  }
  const queue = deps.store.consumeQueue(topic, queueId)
  const units = new QueueUnits(Math.max(1, Math.min(count, UNITS_MAX)))
  const subscription =
    consumerGroup === null ? undefined : deps.subscriptions.find(consumerGroup, topic)
  const isOffline = consumerGroup !== null && subscription === undefined
  return new Promise((resolve) => {
    queue.read(index, Math.min(count, UNITS_MAX), units, (error) => {
      if (error !== null) {
        resolve(refuse(ResponseCode.SYSTEM_ERROR, `the queue cannot be read: ${error.code}`))
        return
      }
      const body = encodeBody(QueryConsumeQueueResponseBody, {
        subscriptionData: subscriptionBody(subscription?.data),
        filterData: isOffline ? `${consumerGroup}@${topic} is not online!` : null,
        queueData: unitBodies(units),
        maxQueueIndex: queue.maxOffset,
        minQueueIndex: queue.minOffset(),
      })
      const remark = `Index ${index} of ${queueId}@${topic} is not exist!`
      resolve(units.count === 0 ? { ...success(body), remark } : success(body))
    })
  })
}

function unitBodies(units: QueueUnits): ConsumeQueueData[] {
  return Array.from({ length: units.count }, (_, i) => ({
    physicOffset: units.physicalOffset[i]!,
    physicSize: units.size[i]!,
    tagsCode: units.tagsCode[i]!,
    extendDataJson: null,
    bitMap: null,
    eval: false,
    msg: null,
  }))
}
