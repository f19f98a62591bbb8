export {
  BATCH_BAD_SIZE,
  BATCH_ENTRY_MIN_SIZE,
  BATCH_OK,
  BATCH_SHORT,
  BatchEntryView,
  type BatchLimits,
  type BatchMessage,
  checkBatch,
  decodeBatch,
  encodeBatch,
  inspectBatchEntry,
} from './batch.ts'
export { bodyCrc } from './body-crc.ts'
export { compress, decompress, plainBody, shownBody } from './compression.ts'
export { DEFAULT_DELAY_LEVELS, DelayLevels, parseDelayLevels } from './delay-level.ts'
export {
  addressBytes,
  formatAddress,
  formatHost,
  type Host,
  hostBytes,
  parseHost,
  readHost,
} from './host.ts'
export { decodeLz4Frame, encodeLz4Frame } from './lz4-frame.ts'
export { KEY_SEPARATOR, MessageConst, splitKeys } from './message-const.ts'
export {
  formatOffsetMsgId,
  type OffsetMsgId,
  offsetMsgIdSize,
  parseOffsetMsgId,
  writeOffsetMsgId,
} from './message-id.ts'
export {
  formatPerm,
  isInherited,
  isReadable,
  isValidPerm,
  isWriteable,
  PermName,
} from './perm-name.ts'
export {
  formatProperties,
  NAME_VALUE_SEPARATOR,
  PROPERTY_SEPARATOR,
  parseProperties,
  propertyFits,
} from './properties.ts'
export {
  copyProperties,
  findProperty,
  PropertyNameSet,
  PropertySlot,
  PropertySpan,
  PropertySpans,
  scanProperties,
  writeProperty,
} from './property-bytes.ts'
export {
  PROPERTY_CRC_ABSENT,
  PROPERTY_CRC_SIZE,
  propertyCrcHolds,
  readPropertyCrc,
  writePropertyCrc,
} from './property-crc.ts'
export {
  bodySizeOffset,
  bornHostSize,
  inspectRecord,
  PROPERTIES_MAX_SIZE,
  RECORD_BAD_MAGIC,
  RECORD_BAD_SIZE,
  RECORD_BLANK,
  RECORD_BLANK_MIN_SIZE,
  RECORD_BODY_CRC,
  RECORD_BORN_HOST,
  RECORD_BORN_TIMESTAMP,
  RECORD_EMPTY,
  RECORD_FLAG,
  RECORD_MAGIC,
  RECORD_MAGIC_BLANK,
  RECORD_MAGIC_V1,
  RECORD_MAGIC_V2,
  RECORD_MIN_SIZE,
  RECORD_OK,
  RECORD_PHYSICAL_OFFSET,
  RECORD_QUEUE_ID,
  RECORD_QUEUE_OFFSET,
  RECORD_SHORT,
  RECORD_SYS_FLAG,
  RECORD_TOTAL_SIZE,
  RECORD_V1_TOPIC_MAX_SIZE,
  RecordFields,
  RecordView,
  recordCrcHolds,
  recordSize,
  recordVersionFor,
  storeHostSize,
  storeTimestampOffset,
  writeRecordFields,
  writeRecordTopic,
} from './record.ts'
export {
  decodeRecord,
  decodeRecords,
  encodeRecord,
  type MessageExt,
  offsetMsgIdOf,
  recordError,
} from './record-codec.ts'
export {
  CompressionType,
  compressionTypeOf,
  MessageSysFlag,
  PullSysFlag,
  transactionValueOf,
  withCompression,
  withTransactionValue,
} from './sys-flag.ts'
export { tagsCodeOf } from './tags-code.ts'
export {
  DLQ_GROUP_TOPIC_PREFIX,
  dlqTopicOf,
  GROUP_MAX_LENGTH,
  groupOfRetryOrDlqTopic,
  isDlqTopic,
  isNotAllowedSendTopic,
  isRetryTopic,
  isSystemGroup,
  isSystemTopic,
  LMQ_PREFIX,
  REPLY_TOPIC_POSTFIX,
  RETRY_GROUP_TOPIC_PREFIX,
  RETRY_OR_DLQ_TOPIC_MAX_LENGTH,
  replyTopicOf,
  retryTopicOf,
  SYSTEM_GROUP_PREFIX,
  SYSTEM_TOPIC_PREFIX,
  SystemTopic,
  TOPIC_MAX_LENGTH,
  validateGroup,
  validateTopic,
} from './topic.ts'
export { parseUniqKey, type UniqKeyParts, UniqKeySource, uniqKeyTimeMs } from './uniq-key.ts'
