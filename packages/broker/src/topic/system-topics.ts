import { PermName, replyTopicOf, SystemTopic } from '@apogee/protocol'
import type { BrokerConfigValues } from '../config/config-values.ts'
import { TopicConfig } from './topic-config.ts'

const READ_WRITE = PermName.READ | PermName.WRITE

/** Levels that the schedule topic is announced with; more queues are used when more levels are configured. */
const SCHEDULE_QUEUES = 18
const BENCHMARK_QUEUES = 1024

/** The topics that a broker makes for itself and its clients when it starts. Java: TopicConfigManager.init. */
export function systemTopicConfigs(config: BrokerConfigValues): TopicConfig[] {
  const named = (enabled: boolean): number => PermName.INHERIT | (enabled ? READ_WRITE : 0)
  const topics = [
    single(SystemTopic.SELF_TEST),
    queues(SystemTopic.BENCHMARK, BENCHMARK_QUEUES),
    new TopicConfig(config.brokerClusterName, { perm: named(config.clusterTopicEnable) }),
    single(config.brokerName, named(config.brokerTopicEnable)),
    single(SystemTopic.OFFSET_MOVED_EVENT),
    queues(SystemTopic.SCHEDULE, SCHEDULE_QUEUES),
    single(replyTopicOf(config.brokerClusterName)),
    queues(`rmq_sys_REVIVE_LOG_${config.brokerClusterName}`, config.reviveQueueNum),
    single(`rmq_sys_SYNC_BROKER_MEMBER_${config.brokerName}`, PermName.INHERIT),
    single(SystemTopic.TRANS_HALF),
    single(SystemTopic.TRANS_OP_HALF),
    single(SystemTopic.TIMER),
  ]
  if (config.autoCreateTopicEnable) topics.push(autoCreateTopic(config))
  if (config.traceTopicEnable) topics.push(single(config.msgTraceTopicName))
  return topics
}

/** TBW102, from which automatic topics take their settings. */
export function autoCreateTopic(config: BrokerConfigValues): TopicConfig {
  const perm = PermName.INHERIT | READ_WRITE
  return queues(SystemTopic.AUTO_CREATE_TOPIC_KEY, config.defaultTopicQueueNums, perm)
}

function single(topicName: string, perm: number = READ_WRITE): TopicConfig {
  return queues(topicName, 1, perm)
}

function queues(topicName: string, count: number, perm: number = READ_WRITE): TopicConfig {
  return new TopicConfig(topicName, { readQueueNums: count, writeQueueNums: count, perm })
}
