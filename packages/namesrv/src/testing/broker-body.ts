import type { RegisterBrokerBody, TopicConfig } from '@apogee/protocol'

// For tests: the body of a registration as a broker makes it.

const NO_VERSION = { stateVersion: 0, timestamp: 0, counter: 0 }

export function brokerBody(topicNames: readonly string[], counter = 1): RegisterBrokerBody {
  return {
    topicConfigSerializeWrapper: {
      topicConfigTable: new Map(topicNames.map((name) => [name, topicConfig(name)])),
      dataVersion: { stateVersion: 0, timestamp: 1_700_000_000_000, counter },
      topicQueueMappingInfoMap: new Map(),
      topicQueueMappingDetailMap: new Map(),
      mappingDataVersion: NO_VERSION,
    },
    filterServerList: [],
  }
}

function topicConfig(topicName: string): TopicConfig {
  return {
    topicName,
    readQueueNums: 4,
    writeQueueNums: 4,
    perm: 6,
    topicFilterType: 'SINGLE_TAG',
    topicSysFlag: 0,
    order: false,
    attributes: new Map(),
  }
}

export function registerFields(
  brokerName: string,
  brokerAddr: string,
  more: Record<string, string> = {},
): Record<string, string> {
  return {
    brokerName,
    brokerAddr,
    clusterName: 'c',
    haServerAddr: `${brokerAddr}2`,
    brokerId: '0',
    ...more,
  }
}
