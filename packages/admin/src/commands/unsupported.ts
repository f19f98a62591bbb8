/** A command of mqadmin that cannot be had here, and why. */
export interface UnsupportedCommand {
  readonly name: string
  readonly reason: string
}

const STATIC_TOPICS = 'static topics (logical queues) are not served: request code 513'
const POP = 'POP consumption is not served: request codes 401 and 200050 to 200056'
const CONTROLLER =
  'there is no controller: request codes 1001 to 1013; masters do not change over by it'
const CONTAINER =
  'there is no broker container: request codes 902 and 903; start one process a broker'
const FLUSH_OFFSET =
  'slaves keep no flush offset of their master, so there is none to reset: request code 908'
const EPOCH = 'logs have no epochs: these belong to controller mode: request code 1007'
const COLD_DATA = 'there is no control of cold reads: request codes 2001 to 2004'
const ROCKSDB = 'queues and configuration are never in RocksDB: request codes 354 and 355'
const ACL = 'users and access rules (ACL 2) are not served yet: request codes 3001 to 3010'
const LITE = 'lite topics are not served: they live in RocksDB'
const TIMER = 'there is one timer engine: nothing to switch'
const COMPACTION = 'there are no compaction topics, so no compaction log'

function each(reason: string, ...names: readonly string[]): UnsupportedCommand[] {
  return names.map((name) => ({ name, reason }))
}

/** Every other command that mqadmin of RocketMQ 5.5.0 registers: the program says why instead of "unknown command". */
export const unsupportedCommands: readonly UnsupportedCommand[] = [
  ...each(STATIC_TOPICS, 'updateStaticTopic', 'remappingStaticTopic'),
  ...each(POP, 'setConsumeMode', 'exportPopRecord'),
  ...each(
    CONTROLLER,
    'getSyncStateSet',
    'getControllerMetaData',
    'getControllerConfig',
    'updateControllerConfig',
    'electMaster',
    'cleanBrokerMetadata',
  ),
  ...each(CONTAINER, 'addBroker', 'removeBroker'),
  ...each(FLUSH_OFFSET, 'resetMasterFlushOffset'),
  ...each(EPOCH, 'getBrokerEpoch'),
  ...each(
    COLD_DATA,
    'getColdDataFlowCtrInfo',
    'updateColdDataFlowCtrGroupConfig',
    'removeColdDataFlowCtrGroupConfig',
    'setCommitLogReadAheadMode',
  ),
  ...each(ROCKSDB, 'checkRocksdbCqWriteProgress', 'exportMetadataInRocksDB', 'rocksDBConfigToJson'),
  ...each(
    LITE,
    'getBrokerLiteInfo',
    'getLiteClientInfo',
    'getLiteGroupInfo',
    'getLiteTopicInfo',
    'getParentTopicInfo',
    'triggerLiteDispatch',
  ),
  ...each(TIMER, 'switchTimerEngine'),
  ...each(COMPACTION, 'dumpCompactionLog'),
  ...each(
    ACL,
    'createUser',
    'updateUser',
    'deleteUser',
    'getUser',
    'listUser',
    'copyUser',
    'createAcl',
    'updateAcl',
    'deleteAcl',
    'getAcl',
    'listAcl',
    'copyAcl',
  ),
]
