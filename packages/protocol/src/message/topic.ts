import { Malformed } from '@apogee/base'

// Names of topics and groups (Java TopicValidator, MixAll, KeyBuilder). They become folder names, so the check comes
// before any path is made of them: nothing but [%|a-zA-Z0-9_-] gets through, and no dot or slash is among these.

/** Longest name of an ordinary topic, in characters. */
export const TOPIC_MAX_LENGTH = 127
/** Longest group: its retry and dead-letter topics must fit too. */
export const GROUP_MAX_LENGTH = 120
/** Longest name of a retry or dead-letter topic. */
export const RETRY_OR_DLQ_TOPIC_MAX_LENGTH = 255

export const RETRY_GROUP_TOPIC_PREFIX = '%RETRY%'
export const DLQ_GROUP_TOPIC_PREFIX = '%DLQ%'
export const LMQ_PREFIX = '%LMQ%'
export const SYSTEM_TOPIC_PREFIX = 'rmq_sys_'
export const REPLY_TOPIC_POSTFIX = 'REPLY_TOPIC'
export const SYSTEM_GROUP_PREFIX = 'CID_RMQ_SYS_'

/** The topics that RocketMQ itself uses. */
export const SystemTopic = {
  /** New topics take their settings from it. */
  AUTO_CREATE_TOPIC_KEY: 'TBW102',
  SCHEDULE: 'SCHEDULE_TOPIC_XXXX',
  BENCHMARK: 'BenchmarkTest',
  TRANS_HALF: 'RMQ_SYS_TRANS_HALF_TOPIC',
  TRANS_OP_HALF: 'RMQ_SYS_TRANS_OP_HALF_TOPIC',
  TRANS_CHECK_MAX_TIME: 'TRANS_CHECK_MAX_TIME_TOPIC',
  TRACE: 'RMQ_SYS_TRACE_TOPIC',
  SELF_TEST: 'SELF_TEST_TOPIC',
  OFFSET_MOVED_EVENT: 'OFFSET_MOVED_EVENT',
  ROCKSDB_OFFSET: 'CHECKPOINT_TOPIC',
  TIMER: 'rmq_sys_wheel_timer',
} as const

const SYSTEM_TOPICS: ReadonlySet<string> = new Set<string>(Object.values(SystemTopic))

const NO_SEND_TOPICS: ReadonlySet<string> = new Set<string>([
  SystemTopic.SCHEDULE,
  SystemTopic.TRANS_HALF,
  SystemTopic.TRANS_OP_HALF,
  SystemTopic.TRANS_CHECK_MAX_TIME,
  SystemTopic.SELF_TEST,
  SystemTopic.OFFSET_MOVED_EVENT,
])

/** One of the fixed system topics, or any that starts with `rmq_sys_`. */
export function isSystemTopic(topic: string): boolean {
  return SYSTEM_TOPICS.has(topic) || topic.startsWith(SYSTEM_TOPIC_PREFIX)
}

/** A topic that clients may not send to: only the broker writes it. */
export function isNotAllowedSendTopic(topic: string): boolean {
  return NO_SEND_TOPICS.has(topic)
}

/** Whether a name may be that of a topic; `null` if so. TOPIC_BLANK, TOPIC_ILLEGAL_CHARACTER, TOPIC_TOO_LONG. */
export function validateTopic(topic: string): Malformed | null {
  if (isBlank(topic)) return new Malformed('TOPIC_BLANK', 'the topic has no name')
  const max =
    isRetryTopic(topic) || isDlqTopic(topic) ? RETRY_OR_DLQ_TOPIC_MAX_LENGTH : TOPIC_MAX_LENGTH
  if (topic.length > max) {
    return new Malformed('TOPIC_TOO_LONG', `topic of ${topic.length} characters, at most ${max}`)
  }
  return hasIllegalCharacter(topic)
    ? new Malformed('TOPIC_ILLEGAL_CHARACTER', `topic ${JSON.stringify(topic)}: ${ALLOWED}`)
    : null
}

/** Whether a name may be that of a group; `null` if so. GROUP_BLANK, GROUP_ILLEGAL_CHARACTER, GROUP_TOO_LONG. */
export function validateGroup(group: string): Malformed | null {
  if (isBlank(group)) return new Malformed('GROUP_BLANK', 'the group has no name')
  if (group.length > GROUP_MAX_LENGTH) {
    const detail = `group of ${group.length} characters, at most ${GROUP_MAX_LENGTH}`
    return new Malformed('GROUP_TOO_LONG', detail)
  }
  return hasIllegalCharacter(group)
    ? new Malformed('GROUP_ILLEGAL_CHARACTER', `group ${JSON.stringify(group)}: ${ALLOWED}`)
    : null
}

const ALLOWED = 'only letters, digits and % | _ - are allowed'

function isBlank(name: string): boolean {
  return name.trim() === ''
}

function hasIllegalCharacter(name: string): boolean {
  for (let i = 0; i < name.length; i++) {
    const c = name.charCodeAt(i)
    const isLetter = (c >= 0x41 && c <= 0x5a) || (c >= 0x61 && c <= 0x7a)
    const isDigit = c >= 0x30 && c <= 0x39
    const isOther = c === 0x25 || c === 0x7c || c === 0x5f || c === 0x2d
    if (!isLetter && !isDigit && !isOther) return true
  }
  return false
}

/** The topic from which a group gets its failed messages again. */
export function retryTopicOf(group: string): string {
  return RETRY_GROUP_TOPIC_PREFIX + group
}

/** The topic where a group's messages end that failed too often. */
export function dlqTopicOf(group: string): string {
  return DLQ_GROUP_TOPIC_PREFIX + group
}

/** The topic through which the brokers of a cluster pass replies of request-reply messaging. */
export function replyTopicOf(clusterName: string): string {
  return `${clusterName}_${REPLY_TOPIC_POSTFIX}`
}

export function isRetryTopic(topic: string): boolean {
  return topic.startsWith(RETRY_GROUP_TOPIC_PREFIX)
}

export function isDlqTopic(topic: string): boolean {
  return topic.startsWith(DLQ_GROUP_TOPIC_PREFIX)
}

/** The group of a retry or dead-letter topic; `null` for any other topic. */
export function groupOfRetryOrDlqTopic(topic: string): string | null {
  if (isRetryTopic(topic)) return topic.slice(RETRY_GROUP_TOPIC_PREFIX.length)
  return isDlqTopic(topic) ? topic.slice(DLQ_GROUP_TOPIC_PREFIX.length) : null
}

/** A group of the broker's own services. */
export function isSystemGroup(group: string): boolean {
  return group.startsWith(SYSTEM_GROUP_PREFIX)
}
