import { isMalformed } from '@apogee/base'
import {
  CheckClientRequestBody,
  type ConsumerData,
  decodeBody,
  HeartbeatData,
  HeartbeatRequestHeader,
  isTagType,
  PermName,
  RequestCode,
  ResponseCode,
  retryTopicOf,
  UnregisterClientRequestHeader,
} from '@apogee/protocol'
import { type Answer, type Handler, handler, type Request, refuse, success } from '@apogee/remoting'
import type { ClientIdentity } from '../client/client-channel.ts'
import type { ConsumerManager } from '../client/consumer-manager.ts'
import type { FilterCompiler } from '../client/filter-compiler.ts'
import type { ProducerManager } from '../client/producer-manager.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { SubscriptionGroupConfig } from '../subscription/subscription-group-config.ts'
import type { SubscriptionGroupManager } from '../subscription/subscription-group-manager.ts'
import { TopicSysFlag } from '../topic/topic-config.ts'
import type { TopicConfigManager } from '../topic/topic-config-manager.ts'

export interface ClientManageDeps {
  config: BrokerConfig
  topics: TopicConfigManager
  groups: SubscriptionGroupManager
  consumers: ConsumerManager
  producers: ProducerManager
  compiler: FilterCompiler
}

/** HEART_BEAT (34), UNREGISTER_CLIENT (35), CHECK_CLIENT_CONFIG (46); Java: ClientManageProcessor. */
export function clientManageHandlers(deps: ClientManageDeps): Handler[] {
  const common = { lane: 'heartbeat', permission: 'client' } as const
  return [
    handler({
      ...common,
      code: RequestCode.HEART_BEAT,
      header: HeartbeatRequestHeader,
      handle: (request) => heartbeat(deps, request),
    }),
    handler({
      ...common,
      code: RequestCode.UNREGISTER_CLIENT,
      header: UnregisterClientRequestHeader,
      handle: (request) => unregister(deps, request),
    }),
    handler({
      ...common,
      code: RequestCode.CHECK_CLIENT_CONFIG,
      header: HeartbeatRequestHeader,
      handle: (request) => checkClient(deps, request),
    }),
  ]
}

function heartbeat(deps: ClientManageDeps, request: Request<unknown>): Answer {
  const data = decodeBody(HeartbeatData, request.body)
  if (isMalformed(data)) return refuse(ResponseCode.SYSTEM_ERROR, `${data.code}: ${data.detail}`)
  const { connection, language, version } = request
  const client: ClientIdentity = { connection, clientId: data.clientID, language, version }
  let isSubChange = data.heartbeatFingerprint === 0
  let refused = ''
  for (const consumer of data.consumerDataSet) {
    if (isRejected(deps, consumer)) continue
    const { heartbeatFingerprint, withoutSub } = data
    if (deps.consumers.updateFingerprint(consumer.groupName, heartbeatFingerprint, withoutSub)) {
      isSubChange = true
    }
    if (!registerConsumer(deps, client, consumer, withoutSub)) refused = consumer.groupName
  }
  for (const { groupName } of data.producerDataSet) {
    if (!deps.producers.register(groupName, client)) refused = groupName
  }
  if (refused !== '') {
    const remark = `registrationsPerConnectionMax reached, group ${refused} was not registered`
    return refuse(ResponseCode.SYSTEM_ERROR, remark)
  }
  const fields = new Map([
    ['IS_SUPPORT_HEART_BEAT_V2', 'true'],
    ['IS_SUB_CHANGE', String(isSubChange)],
  ])
  return { code: ResponseCode.SUCCESS, fields }
}

function isRejected(deps: ClientManageDeps, consumer: ConsumerData): boolean {
  const { rejectPullConsumerEnable } = deps.config.values
  return rejectPullConsumerEnable && consumer.consumeType === 'CONSUME_ACTIVELY'
}

function makeRetryTopic(
  { topics }: ClientManageDeps,
  { groupName, retryQueueNums }: SubscriptionGroupConfig,
  { subscriptionDataSet, unitMode }: ConsumerData,
): void {
  topics.createInSendBack(
    retryTopicOf(groupName),
    retryQueueNums,
    PermName.READ | PermName.WRITE,
    unitMode ? TopicSysFlag.UNIT_SUB : 0,
    subscriptionDataSet.some(({ topic }) => topics.isOrderTopic(topic)),
  )
}

/** Registers the consumer, makes its group's retry topic. A group that may not be created is passed over, as in Apache. */
function registerConsumer(
  deps: ClientManageDeps,
  client: ClientIdentity,
  consumer: ConsumerData,
  withoutSub: boolean,
): boolean {
  const group = deps.groups.find(consumer.groupName)
  if (group === undefined) return true
  const { consumeType, messageModel, consumeFromWhere, subscriptionDataSet } = consumer
  // A slave has the retry topic when its master has it.
  if (deps.config.values.brokerRole !== 'SLAVE') makeRetryTopic(deps, group, consumer)
  return deps.consumers.register({
    group: group.groupName,
    client,
    mode: { consumeType, messageModel, consumeFromWhere },
    subscriptions: withoutSub ? null : subscriptionDataSet,
    notify: group.notifyConsumerIdsChangedEnable,
  })
}

interface UnregisterFields {
  clientID: string
  producerGroup: string | null
  consumerGroup: string | null
}

function unregister(deps: ClientManageDeps, request: Request<UnregisterFields>): Answer {
  const { producerGroup, consumerGroup } = request.header
  if (producerGroup !== null) deps.producers.unregister(producerGroup, request.connection)
  if (consumerGroup !== null) {
    const notify = deps.groups.select(consumerGroup)?.notifyConsumerIdsChangedEnable ?? true
    deps.consumers.unregister(consumerGroup, request.connection, notify)
  }
  return success()
}

function checkClient(deps: ClientManageDeps, request: Request<unknown>): Answer {
  const body = decodeBody(CheckClientRequestBody, request.body)
  if (isMalformed(body)) return refuse(ResponseCode.SYSTEM_ERROR, `${body.code}: ${body.detail}`)
  const data = body.subscriptionData
  if (data === null || isTagType(data.expressionType)) return success()
  if (!deps.config.values.enablePropertyFilter) {
    const remark = `The broker does not support consumer to filter message by ${data.expressionType}`
    return refuse(ResponseCode.SYSTEM_ERROR, remark)
  }
  const filter = deps.compiler.filterOf(data)
  if (!isMalformed(filter)) return success()
  return refuse(ResponseCode.SUBSCRIPTION_PARSE_FAILED, `${filter.code}: ${filter.detail}`)
}
