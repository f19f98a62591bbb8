// Options that several commands have. mqadmin spells the cluster's long name in two ways: each command keeps its own.
import type { AdminArgument, AdminOption } from '../../command.ts'

export const BROKER_ADDR: AdminOption = {
  flags: '-b, --brokerAddr <host:port>',
  key: 'brokerAddr',
  help: 'this broker only',
}
export const CLUSTER_NAME: AdminOption = {
  flags: '-c, --clusterName <name>',
  key: 'clusterName',
  help: 'the brokers of this cluster; default all',
}
export const CLUSTER: AdminOption = { ...CLUSTER_NAME, flags: '-c, --cluster <name>' }
export const TOPIC: AdminOption = {
  flags: '-t, --topic <topic>',
  key: 'topic',
  help: 'topic',
  required: true,
}
export const GROUP_NAME: AdminOption = {
  flags: '-g, --groupName <group>',
  key: 'group',
  help: 'consumer group',
  required: true,
}
export const CONSUMER_GROUP: AdminOption = {
  ...GROUP_NAME,
  flags: '-g, --consumerGroup <group>',
}
/** Which letter names the broker differs among mqadmin's commands. */
export const BROKER_NAME: AdminOption = {
  flags: '-b, --brokerName <name>',
  key: 'brokerName',
  help: 'the broker',
  required: true,
}
export const QUEUE_ID: AdminOption = {
  flags: '-i, --queueId <id>',
  key: 'queueId',
  help: 'the queue',
  type: 'int',
  required: true,
}
export const BEGIN_TIMESTAMP: AdminOption = {
  flags: '-b, --beginTimestamp <time>',
  key: 'beginMs',
  help: 'stored at or after; milliseconds or ISO 8601',
  type: 'time',
}
export const END_TIMESTAMP: AdminOption = {
  flags: '-e, --endTimestamp <time>',
  key: 'endMs',
  help: 'stored before',
  type: 'time',
}
/** mqadmin's way to name the topic through which an LMQ topic is found; Apogee has no LMQ. */
export const LMQ_CLUSTER: AdminOption = {
  flags: '-c, --cluster <name>',
  key: 'cluster',
  help: 'cluster, or parent topic of an LMQ',
  ignored: true,
}
export const DRY_RUN: AdminOption = {
  flags: '--dry-run',
  key: 'dryRun',
  help: 'show what would change, change nothing',
}

export const TOPIC_ARGUMENT: AdminArgument = {
  key: 'topic',
  name: '<topic>',
  help: 'topic',
  required: true,
}
export const GROUP_ARGUMENT: AdminArgument = {
  key: 'group',
  name: '<group>',
  help: 'consumer group',
  required: true,
}

/** Exactly one of two must be given. */
export function either(name: string, ...options: readonly AdminOption[]): AdminOption[] {
  return options.map((option) => ({ ...option, oneOf: name }))
}

export function optional(option: AdminOption): AdminOption {
  const { required: _, ...rest } = option
  return rest
}

export interface WhereOptions {
  readonly brokerAddr?: string | undefined
  readonly clusterName?: string | undefined
}

/** `on broker …`, `in cluster …` or `in every cluster`, for sentences. */
export function placeText({ brokerAddr, clusterName }: WhereOptions): string {
  if (brokerAddr !== undefined) return `on broker ${brokerAddr}`
  return clusterName === undefined ? 'in every cluster' : `in cluster ${clusterName}`
}
