import type { AdminCommand } from '../command.ts'
import { getBrokerConfig, updateBrokerConfig } from './broker/broker-config.ts'
import { brokerConsumeStats } from './broker/broker-consume-stats.ts'
import { brokerStatus } from './broker/broker-status.ts'
import { haStatus } from './broker/ha-status.ts'
import { cleanExpiredCq, cleanUnusedTopic, deleteExpiredCommitLog } from './broker/housekeeping.ts'
import { sendMsgStatus } from './broker/send-msg-status.ts'
import { clientList, producer, producerConnection, producerList } from './client/producers.ts'
import { clusterList } from './cluster/cluster-list.ts'
import { clusterReplicas } from './cluster/cluster-replicas.ts'
import { clusterRt } from './cluster/cluster-rt.ts'
import { exportConfigs } from './export/export-configs.ts'
import { exportMetadata } from './export/export-metadata.ts'
import { exportMetrics } from './export/export-metrics.ts'
import { consumerConnection } from './group/consumer-connection.ts'
import { consumerProgress, groupLag } from './group/consumer-progress.ts'
import { consumerStatus } from './group/consumer-status.ts'
import { deleteSubGroup } from './group/delete-sub-group.ts'
import { getConsumerConfig } from './group/group-describe.ts'
import { groupList } from './group/group-list.ts'
import { groupWhy } from './group/group-why.ts'
import { startMonitoring } from './group/start-monitoring.ts'
import { updateSubGroup } from './group/update-sub-group.ts'
import { updateSubGroupList } from './group/update-sub-group-list.ts'
import { consumeMessage } from './message/consume-message.ts'
import { decodeMessageId } from './message/decode-message-id.ts'
import { dlqList, dlqResend } from './message/dlq.ts'
import { messageFind, messageResend, messageShow } from './message/message-find.ts'
import { printMsg, printMsgByQueue } from './message/print-msg.ts'
import { queryMsgById, queryMsgByUniqueKey } from './message/query-by-id.ts'
import { queryMsgByKey, queryMsgByOffset, queryMsgTraceById } from './message/query-by-key.ts'
import { checkMsgSendRt, sendMessage } from './message/send-message.ts'
import { deleteKvConfig, kvGet, kvList, updateKvConfig } from './namesrv/kv.ts'
import { getNamesrvConfig, updateNamesrvConfig } from './namesrv/namesrv-config.ts'
import { addWritePerm, wipeWritePerm } from './namesrv/write-perm.ts'
import { cloneGroupOffset } from './offset/clone-group-offset.ts'
import { getConsumerStatus } from './offset/get-consumer-status.ts'
import {
  groupResetOffset,
  resetOffsetByTime,
  skipAccumulatedMessage,
} from './offset/reset-offset.ts'
import { queryCq } from './stats/query-cq.ts'
import { statsAll } from './stats/stats-all.ts'
import { allocateMq } from './topic/allocate-mq.ts'
import { deleteTopic } from './topic/delete-topic.ts'
import { topicClusterList } from './topic/topic-clusters.ts'
import { topicDescribe } from './topic/topic-describe.ts'
import { nounTopicList, topicList } from './topic/topic-list.ts'
import { topicRoute } from './topic/topic-route.ts'
import { topicStatus } from './topic/topic-status.ts'
import { updateOrderConf } from './topic/update-order-conf.ts'
import { updateTopic } from './topic/update-topic.ts'
import { updateTopicList } from './topic/update-topic-list.ts'
import { updateTopicPerm } from './topic/update-topic-perm.ts'

/** Every command, by noun in the order of help. */
export const adminCommands: readonly AdminCommand[] = [
  clusterList,
  clusterReplicas,
  clusterRt,
  brokerStatus,
  haStatus,
  getBrokerConfig,
  updateBrokerConfig,
  brokerConsumeStats,
  sendMsgStatus,
  cleanExpiredCq,
  deleteExpiredCommitLog,
  cleanUnusedTopic,
  wipeWritePerm,
  addWritePerm,
  topicList,
  nounTopicList,
  updateTopic,
  updateTopicList,
  deleteTopic,
  topicDescribe,
  topicRoute,
  topicStatus,
  topicClusterList,
  updateTopicPerm,
  updateOrderConf,
  allocateMq,
  statsAll,
  queryCq,
  groupList,
  updateSubGroup,
  updateSubGroupList,
  deleteSubGroup,
  getConsumerConfig,
  groupLag,
  consumerProgress,
  groupWhy,
  consumerConnection,
  consumerStatus,
  startMonitoring,
  groupResetOffset,
  resetOffsetByTime,
  skipAccumulatedMessage,
  cloneGroupOffset,
  getConsumerStatus,
  messageFind,
  messageShow,
  messageResend,
  sendMessage,
  checkMsgSendRt,
  consumeMessage,
  printMsg,
  printMsgByQueue,
  queryMsgById,
  queryMsgByUniqueKey,
  queryMsgByKey,
  queryMsgByOffset,
  queryMsgTraceById,
  decodeMessageId,
  dlqList,
  dlqResend,
  producerConnection,
  producer,
  producerList,
  clientList,
  updateKvConfig,
  deleteKvConfig,
  kvGet,
  kvList,
  getNamesrvConfig,
  updateNamesrvConfig,
  exportMetadata,
  exportConfigs,
  exportMetrics,
]
