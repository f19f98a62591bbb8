import { ApogeeError, isMalformed } from '@apogee/base'
import {
  type BodyCodec,
  ConsumerOffsetSerializeWrapper,
  type DataVersion,
  DelayOffsetSerializeWrapper,
  decodeBody,
  SubscriptionGroupWrapper,
  TopicConfigSerializeWrapper,
} from '@apogee/protocol'
import type { ConsumerOffsetManager, LoadedOffsets } from '../offset/consumer-offset-manager.ts'
import type { ScheduleMessageService } from '../schedule/schedule-message-service.ts'
import type { SlaveOffsets } from '../slave/slave-offsets.ts'
import type { SubscriptionGroupManager } from '../subscription/subscription-group-manager.ts'
import type { DeletedTopics } from '../topic/deleted-topics.ts'
import { TopicConfig } from '../topic/topic-config.ts'
import type { TopicConfigManager } from '../topic/topic-config-manager.ts'
import { prettyFastjson } from './pretty-json.ts'

/** A table in config/<name>.json. */
export interface PersistedTable {
  readonly name: string
  encode(): string
  /** Throws what `decodeBody` says: the file is damaged. */
  decode(text: string): void
}

/** config/topics.json. */
export function topicTable(topics: TopicConfigManager): PersistedTable {
  return {
    name: 'topics',
    encode: () => encode(TopicConfigSerializeWrapper, topicWrapper(topics)),
    decode: (text) => {
      const { topicConfigTable, dataVersion } = decode(TopicConfigSerializeWrapper, text)
      const loaded = [...topicConfigTable.values()].filter((topic) => topic.topicName !== '')
      topics.load(
        loaded.map((topic) => new TopicConfig(topic.topicName, topic)),
        given(dataVersion),
      )
    },
  }
}

/** All topics, as files and peers take them. */
export function topicWrapper(topics: TopicConfigManager): TopicConfigSerializeWrapper {
  const topicConfigTable = new Map([...topics.all()].map((topic) => [topic.topicName, topic]))
  return { topicConfigTable, dataVersion: topics.dataVersion }
}

/** config/subscriptionGroup.json. */
export function groupTable(groups: SubscriptionGroupManager): PersistedTable {
  return {
    name: 'subscriptionGroup',
    encode: () => encode(SubscriptionGroupWrapper, groupWrapper(groups)),
    decode: (text) => {
      const wrapper = decode(SubscriptionGroupWrapper, text)
      const loaded = [...wrapper.subscriptionGroupTable.values()]
      groups.load(
        loaded.filter((group) => group.groupName !== ''),
        wrapper.forbiddenTable,
        given(wrapper.dataVersion),
      )
    },
  }
}

/** All groups, as files and peers take them. */
export function groupWrapper(groups: SubscriptionGroupManager): SubscriptionGroupWrapper {
  const forbidden = [...groups.allForbidden()].map(
    ([group, topics]) => [group, new Map(topics)] as const,
  )
  return {
    subscriptionGroupTable: new Map([...groups.all()].map((group) => [group.groupName, group])),
    forbiddenTable: new Map(forbidden),
    dataVersion: groups.dataVersion,
  }
}

/** config/consumerOffset.json. */
export function offsetTable(offsets: ConsumerOffsetManager): PersistedTable {
  return {
    name: 'consumerOffset',
    encode: () => encode(ConsumerOffsetSerializeWrapper, offsetWrapper(offsets)),
    decode: (text) => {
      const wrapper = decode(ConsumerOffsetSerializeWrapper, text)
      offsets.load(offsetEntries(wrapper.offsetTable), given(wrapper.dataVersion))
    },
  }
}

/** What `topic@group` keys of a file or a peer stand for; keys that are none are left out. */
export function offsetEntries(
  table: ReadonlyMap<string, ReadonlyMap<number, number>>,
): LoadedOffsets[] {
  return [...table].flatMap(([key, offsets]) => {
    const at = key.indexOf('@')
    if (at <= 0 || at === key.length - 1) return []
    return [{ topic: key.slice(0, at), group: key.slice(at + 1), offsets }]
  })
}

/** All offsets, as files and peers take them. */
export function offsetWrapper(offsets: ConsumerOffsetManager): ConsumerOffsetSerializeWrapper {
  const table = new Map<string, Map<number, number>>()
  for (const entry of offsets.all()) {
    table.set(`${entry.topic}@${entry.group}`, new Map(entry.offsets.entries()))
  }
  return { offsetTable: table, dataVersion: offsets.dataVersion }
}

/** config/delayOffset.json. */
export function delayTable(schedule: ScheduleMessageService): PersistedTable {
  return {
    name: 'delayOffset',
    encode: () => encode(DelayOffsetSerializeWrapper, delayWrapper(schedule)),
    decode: (text) => {
      const wrapper = decode(DelayOffsetSerializeWrapper, text)
      schedule.load(wrapper.offsetTable, given(wrapper.dataVersion))
    },
  }
}

/** Progress of all delay levels, as files and peers take it. */
export function delayWrapper(schedule: ScheduleMessageService): DelayOffsetSerializeWrapper {
  return { offsetTable: schedule.offsets(), dataVersion: schedule.dataVersion }
}

/**
 * config/slaveOffsets.json, which Apache does not have: what clients committed to a slave, in the form of
 * consumerOffset.json.
 */
export function slaveOffsetTable(committed: SlaveOffsets): PersistedTable {
  return {
    name: 'slaveOffsets',
    encode: () => {
      const offsetTable = new Map<string, Map<number, number>>()
      for (const { topic, group, queueId, offset } of committed.all()) {
        const key = `${topic}@${group}`
        const queues = offsetTable.get(key)
        if (queues === undefined) offsetTable.set(key, new Map([[queueId, offset]]))
        else queues.set(queueId, offset)
      }
      return encode(ConsumerOffsetSerializeWrapper, { offsetTable, dataVersion: null })
    },
    decode: (text) => {
      const { offsetTable } = decode(ConsumerOffsetSerializeWrapper, text)
      committed.load(offsetEntries(offsetTable))
    },
  }
}

/** config/deletedTopics.json, which Apache does not have: `{"deletedTopicTable":{"orders":4096}}`, log offsets by topic. */
export function deletedTopicTable(deleted: DeletedTopics): PersistedTable {
  return {
    name: 'deletedTopics',
    encode: () => prettyFastjson(new Map([['deletedTopicTable', new Map(deleted.entries())]])),
    decode: (text) => {
      const { deletedTopicTable: table } = JSON.parse(text) as { deletedTopicTable?: object }
      const entries = Object.entries(table ?? {}).filter(([, end]) => Number.isSafeInteger(end))
      deleted.load(entries as [string, number][])
    },
  }
}

function encode<T>(codec: BodyCodec<T>, value: T): string {
  return prettyFastjson(codec.encode(value))
}

function decode<T>(codec: BodyCodec<T>, text: string): T {
  const value = decodeBody(codec, Buffer.from(text, 'utf8'), { valuesMax: 50_000_000 })
  if (isMalformed(value)) throw new ApogeeError(value.code, value.detail)
  return value
}

/** Old files have no version. */
function given(version: DataVersion | null): DataVersion | null {
  return version === null || version.timestamp === 0 ? null : version
}
