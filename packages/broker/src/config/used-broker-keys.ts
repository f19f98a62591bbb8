import { bool, choice, int, long, text, type UsedRow } from './config-key.ts'
import type { BrokerConfigValues } from './config-values.ts'

type Rows<K extends keyof BrokerConfigValues> = { [P in K]: UsedRow<BrokerConfigValues[P]> }

export type IdentityKey =
  | 'brokerName'
  | 'brokerClusterName'
  | 'brokerId'
  | 'namesrvAddr'
  | 'listenPort'
  | 'bindAddress'
  | 'brokerIP1'
  | 'brokerIP2'
  | 'haListenPort'
  | 'brokerRole'
  | 'regionId'
  | 'traceOn'

/** Who this broker is and where it is found. */
export const identityRows: Rows<IdentityKey> = {
  brokerName: text('broker-a', 'name that a master and its slaves share'),
  brokerClusterName: text('DefaultCluster', 'cluster that the broker belongs to'),
  brokerId: long(0, '0 = master, 1 and up = slaves'),
  namesrvAddr: text('', 'NameServers, host:port separated by semicolons'),
  listenPort: int(10911, 'main port; the fast port is two below it; 0 = any', { max: 65_535 }),
  bindAddress: text('127.0.0.1', 'address to listen on; 0.0.0.0 = all interfaces'),
  brokerIP1: text('', 'address told to clients; empty = the one listened on'),
  brokerIP2: text('', 'address told to slaves; empty = brokerIP1'),
  haListenPort: int(10912, 'replication port; 0 = any', { max: 65_535 }),
  brokerRole: choice(
    'ASYNC_MASTER',
    ['ASYNC_MASTER', 'SYNC_MASTER', 'SLAVE'],
    'master that waits for no slave, master that waits for one, or slave',
  ),
  regionId: text('DefaultRegion', 'region told to producers and written into traces'),
  traceOn: bool(true, 'tells clients that message traces are wanted', { live: true }),
}

export type TopicKey =
  | 'brokerPermission'
  | 'defaultTopicQueueNums'
  | 'autoCreateTopicEnable'
  | 'autoCreateSubscriptionGroup'
  | 'clusterTopicEnable'
  | 'brokerTopicEnable'
  | 'traceTopicEnable'
  | 'msgTraceTopicName'
  | 'reviveQueueNum'
  | 'validateSystemTopicWhenUpdateTopic'
  | 'enableMixedMessageType'
  | 'clearRetryTopicWhenDeleteTopic'
  | 'enableCreateSysGroup'
  | 'enableSplitMetadata'
  | 'splitMetadataSize'
  | 'topicsMax'
  | 'queuesMax'
  | 'groupsMax'

/** Topics and groups. */
export const topicRows: Rows<TopicKey> = {
  brokerPermission: int(6, 'read 4 + write 2', { live: true, max: 7 }),
  defaultTopicQueueNums: int(8, 'queues of TBW102, the most that an automatic topic gets', {
    live: true,
    max: 1024,
  }),
  autoCreateTopicEnable: bool(true, 'a send to an unknown topic creates it', { live: true }),
  autoCreateSubscriptionGroup: bool(true, 'a new consumer group is created', { live: true }),
  clusterTopicEnable: bool(true, 'the topic named after the cluster can be used'),
  brokerTopicEnable: bool(true, 'the topic named after the broker can be used'),
  traceTopicEnable: bool(false, 'creates the topic for message traces'),
  msgTraceTopicName: text('RMQ_SYS_TRACE_TOPIC', 'topic for message traces'),
  reviveQueueNum: int(8, 'queues of the system topic for POP', { min: 1, max: 1024 }),
  validateSystemTopicWhenUpdateTopic: bool(true, 'system topics cannot be changed or deleted'),
  enableMixedMessageType: bool(false, 'topics may have message.type=MIXED', { live: true }),
  clearRetryTopicWhenDeleteTopic: bool(true, 'deleting a topic deletes its retry topics', {
    live: true,
  }),
  enableCreateSysGroup: bool(true, 'groups of system clients are created without leave', {
    live: true,
  }),
  enableSplitMetadata: bool(true, 'topics and groups may be fetched in parts', { live: true }),
  splitMetadataSize: int(2000, 'topics or groups in one such part', { live: true, min: 1 }),
  topicsMax: int(100_000, 'topics, system topics included', { live: true, min: 64 }),
  queuesMax: int(1_000_000, 'write queues of all topics together', { live: true, min: 2048 }),
  groupsMax: int(100_000, 'consumer groups', { live: true, min: 64 }),
}

export type SendKey =
  | 'rejectTransactionMessage'
  | 'startAcceptSendRequestTimeStamp'
  | 'maxMessageSize'

/** Sends. */
export const sendRows: Rows<SendKey> = {
  rejectTransactionMessage: bool(false, 'transactional messages are refused', { live: true }),
  startAcceptSendRequestTimeStamp: long(0, 'sends are refused until this time, ms', { live: true }),
  maxMessageSize: int(4_194_304, 'bytes of body and properties together', {
    min: 1024,
    max: 16_000_000,
  }),
}
