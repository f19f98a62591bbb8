import { type Decoded, Malformed } from '@apogee/base'
import {
  type BodyCodec,
  bool,
  decodeBody,
  encodeBody,
  int,
  list,
  long,
  mapOf,
  name,
  nullable,
  record,
  text,
} from './codec.ts'
import { TopicQueueMappingDetail } from './queue-mapping.ts'

/**
 * Which of two copies is newer (Java: DataVersion): equal only in all three, ordered by stateVersion, counter,
 * timestamp.
 */
export interface DataVersion {
  stateVersion: number
  /** Wall clock, milliseconds. */
  timestamp: number
  counter: number
}
export const DataVersion: BodyCodec<DataVersion> = record<DataVersion>({
  stateVersion: long(),
  timestamp: long(),
  counter: long(),
})

export type TopicFilterType = 'SINGLE_TAG' | 'MULTI_TAG'
const FILTER_TYPES: readonly TopicFilterType[] = ['SINGLE_TAG', 'MULTI_TAG']

/** Java: TopicConfig. */
export interface TopicConfig {
  topicName: string
  readQueueNums: number
  writeQueueNums: number
  /** Bits of PermName: 4 read, 2 write, 1 inherit. */
  perm: number
  topicFilterType: TopicFilterType
  topicSysFlag: number
  order: boolean
  attributes: Map<string, string>
}

const topicConfigMembers = {
  topicName: text(),
  readQueueNums: int(16),
  writeQueueNums: int(16),
  perm: int(6),
  topicFilterType: name(FILTER_TYPES, 'SINGLE_TAG'),
  topicSysFlag: int(),
  order: bool(),
  attributes: mapOf(text()),
}
export const TopicConfig: BodyCodec<TopicConfig> = record<TopicConfig>(topicConfigMembers)

/** GET_TOPIC_CONFIG (351): a topic and, for a static one, where its queues are. */
export interface TopicConfigAndQueueMapping extends TopicConfig {
  mappingDetail: TopicQueueMappingDetail | null
}
export const TopicConfigAndQueueMapping: BodyCodec<TopicConfigAndQueueMapping> =
  record<TopicConfigAndQueueMapping>({
    ...topicConfigMembers,
    mappingDetail: nullable(TopicQueueMappingDetail),
  })

/** config/topics.json, and GET_ALL_TOPIC_CONFIG (21) of 4.x; 5.x answers a TopicConfigAndMappingSerializeWrapper. */
export interface TopicConfigSerializeWrapper {
  topicConfigTable: Map<string, TopicConfig>
  dataVersion: DataVersion
}
export const TopicConfigSerializeWrapper: BodyCodec<TopicConfigSerializeWrapper> =
  record<TopicConfigSerializeWrapper>({
    topicConfigTable: mapOf(TopicConfig),
    dataVersion: DataVersion,
  })

/** UPDATE_AND_CREATE_TOPIC_LIST (18). */
export interface CreateTopicListRequestBody {
  topicConfigList: TopicConfig[]
}
export const CreateTopicListRequestBody: BodyCodec<CreateTopicListRequestBody> =
  record<CreateTopicListRequestBody>({ topicConfigList: list(TopicConfig) })

const Attributes: BodyCodec<Map<string, string>> = mapOf(text())

/** A topic as compressed registrations carry it: `name readQueues writeQueues perm filterType attributesJson`. */
export function encodeTopicConfigText(topic: TopicConfig): string {
  const attributes = encodeBody(Attributes, topic.attributes).toString()
  const { topicName, readQueueNums, writeQueueNums, perm, topicFilterType } = topic
  return `${topicName} ${readQueueNums} ${writeQueueNums} ${perm} ${topicFilterType} ${attributes}`
}

/**
 * The reverse. Older peers leave the attributes out; attributes that are not JSON count as none, as in Java. Code:
 * TOPIC_CONFIG_INVALID.
 */
export function decodeTopicConfigText(line: string): Decoded<TopicConfig> {
  const parts = line.split(' ')
  const [topicName, reads, writes, perm, filterType] = parts
  const numbers = [reads, writes, perm].map((part) =>
    /^-?[0-9]{1,10}$/.test(part ?? '') ? Number(part) : Number.NaN,
  )
  const topicFilterType = FILTER_TYPES.find((known) => known === filterType)
  const fits = numbers.every((value) => value === (value | 0))
  if (!topicName || !fits || topicFilterType === undefined) {
    return new Malformed('TOPIC_CONFIG_INVALID', line.slice(0, 120))
  }
  const attributes = decodeBody(Attributes, Buffer.from(parts.slice(5).join(' ')))
  return {
    topicName,
    readQueueNums: numbers[0]!,
    writeQueueNums: numbers[1]!,
    perm: numbers[2]!,
    topicFilterType,
    topicSysFlag: 0,
    order: false,
    attributes: attributes instanceof Malformed ? new Map() : attributes,
  }
}
