import {
  encodeBody,
  GetConsumerListByGroupRequestHeader,
  GetConsumerListByGroupResponseBody,
  QueryConsumerOffsetRequestHeader,
  QueryConsumerOffsetResponseHeader,
  RequestCode,
  ResponseCode,
  UpdateConsumerOffsetRequestHeader,
} from '@apogee/protocol'
import { type Answer, type Handler, handler, refuse, succeedWith, success } from '@apogee/remoting'
import { type MessageStore, QueueUnits } from '@apogee/store'
import type { ConsumerManager } from '../client/consumer-manager.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { ConsumerOffsetManager } from '../offset/consumer-offset-manager.ts'
import { FORWARD_ONLY_FIELD } from '../slave/table-version.ts'
import type { SubscriptionGroupManager } from '../subscription/subscription-group-manager.ts'
import type { TopicConfigManager } from '../topic/topic-config-manager.ts'
import { illegalTopic } from './admin-common.ts'

export interface ConsumerManageDeps {
  config: BrokerConfig
  topics: TopicConfigManager
  groups: SubscriptionGroupManager
  consumers: ConsumerManager
  offsets: ConsumerOffsetManager
  store: MessageStore
}

/** How far back a queue may begin for a new group to start there. Java asks whether that is still in memory. */
const NEW_TOPIC_BYTES = 1024 * 1024 * 1024

/**
 * GET_CONSUMER_LIST_BY_GROUP (38), UPDATE_CONSUMER_OFFSET (15), QUERY_CONSUMER_OFFSET (14); Java: ConsumerManageProcessor.
 */
export function consumerManageHandlers(deps: ConsumerManageDeps): Handler[] {
  return [
    handler({
      code: RequestCode.GET_CONSUMER_LIST_BY_GROUP,
      lane: 'heartbeat',
      permission: 'client',
      header: GetConsumerListByGroupRequestHeader,
      handle: ({ header }) => consumerList(deps, header.consumerGroup),
    }),
    handler({
      code: RequestCode.UPDATE_CONSUMER_OFFSET,
      lane: 'ack',
      permission: 'client',
      header: UpdateConsumerOffsetRequestHeader,
      handle: ({ fields, header }) => updateOffset(deps, header, fields.has(FORWARD_ONLY_FIELD)),
    }),
    handler({
      code: RequestCode.QUERY_CONSUMER_OFFSET,
      lane: 'ack',
      permission: 'client',
      header: QueryConsumerOffsetRequestHeader,
      handle: ({ header }) => queryOffset(deps, header),
    }),
  ]
}

function consumerList(deps: ConsumerManageDeps, group: string): Answer {
  const consumerIdList = deps.consumers.get(group)?.clientIds() ?? []
  if (consumerIdList.length === 0) {
    return refuse(ResponseCode.SYSTEM_ERROR, `no consumer for this group, ${group}`)
  }
  return success(encodeBody(GetConsumerListByGroupResponseBody, { consumerIdList }))
}

function updateOffset(
  deps: ConsumerManageDeps,
  header: UpdateConsumerOffsetRequestHeader,
  isForwardOnly: boolean,
): Answer {
  const { consumerGroup: group, topic, queueId, commitOffset } = header
  if (deps.groups.select(group) === undefined) {
    return refuse(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, `Group ${group} not exist!`)
  }
  // A slave may not know yet which topics, retry topics say, its master had made last.
  const isSlave = deps.config.values.brokerRole === 'SLAVE'
  if (!isSlave && deps.topics.select(topic) === undefined) {
    return refuse(ResponseCode.TOPIC_NOT_EXIST, `Topic ${topic} not exist!`)
  }
  if (queueId < 0 || commitOffset < 0) {
    const remark = `queueId ${queueId} and offset ${commitOffset} must not be negative`
    return refuse(ResponseCode.INVALID_PARAMETER, remark)
  }
  const { useServerSideResetOffset } = deps.config.values
  if (useServerSideResetOffset && deps.offsets.hasOffsetReset(topic, group, queueId)) {
    return { code: ResponseCode.SUCCESS, remark: 'Offset has been previously reset' }
  }
  if (isForwardOnly && deps.offsets.queryOffset(group, topic, queueId) >= commitOffset) {
    return success()
  }
  if (deps.offsets.commitOffset(group, topic, queueId, commitOffset)) return success()
  return refuse(ResponseCode.SYSTEM_ERROR, 'offsetsMax reached, the offset was not stored')
}

function queryOffset(
  deps: ConsumerManageDeps,
  header: QueryConsumerOffsetRequestHeader,
): Answer | Promise<Answer> {
  const { consumerGroup, topic, queueId, setZeroIfNotFound } = header
  const offset = deps.offsets.queryOffset(consumerGroup, topic, queueId)
  if (offset >= 0) return succeedWith(QueryConsumerOffsetResponseHeader, { offset })
  if (setZeroIfNotFound === false) {
    const remark = 'Not found, do not set to zero, maybe this group boot first'
    return refuse(ResponseCode.QUERY_NOT_FOUND, remark)
  }
  const illegal = illegalTopic(topic)
  if (illegal !== null) return illegal
  return isNewQueue(deps.store, topic, queueId).then((isNew) =>
    isNew
      ? succeedWith(QueryConsumerOffsetResponseHeader, { offset: 0 })
      : refuse(
          ResponseCode.QUERY_NOT_FOUND,
          'Not found, V3_0_6_SNAPSHOT maybe this group consumer boot first',
        ),
  )
}

/** Whether nothing of a queue with messages is lost or old: then a new group misses nothing if it starts at 0. */
function isNewQueue(store: MessageStore, topic: string, queueId: number): Promise<boolean> {
  if (store.minOffset(topic, queueId) > 0 || store.maxOffset(topic, queueId) === 0) {
    return Promise.resolve(false)
  }
  const units = new QueueUnits(1)
  return new Promise((resolve) => {
    store.consumeQueue(topic, queueId).read(0, 1, units, (error) => {
      const found = error === null && units.count === 1
      resolve(found && store.maxPhysicalOffset - units.physicalOffset[0]! <= NEW_TOPIC_BYTES)
    })
  })
}
