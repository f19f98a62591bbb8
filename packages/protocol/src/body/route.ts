import {
  type BodyCodec,
  bool,
  int,
  intMapOf,
  list,
  mapOf,
  nullable,
  record,
  text,
} from './codec.ts'
import { TopicQueueMappingInfo } from './queue-mapping.ts'

/** Java: QueueData. */
export interface QueueData {
  brokerName: string
  readQueueNums: number
  writeQueueNums: number
  perm: number
  topicSysFlag: number
}
export const QueueData: BodyCodec<QueueData> = record<QueueData>({
  brokerName: text(),
  readQueueNums: int(),
  writeQueueNums: int(),
  perm: int(),
  topicSysFlag: int(),
})

/** Java: BrokerData. */
export interface BrokerData {
  cluster: string
  brokerName: string
  /** Broker id → address; 0 is the master. */
  brokerAddrs: Map<number, string>
  zoneName: string | null
  enableActingMaster: boolean
}
export const BrokerData: BodyCodec<BrokerData> = record<BrokerData>({
  cluster: text(),
  brokerName: text(),
  brokerAddrs: intMapOf(text()),
  zoneName: nullable(text()),
  enableActingMaster: bool(),
})

/** GET_ROUTEINFO_BY_TOPIC (105), REGISTER_TOPIC_IN_NAMESRV (217). */
export interface TopicRouteData {
  orderTopicConf: string | null
  queueDatas: QueueData[]
  brokerDatas: BrokerData[]
  filterServerTable: Map<string, string[]>
  topicQueueMappingByBroker: Map<string, TopicQueueMappingInfo> | null
}
export const TopicRouteData: BodyCodec<TopicRouteData> = record<TopicRouteData>({
  orderTopicConf: nullable(text()),
  queueDatas: list(QueueData),
  brokerDatas: list(BrokerData),
  filterServerTable: mapOf(list(text())),
  topicQueueMappingByBroker: nullable(mapOf(TopicQueueMappingInfo)),
})

/** GET_BROKER_CLUSTER_INFO (106). */
export interface ClusterInfo {
  /** By broker name. */
  brokerAddrTable: Map<string, BrokerData>
  /** Cluster name → broker names. */
  clusterAddrTable: Map<string, string[]>
}
export const ClusterInfo: BodyCodec<ClusterInfo> = record<ClusterInfo>({
  brokerAddrTable: mapOf(BrokerData),
  clusterAddrTable: mapOf(list(text())),
})

/** Java: BrokerMemberGroup. */
export interface BrokerMemberGroup {
  cluster: string
  brokerName: string
  brokerAddrs: Map<number, string>
}
export const BrokerMemberGroup: BodyCodec<BrokerMemberGroup> = record<BrokerMemberGroup>({
  cluster: text(),
  brokerName: text(),
  brokerAddrs: intMapOf(text()),
})

/** GET_BROKER_MEMBER_GROUP (901). */
export interface GetBrokerMemberGroupResponseBody {
  brokerMemberGroup: BrokerMemberGroup | null
}
export const GetBrokerMemberGroupResponseBody: BodyCodec<GetBrokerMemberGroupResponseBody> =
  record<GetBrokerMemberGroupResponseBody>({ brokerMemberGroup: nullable(BrokerMemberGroup) })
