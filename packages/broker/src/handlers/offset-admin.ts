import {
  type BodyEntry,
  CloneGroupOffsetRequestHeader,
  ConsumerOffsetSerializeWrapper,
  DelayOffsetSerializeWrapper,
  type ExtFields,
  encodeBody,
  encodeHeader,
  GetConsumerStatusRequestHeader,
  HeartbeatRequestHeader,
  LanguageCode,
  type MessageQueue,
  QueryCorrectionOffsetBody,
  QueryCorrectionOffsetHeader,
  RequestCode,
  ResetOffsetBody,
  ResetOffsetBodyForC,
  ResetOffsetRequestHeader,
  ResponseCode,
} from '@apogee/protocol'
import { type Answer, type Handler, handler, type Request, refuse, success } from '@apogee/remoting'
import type { MessageStore } from '@apogee/store'
import type { ConsumerManager } from '../client/consumer-manager.ts'
import type { PullSubscriptions } from '../client/pull-subscriptions.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { ConsumerOffsetManager } from '../offset/consumer-offset-manager.ts'
import { delayWrapper, offsetWrapper } from '../persist/tables.ts'
import type { ScheduleMessageService } from '../schedule/schedule-message-service.ts'
import { answerTable } from '../slave/table-version.ts'
import type { SubscriptionGroupManager } from '../subscription/subscription-group-manager.ts'
import type { TopicConfigManager } from '../topic/topic-config-manager.ts'
import { ADMIN, messageQueue } from './admin-common.ts'
import { consumerStatus } from './consumer-status.ts'

export interface OffsetAdminDeps {
  config: BrokerConfig
  topics: TopicConfigManager
  groups: SubscriptionGroupManager
  consumers: ConsumerManager
  subscriptions: PullSubscriptions
  offsets: ConsumerOffsetManager
  schedule: ScheduleMessageService
  store: MessageStore
}

/**
 * GET_ALL_CONSUMER_OFFSET (43), GET_ALL_DELAY_OFFSET (45), INVOKE_BROKER_TO_RESET_OFFSET (222),
 * INVOKE_BROKER_TO_GET_CONSUMER_STATUS (223), QUERY_CORRECTION_OFFSET (308), CLONE_GROUP_OFFSET (314); Java:
 * AdminBrokerProcessor, Broker2Client.
 */
export function offsetAdminHandlers(deps: OffsetAdminDeps): Handler[] {
  return [
    handler({
      ...ADMIN,
      code: RequestCode.GET_ALL_CONSUMER_OFFSET,
      header: HeartbeatRequestHeader,
      handle: ({ fields }) => allOffsets(deps, fields),
    }),
    handler({
      ...ADMIN,
      code: RequestCode.GET_ALL_DELAY_OFFSET,
      header: HeartbeatRequestHeader,
      handle: ({ fields }) => allDelays(deps, fields),
    }),
    handler({
      ...ADMIN,
      code: RequestCode.INVOKE_BROKER_TO_RESET_OFFSET,
      header: ResetOffsetRequestHeader,
      handle: (request) =>
        deps.config.values.useServerSideResetOffset
          ? resetHere(deps, request.header)
          : resetAtClients(deps, request),
    }),
    handler({
      ...ADMIN,
      code: RequestCode.INVOKE_BROKER_TO_GET_CONSUMER_STATUS,
      header: GetConsumerStatusRequestHeader,
      handle: ({ header }) => consumerStatus(deps.consumers, header),
    }),
    handler({
      ...ADMIN,
      code: RequestCode.QUERY_CORRECTION_OFFSET,
      header: QueryCorrectionOffsetHeader,
      handle: ({ header }) => correctionOffsets(deps, header),
    }),
    handler({
      ...ADMIN,
      code: RequestCode.CLONE_GROUP_OFFSET,
      header: CloneGroupOffsetRequestHeader,
      handle: ({ header }) => cloneOffsets(deps, header),
    }),
  ]
}

function allOffsets({ offsets, store }: OffsetAdminDeps, fields: ExtFields): Answer {
  return answerTable(fields, {
    version: offsets.contentVersion,
    logEnd: store.maxPhysicalOffset,
    whole: () => success(encodeBody(ConsumerOffsetSerializeWrapper, offsetWrapper(offsets))),
  })
}

function allDelays({ schedule, store }: OffsetAdminDeps, fields: ExtFields): Answer {
  const levels = [...schedule.offsets()].map((entry) => entry.join(':'))
  return answerTable(fields, {
    // The whole content: there is a number for each delay level.
    version: `v${levels.join(',')}`,
    logEnd: store.maxPhysicalOffset,
    whole: () => success(encodeBody(DelayOffsetSerializeWrapper, delayWrapper(schedule))),
  })
}

/** Where a reset to a time lands in a queue; a negative time means the end. */
function offsetAt(
  deps: OffsetAdminDeps,
  topic: string,
  queueId: number,
  timestamp: number,
): Promise<number> {
  if (timestamp < 0) return Promise.resolve(deps.store.maxOffset(topic, queueId))
  return deps.store.searchOffset(topic, queueId, timestamp, 'lower')
}

async function resetHere(deps: OffsetAdminDeps, header: ResetOffsetRequestHeader): Promise<Answer> {
  const { topic, group, queueId, timestamp, offset } = header
  const config = deps.topics.select(topic)
  if (config === undefined) {
    return refuse(ResponseCode.TOPIC_NOT_EXIST, `Topic ${topic} does not exist`)
  }
  if (deps.groups.select(group) === undefined) {
    return refuse(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, `Group ${group} does not exist`)
  }
  const targets = new Map<number, number>()
  if (queueId >= 0 && offset !== null && offset !== -1) {
    const min = deps.store.minOffset(topic, queueId)
    const max = deps.store.maxOffset(topic, queueId)
    if (offset < min || offset > max + 1) {
      const remark = `Target offset ${offset} not in consume queue range [${min}-${max}]`
      return refuse(ResponseCode.SYSTEM_ERROR, remark)
    }
    targets.set(queueId, offset)
  } else {
    const first = Math.max(queueId, 0)
    const last = queueId >= 0 ? queueId : config.readQueueNums - 1
    for (let id = first; id <= last; id++) {
      targets.set(id, await offsetAt(deps, topic, id, timestamp))
    }
  }
  if (targets.size === 0) return refuse(ResponseCode.SYSTEM_ERROR, 'No queues to reset.')
  for (const [id, target] of targets) {
    if (!deps.offsets.assignResetOffset(topic, group, id, target)) {
      return refuse(ResponseCode.SYSTEM_ERROR, 'offsetsMax reached, offsets were not reset')
    }
  }
  return success(encodeBody(ResetOffsetBody, { offsetTable: entries(deps, topic, targets) }))
}

function entries(
  deps: OffsetAdminDeps,
  topic: string,
  offsets: ReadonlyMap<number, number>,
): BodyEntry<MessageQueue, number>[] {
  const { brokerName } = deps.config.values
  return [...offsets].map(([queueId, value]) => ({
    key: messageQueue(topic, brokerName, queueId),
    value,
  }))
}

/** The old way: every client of the group is told its new offsets (RESET_CONSUMER_CLIENT_OFFSET, 220). */
async function resetAtClients(
  deps: OffsetAdminDeps,
  request: Request<ResetOffsetRequestHeader>,
): Promise<Answer> {
  const { topic, group, timestamp, isForce } = request.header
  const config = deps.topics.select(topic)
  if (config === undefined) {
    const remark = `[reset-offset] reset offset failed, no topic in this broker. topic=${topic}`
    return refuse(ResponseCode.TOPIC_NOT_EXIST, remark)
  }
  const targets = new Map<number, number>()
  for (let queueId = 0; queueId < config.writeQueueNums; queueId++) {
    const consumed = deps.offsets.queryOffset(group, topic, queueId)
    if (consumed === -1) {
      return refuse(ResponseCode.SYSTEM_ERROR, `The consumer group <${group}> not exist`)
    }
    const target = Math.max(0, await offsetAt(deps, topic, queueId, timestamp))
    targets.set(queueId, isForce || target < consumed ? target : consumed)
  }
  const channels = deps.consumers.get(group)?.channels
  if (channels === undefined || channels.size === 0) {
    const remark = `Consumer not online, so can not reset offset, Group: ${group} Topic: ${topic} Timestamp: ${timestamp}`
    return refuse(ResponseCode.CONSUMER_NOT_ONLINE, remark)
  }
  const offsetTable = entries(deps, topic, targets)
  const fields = encodeHeader(ResetOffsetRequestHeader, { topic, group, timestamp })
  const forClients =
    request.language === LanguageCode.CPP
      ? forC(offsetTable)
      : encodeBody(ResetOffsetBody, { offsetTable })
  for (const connection of channels.keys()) {
    connection.oneway(RequestCode.RESET_CONSUMER_CLIENT_OFFSET, fields, forClients)
  }
  return success(encodeBody(ResetOffsetBody, { offsetTable }))
}

function forC(offsetTable: readonly BodyEntry<MessageQueue, number>[]): Buffer {
  const list = offsetTable.map(({ key, value }) => ({ ...key, offset: value }))
  return encodeBody(ResetOffsetBodyForC, { offsetTable: list })
}

/** Java's Long.MAX_VALUE stands for "nothing to correct"; the largest number both sides know exactly does it here. */
const NOTHING_TO_CORRECT = Number.MAX_SAFE_INTEGER

function correctionOffsets(deps: OffsetAdminDeps, header: QueryCorrectionOffsetHeader): Answer {
  const { topic, compareGroup, filterGroups } = header
  const without = new Set((filterGroups ?? '').split(',').filter((group) => group !== ''))
  const correctionOffsets = deps.offsets.queryMinOffsetInAllGroup(topic, without, (queueId) =>
    deps.store.minOffset(topic, queueId),
  )
  const compared = deps.offsets.queryOffsets(compareGroup, topic)?.entries() ?? []
  for (const [queueId, offset] of compared) {
    const lowest = correctionOffsets.get(queueId)
    if (lowest !== undefined && lowest > offset) correctionOffsets.set(queueId, NOTHING_TO_CORRECT)
  }
  return success(encodeBody(QueryCorrectionOffsetBody, { correctionOffsets }))
}

function cloneOffsets(deps: OffsetAdminDeps, header: CloneGroupOffsetRequestHeader): Answer {
  const { srcGroup, destGroup, topic, offline } = header
  const topics = topic?.trim() ? [topic] : deps.offsets.whichTopicByConsumer(srcGroup)
  for (const name of topics) {
    if (deps.topics.select(name) === undefined) continue
    const isOnline = deps.consumers.subscriptionCount(srcGroup) > 0
    if (!offline && isOnline && deps.subscriptions.find(srcGroup, name) === undefined) continue
    deps.offsets.cloneOffset(srcGroup, destGroup, name)
  }
  return success()
}
