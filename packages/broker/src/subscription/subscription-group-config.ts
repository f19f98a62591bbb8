import type { SubscriptionGroupConfig as SubscriptionGroupBody } from '@apogee/protocol'

/** A consumer group as this broker keeps it. Never changed in place: a new setting makes a new object. */
export type SubscriptionGroupConfig = Readonly<SubscriptionGroupBody>

/** A group with Apache's defaults but for `settings`. */
export function subscriptionGroup(
  groupName: string,
  settings: Partial<SubscriptionGroupConfig> = {},
): SubscriptionGroupConfig {
  return {
    consumeEnable: true,
    consumeFromMinEnable: true,
    consumeBroadcastEnable: true,
    consumeMessageOrderly: false,
    retryQueueNums: 1,
    retryMaxTimes: 16,
    groupRetryPolicy: {
      type: 'CUSTOMIZED',
      exponentialRetryPolicy: null,
      customizedRetryPolicy: null,
    },
    brokerId: 0,
    whichBrokerWhenConsumeSlowly: 1,
    notifyConsumerIdsChangedEnable: true,
    groupSysFlag: 0,
    consumeTimeoutMinute: 15,
    subscriptionDataSet: null,
    attributes: new Map(),
    ...settings,
    groupName,
  }
}
