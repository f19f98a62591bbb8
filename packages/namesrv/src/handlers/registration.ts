import { type Decoded, isMalformed } from '@apogee/base'
import {
  type DataVersion,
  decodeBody,
  decodeRegisterBrokerBody,
  type TopicConfig,
  TopicConfigSerializeWrapper,
  type TopicQueueMappingInfo,
  VersionGate,
} from '@apogee/protocol'
import type { BrokerRegistration } from '../core/route-types.ts'

/** What the body of a REGISTER_BROKER brings. */
export type RegistrationContent = Pick<
  BrokerRegistration,
  'dataVersion' | 'topics' | 'topicQueueMappings' | 'filterServers'
>

const NO_VERSION: DataVersion = { stateVersion: 0, timestamp: 0, counter: 0 }

/**
 * Reads the body of a registration, in the form of the broker's version: none, topics only (before
 * 3.0.11), or topics with filter servers and queue mappings, plain or compressed. The result holds
 * nothing of the receive buffer.
 */
export function decodeRegistration(
  body: Buffer,
  compressed: boolean,
  brokerVersion: number,
): Decoded<RegistrationContent> {
  const isOld = brokerVersion < VersionGate.REGISTER_BODY
  if (body.length === 0) return contentOf([], NO_VERSION, [], isOld ? null : [])
  if (isOld) {
    const wrapper = decodeBody(TopicConfigSerializeWrapper, body)
    if (isMalformed(wrapper)) return wrapper
    return contentOf(wrapper.topicConfigTable.values(), wrapper.dataVersion, [], null)
  }
  const decoded = decodeRegisterBrokerBody(body, compressed, brokerVersion)
  if (isMalformed(decoded)) return decoded
  const { topicConfigTable, dataVersion, topicQueueMappingInfoMap } =
    decoded.topicConfigSerializeWrapper
  const mappings = topicQueueMappingInfoMap.values()
  return contentOf(topicConfigTable.values(), dataVersion, mappings, decoded.filterServerList)
}

function contentOf(
  topics: Iterable<TopicConfig>,
  dataVersion: DataVersion,
  mappings: Iterable<TopicQueueMappingInfo>,
  filterServers: readonly string[] | null,
): RegistrationContent {
  return { topics: [...topics], dataVersion, topicQueueMappings: [...mappings], filterServers }
}
