import {
  type BodyCodec,
  bool,
  int,
  list,
  long,
  mapOf,
  name,
  nullable,
  record,
  text,
} from './codec.ts'
import { DataVersion } from './topic-config.ts'

/** Waits grow by a factor. Milliseconds. */
export interface ExponentialRetryPolicy {
  initial: number
  max: number
  multiplier: number
}
export const ExponentialRetryPolicy: BodyCodec<ExponentialRetryPolicy> =
  record<ExponentialRetryPolicy>({
    initial: long(5_000),
    max: long(7_200_000),
    multiplier: long(2),
  })

/** Waits are given one by one. Milliseconds. */
export interface CustomizedRetryPolicy {
  next: number[]
}
export const CustomizedRetryPolicy: BodyCodec<CustomizedRetryPolicy> =
  record<CustomizedRetryPolicy>({ next: list(long()) })

export type GroupRetryPolicyType = 'EXPONENTIAL' | 'CUSTOMIZED'
const POLICY_TYPES: readonly GroupRetryPolicyType[] = ['EXPONENTIAL', 'CUSTOMIZED']

/** Java: GroupRetryPolicy. Without a policy of its own a group has the waits of the delay levels. */
export interface GroupRetryPolicy {
  type: GroupRetryPolicyType
  exponentialRetryPolicy: ExponentialRetryPolicy | null
  customizedRetryPolicy: CustomizedRetryPolicy | null
}
export const GroupRetryPolicy: BodyCodec<GroupRetryPolicy> = record<GroupRetryPolicy>({
  type: name(POLICY_TYPES, 'CUSTOMIZED'),
  exponentialRetryPolicy: nullable(ExponentialRetryPolicy),
  customizedRetryPolicy: nullable(CustomizedRetryPolicy),
})

/** Java: SimpleSubscriptionData. */
export interface SimpleSubscriptionData {
  topic: string
  expressionType: string
  expression: string
  version: number
}
export const SimpleSubscriptionData: BodyCodec<SimpleSubscriptionData> =
  record<SimpleSubscriptionData>({
    topic: text(),
    expressionType: text(),
    expression: text(),
    version: long(),
  })

/** UPDATE_AND_CREATE_SUBSCRIPTIONGROUP (200), GET_SUBSCRIPTIONGROUP_CONFIG (352). */
export interface SubscriptionGroupConfig {
  groupName: string
  consumeEnable: boolean
  consumeFromMinEnable: boolean
  consumeBroadcastEnable: boolean
  consumeMessageOrderly: boolean
  retryQueueNums: number
  retryMaxTimes: number
  groupRetryPolicy: GroupRetryPolicy
  brokerId: number
  whichBrokerWhenConsumeSlowly: number
  notifyConsumerIdsChangedEnable: boolean
  groupSysFlag: number
  consumeTimeoutMinute: number
  subscriptionDataSet: SimpleSubscriptionData[] | null
  attributes: Map<string, string>
}
export const SubscriptionGroupConfig: BodyCodec<SubscriptionGroupConfig> =
  record<SubscriptionGroupConfig>({
    groupName: text(),
    consumeEnable: bool(true),
    consumeFromMinEnable: bool(true),
    consumeBroadcastEnable: bool(true),
    consumeMessageOrderly: bool(false),
    retryQueueNums: int(1),
    retryMaxTimes: int(16),
    groupRetryPolicy: GroupRetryPolicy,
    brokerId: long(0),
    whichBrokerWhenConsumeSlowly: long(1),
    notifyConsumerIdsChangedEnable: bool(true),
    groupSysFlag: int(0),
    consumeTimeoutMinute: int(15),
    subscriptionDataSet: nullable(list(SimpleSubscriptionData)),
    attributes: mapOf(text()),
  })

/** UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST (225). */
export interface SubscriptionGroupList {
  groupConfigList: SubscriptionGroupConfig[]
}
export const SubscriptionGroupList: BodyCodec<SubscriptionGroupList> =
  record<SubscriptionGroupList>({ groupConfigList: list(SubscriptionGroupConfig) })

/** GET_ALL_SUBSCRIPTIONGROUP_CONFIG (201), config/subscriptionGroup.json. */
export interface SubscriptionGroupWrapper {
  subscriptionGroupTable: Map<string, SubscriptionGroupConfig>
  /** Group → topic → bits of what is forbidden. */
  forbiddenTable: Map<string, Map<string, number>>
  dataVersion: DataVersion
}
export const SubscriptionGroupWrapper: BodyCodec<SubscriptionGroupWrapper> =
  record<SubscriptionGroupWrapper>({
    subscriptionGroupTable: mapOf(SubscriptionGroupConfig),
    forbiddenTable: mapOf(mapOf(int())),
    dataVersion: DataVersion,
  })

/** UPDATE_AND_GET_GROUP_FORBIDDEN (353), the answer. */
export interface GroupForbidden {
  topic: string
  group: string
  readable: boolean | null
}
export const GroupForbidden: BodyCodec<GroupForbidden> = record<GroupForbidden>({
  topic: text(),
  group: text(),
  readable: nullable(bool()),
})
