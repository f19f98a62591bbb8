import { type BodyCodec, list, mapOf, nullable, record, text } from './codec.ts'

/** A list of topics: 206, 224, 304, 305, 311–313, 343. */
export interface TopicList {
  topicList: string[]
  /** Only 304 and 305 say one. */
  brokerAddr: string | null
}
export const TopicList: BodyCodec<TopicList> = record<TopicList>({
  topicList: list(text()),
  brokerAddr: nullable(text()),
})

/** QUERY_TOPIC_CONSUME_BY_WHO (300). */
export interface GroupList {
  groupList: string[]
}
export const GroupList: BodyCodec<GroupList> = record<GroupList>({ groupList: list(text()) })

/** A table of texts: REGISTER_BROKER (103), GET_KVLIST_BY_NAMESPACE (219), GET_BROKER_RUNTIME_INFO (28). */
export interface KVTable {
  table: Map<string, string>
}
export const KVTable: BodyCodec<KVTable> = record<KVTable>({ table: mapOf(text()) })

/** GET_CONSUMER_LIST_BY_GROUP (38): client ids. */
export interface GetConsumerListByGroupResponseBody {
  consumerIdList: string[]
}
export const GetConsumerListByGroupResponseBody: BodyCodec<GetConsumerListByGroupResponseBody> =
  record<GetConsumerListByGroupResponseBody>({ consumerIdList: list(text()) })
