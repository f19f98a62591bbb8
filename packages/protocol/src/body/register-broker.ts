import { constants, crc32, deflateSync, inflateSync } from 'node:zlib'
import { type Decoded, Malformed, readInt32, writeInt32 } from '@apogee/base'
import { VersionGate } from '../code/version.ts'
import { type BodyCodec, decodeBody, encodeBody, list, mapOf, record, text } from './codec.ts'
import { TopicQueueMappingDetail, TopicQueueMappingInfo } from './queue-mapping.ts'
import {
  DataVersion,
  decodeTopicConfigText,
  encodeTopicConfigText,
  TopicConfig,
} from './topic-config.ts'

/** Part of REGISTER_BROKER (103), and the answer to GET_ALL_TOPIC_CONFIG (21) since 5.0. */
export interface TopicConfigAndMappingSerializeWrapper {
  topicConfigTable: Map<string, TopicConfig>
  dataVersion: DataVersion
  topicQueueMappingInfoMap: Map<string, TopicQueueMappingInfo>
  topicQueueMappingDetailMap: Map<string, TopicQueueMappingDetail>
  mappingDataVersion: DataVersion
}
export const TopicConfigAndMappingSerializeWrapper: BodyCodec<TopicConfigAndMappingSerializeWrapper> =
  record<TopicConfigAndMappingSerializeWrapper>({
    topicConfigTable: mapOf(TopicConfig),
    dataVersion: DataVersion,
    topicQueueMappingInfoMap: mapOf(TopicQueueMappingInfo),
    topicQueueMappingDetailMap: mapOf(TopicQueueMappingDetail),
    mappingDataVersion: DataVersion,
  })

/** REGISTER_BROKER (103). */
export interface RegisterBrokerBody {
  topicConfigSerializeWrapper: TopicConfigAndMappingSerializeWrapper
  filterServerList: string[]
}
export const RegisterBrokerBody: BodyCodec<RegisterBrokerBody> = record<RegisterBrokerBody>({
  topicConfigSerializeWrapper: TopicConfigAndMappingSerializeWrapper,
  filterServerList: list(text()),
})

const FilterServers: BodyCodec<string[]> = list(text())

/** The `bodyCrc32` of a registration, over the body as it is sent; the receiver does not check 0. */
export function registerBodyCrc32(body: Uint8Array): number {
  return crc32(body) & 0x7fffffff
}

/**
 * Encodes a registration: JSON, or compressed by zlib
 *
 *   | size i32 | DataVersion JSON | topic count i32 | { size i32 | topic text }… |
 *   | size i32 | filter servers JSON | mapping count i32 | { size i32 | mapping JSON }… |
 */
export function encodeRegisterBrokerBody(body: RegisterBrokerBody, compressed: boolean): Buffer {
  if (!compressed) return encodeBody(RegisterBrokerBody, body)
  const wrapper = body.topicConfigSerializeWrapper
  const parts: Buffer[] = []
  addSized(parts, encodeBody(DataVersion, wrapper.dataVersion))
  addInt(parts, wrapper.topicConfigTable.size)
  for (const topic of wrapper.topicConfigTable.values()) {
    addSized(parts, Buffer.from(encodeTopicConfigText(topic)))
  }
  addSized(parts, encodeBody(FilterServers, body.filterServerList))
  addInt(parts, wrapper.topicQueueMappingInfoMap.size)
  for (const mapping of wrapper.topicQueueMappingInfoMap.values()) {
    addSized(parts, encodeBody(TopicQueueMappingInfo, mapping))
  }
  return deflateSync(Buffer.concat(parts), { level: constants.Z_BEST_COMPRESSION })
}

function addInt(parts: Buffer[], value: number): void {
  const bytes = Buffer.allocUnsafe(4)
  writeInt32(bytes, 0, value)
  parts.push(bytes)
}

function addSized(parts: Buffer[], bytes: Buffer): void {
  addInt(parts, bytes.length)
  parts.push(bytes)
}

/** A topic in a plain registration: its key and its members, and room for attributes. */
const VALUES_PER_TOPIC = 12
/** A topic takes some 150 bytes: what is denser is no registration, and would only cost time. */
const BYTES_PER_VALUE = 8
/** The data version, the list of filter servers, one mapping: small things. */
const PART_VALUES_MAX = 10_000

export interface RegisterBrokerLimits {
  /** Bytes that a compressed body may grow to. Default 16 MiB. */
  readonly inflatedMax?: number
  /** Topics of one broker. Default 100,000. */
  readonly topicsMax?: number
}

/**
 * Decodes a registration from a broker of the given version (its frame's). Codes: BODY_COMPRESSION_INVALID, BODY_TOO_LARGE
 * (inflates beyond the limit), BODY_INVALID, TOPIC_CONFIG_INVALID, and those of `decodeBody`.
 */
export function decodeRegisterBrokerBody(
  bytes: Uint8Array,
  compressed: boolean,
  brokerVersion: number,
  limits: RegisterBrokerLimits = {},
): Decoded<RegisterBrokerBody> {
  const topicsMax = limits.topicsMax ?? 100_000
  if (!compressed) {
    const dense = PART_VALUES_MAX + Math.floor(bytes.length / BYTES_PER_VALUE)
    const valuesMax = Math.min(topicsMax * VALUES_PER_TOPIC, dense)
    return decodeBody(RegisterBrokerBody, bytes, { valuesMax })
  }
  const inflated = inflate(bytes, limits.inflatedMax ?? 16 * 1024 * 1024)
  if (inflated instanceof Malformed) return inflated
  return new Reader(inflated, topicsMax).read(brokerVersion)
}

function inflate(bytes: Uint8Array, outputMax: number): Decoded<Buffer> {
  try {
    return inflateSync(bytes, { maxOutputLength: outputMax })
  } catch (error) {
    const code = (error as { code?: string }).code ?? ''
    return code === 'ERR_BUFFER_TOO_LARGE'
      ? new Malformed('BODY_TOO_LARGE', `inflates beyond ${outputMax} bytes`)
      : new Malformed('BODY_COMPRESSION_INVALID', code)
  }
}

/** Reads the inflated form; every size is checked against what is left. */
class Reader {
  private readonly bytes: Buffer
  private readonly topicsMax: number
  private at = 0

  constructor(bytes: Buffer, topicsMax: number) {
    this.bytes = bytes
    this.topicsMax = topicsMax
  }

  read(brokerVersion: number): Decoded<RegisterBrokerBody> {
    const dataVersion = this.part(DataVersion)
    if (dataVersion instanceof Malformed) return dataVersion
    const topicConfigTable = this.topics()
    if (topicConfigTable instanceof Malformed) return topicConfigTable
    const filterServerList = this.part(FilterServers)
    if (filterServerList instanceof Malformed) return filterServerList
    const mapped = brokerVersion >= VersionGate.REGISTER_QUEUE_MAPPINGS
    const topicQueueMappingInfoMap = mapped ? this.mappings() : new Map()
    if (topicQueueMappingInfoMap instanceof Malformed) return topicQueueMappingInfoMap
    return {
      topicConfigSerializeWrapper: {
        topicConfigTable,
        dataVersion,
        topicQueueMappingInfoMap,
        topicQueueMappingDetailMap: new Map(),
        mappingDataVersion: { stateVersion: 0, timestamp: 0, counter: 0 },
      },
      filterServerList,
    }
  }

  private topics(): Decoded<Map<string, TopicConfig>> {
    const table = new Map<string, TopicConfig>()
    const count = this.int()
    if (count > this.topicsMax) return this.tooMany(count)
    for (let i = 0; i < count; i++) {
      const bytes = this.sized()
      if (bytes === null) return this.cut()
      const topic = decodeTopicConfigText(bytes.toString())
      if (topic instanceof Malformed) return topic
      table.set(topic.topicName, topic)
    }
    return count < 0 ? this.cut() : table
  }

  private mappings(): Decoded<Map<string, TopicQueueMappingInfo>> {
    const map = new Map<string, TopicQueueMappingInfo>()
    const count = this.int()
    if (count > this.topicsMax) return this.tooMany(count)
    for (let i = 0; i < count; i++) {
      const mapping = this.part(TopicQueueMappingInfo)
      if (mapping instanceof Malformed) return mapping
      map.set(mapping.topic, mapping)
    }
    return count < 0 ? this.cut() : map
  }

  private part<T>(codec: BodyCodec<T>): Decoded<T> {
    const bytes = this.sized()
    return bytes === null ? this.cut() : decodeBody(codec, bytes, { valuesMax: PART_VALUES_MAX })
  }

  private tooMany(count: number): Malformed {
    return new Malformed('BODY_TOO_LARGE', `${count} topics, at most ${this.topicsMax}`)
  }

  /** −1 when there are no four bytes left. */
  private int(): number {
    if (this.at + 4 > this.bytes.length) return -1
    this.at += 4
    return readInt32(this.bytes, this.at - 4)
  }

  private sized(): Buffer | null {
    const size = this.int()
    if (size < 0 || size > this.bytes.length - this.at) return null
    this.at += size
    return this.bytes.subarray(this.at - size, this.at)
  }

  private cut(): Malformed {
    return new Malformed('BODY_INVALID', `registration ends at byte ${this.at}`)
  }
}
