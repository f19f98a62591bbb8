import {
  GetEarliestMsgStoretimeRequestHeader,
  GetEarliestMsgStoretimeResponseHeader,
  GetMaxOffsetRequestHeader,
  GetMaxOffsetResponseHeader,
  GetMinOffsetRequestHeader,
  GetMinOffsetResponseHeader,
  RequestCode,
  SearchOffsetRequestHeader,
  SearchOffsetResponseHeader,
} from '@apogee/protocol'
import { type Handler, handler, succeedWith } from '@apogee/remoting'
import type { MessageStore } from '@apogee/store'
import { illegalTopic } from './admin-common.ts'

/**
 * SEARCH_OFFSET_BY_TIMESTAMP (29), GET_MAX_OFFSET (30), GET_MIN_OFFSET (31), GET_EARLIEST_MSG_STORETIME (32). A queue that
 * does not exist has the offsets 0 and 0. Java: AdminBrokerProcessor.
 */
export function queueOffsetHandlers({ store }: { store: MessageStore }): Handler[] {
  const common = { lane: 'ack', permission: 'client' } as const
  return [
    handler({
      ...common,
      code: RequestCode.SEARCH_OFFSET_BY_TIMESTAMP,
      header: SearchOffsetRequestHeader,
      handle: async ({ header }) => {
        const { topic, queueId, timestamp, boundaryType } = header
        const illegal = illegalTopic(topic)
        if (illegal !== null) return illegal
        const boundary = boundaryType?.toUpperCase() === 'UPPER' ? 'upper' : 'lower'
        const offset = await store.searchOffset(topic, queueId, timestamp, boundary)
        return succeedWith(SearchOffsetResponseHeader, { offset })
      },
    }),
    handler({
      ...common,
      code: RequestCode.GET_MAX_OFFSET,
      header: GetMaxOffsetRequestHeader,
      handle: ({ header }) => {
        const illegal = illegalTopic(header.topic)
        if (illegal !== null) return illegal
        const offset = store.maxOffset(header.topic, header.queueId)
        return succeedWith(GetMaxOffsetResponseHeader, { offset })
      },
    }),
    handler({
      ...common,
      code: RequestCode.GET_MIN_OFFSET,
      header: GetMinOffsetRequestHeader,
      handle: ({ header }) => {
        const illegal = illegalTopic(header.topic)
        if (illegal !== null) return illegal
        const offset = store.minOffset(header.topic, header.queueId)
        return succeedWith(GetMinOffsetResponseHeader, { offset })
      },
    }),
    handler({
      ...common,
      code: RequestCode.GET_EARLIEST_MSG_STORETIME,
      header: GetEarliestMsgStoretimeRequestHeader,
      handle: async ({ header: { topic, queueId } }) => {
        const illegal = illegalTopic(topic)
        if (illegal !== null) return illegal
        const timestamp = await store.storeTime(topic, queueId, store.minOffset(topic, queueId))
        return succeedWith(GetEarliestMsgStoretimeResponseHeader, { timestamp })
      },
    }),
  ]
}
