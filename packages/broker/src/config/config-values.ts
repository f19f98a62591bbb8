/** What a broker does with messages on disk, as broker.conf calls it. */
export type BrokerRole = 'ASYNC_MASTER' | 'SYNC_MASTER' | 'SLAVE'
/** When a send is acknowledged: from the page cache, or after fdatasync. */
export type FlushDiskType = 'ASYNC_FLUSH' | 'SYNC_FLUSH'
/** How a slave speaks to its master: ours, Apache's, or whatever the master is. */
export type HaPeerProtocol = 'auto' | 'apogee' | 'apache'

/** The keys in use, typed. Names are Apache's; the last block is ours. `usedKeys` holds default, bounds and help. */
export interface BrokerConfigValues {
  brokerName: string
  brokerClusterName: string
  brokerId: number
  namesrvAddr: string
  listenPort: number
  bindAddress: string
  brokerIP1: string
  brokerIP2: string
  haListenPort: number
  brokerRole: BrokerRole
  regionId: string
  traceOn: boolean

  brokerPermission: number
  defaultTopicQueueNums: number
  autoCreateTopicEnable: boolean
  autoCreateSubscriptionGroup: boolean
  clusterTopicEnable: boolean
  brokerTopicEnable: boolean
  traceTopicEnable: boolean
  msgTraceTopicName: string
  reviveQueueNum: number
  validateSystemTopicWhenUpdateTopic: boolean
  enableMixedMessageType: boolean
  clearRetryTopicWhenDeleteTopic: boolean
  enableCreateSysGroup: boolean
  enableSplitMetadata: boolean
  splitMetadataSize: number

  rejectTransactionMessage: boolean
  startAcceptSendRequestTimeStamp: number
  maxMessageSize: number

  storeReplyMessageEnable: boolean
  transactionTimeOut: number
  transactionCheckMax: number
  transactionCheckInterval: number
  transactionOpMsgMaxSize: number
  transactionOpBatchInterval: number

  litePullMessageEnable: boolean
  longPollingEnable: boolean
  shortPollingTimeMills: number
  enablePropertyFilter: boolean
  rejectPullConsumerEnable: boolean
  maxTransferBytesOnMessageInMemory: number
  maxTransferCountOnMessageInMemory: number
  maxTransferBytesOnMessageInDisk: number
  maxTransferCountOnMessageInDisk: number
  pullBatchMaxMessageCount: number
  defaultQueryMaxNum: number

  notifyConsumerIdsChangedEnable: boolean
  enableRegisterProducer: boolean
  channelExpiredTimeout: number
  subscriptionExpiredTimeout: number
  flushConsumerOffsetInterval: number
  consumerOffsetUpdateVersionStep: number
  useServerSideResetOffset: boolean
  messageDelayLevel: string
  flushDelayOffsetInterval: number
  delayOffsetUpdateVersionStep: number

  registerNameServerPeriod: number
  registerBrokerTimeoutMills: number
  compressedRegister: boolean

  brokerFastFailureEnable: boolean
  waitTimeMillsInSendQueue: number
  waitTimeMillsInPullQueue: number
  waitTimeMillsInHeartbeatQueue: number
  waitTimeMillsInAckQueue: number
  waitTimeMillsInAdminBrokerQueue: number
  serverChannelMaxIdleTimeSeconds: number
  clientChannelMaxIdleTimeSeconds: number
  connectTimeoutMillis: number
  useTLS: boolean
  drainLingerMillis: number

  storePathRootDir: string
  storePathCommitLog: string
  mappedFileSizeCommitLog: number
  mappedFileSizeConsumeQueue: number
  flushDiskType: FlushDiskType
  syncFlushTimeout: number
  flushIntervalCommitLog: number
  flushCommitLogThoroughInterval: number
  flushIntervalConsumeQueue: number
  messageIndexEnable: boolean
  maxHashSlotNum: number
  maxIndexNum: number
  deleteWhen: string
  fileReservedTime: number
  diskMaxUsedSpaceRatio: number
  diskSpaceCleanForciblyRatio: number
  diskSpaceWarningLevelRatio: number
  cleanFileForciblyEnable: boolean
  cleanResourceInterval: number

  haMasterAddress: string
  haSendHeartbeatInterval: number
  haHousekeepingInterval: number
  haTransferBatchSize: number
  haMaxGapNotInSync: number
  slaveTimeout: number
  inSyncReplicas: number
  minInSyncReplicas: number
  haFlowControlEnable: boolean
  maxHaTransferByteInSecond: number
  syncFromLastFile: boolean
  slaveReadEnable: boolean
  offsetCheckInSlave: boolean
  accessMessageInMemoryMaxRatio: number
  haAllowedPeers: string
  haSharedSecret: string
  haPeerProtocol: HaPeerProtocol
  haDivergedTailMax: number
  haMetadataIntervalMs: number
  haTransferFromLastFile: boolean
  autoCreateTopicOnAllMasters: boolean

  topicsMax: number
  queuesMax: number
  groupsMax: number
  offsetsMax: number
  parkedPullsMax: number
  parkedPullsPerConnectionMax: number
  filterExpressionSizeMax: number
  filterCacheMax: number
  scheduleInFlightMax: number
  registrationsPerConnectionMax: number
  transactionsPendingMax: number
  transactionChecksPerRoundMax: number
}
