import { isMalformed, Malformed } from '@apogee/base'
import {
  CreateTopicListRequestBody,
  CreateTopicListRequestHeader,
  CreateTopicRequestHeader,
  DataVersion,
  DeleteTopicRequestHeader,
  decodeBody,
  encodeBody,
  encodeHeader,
  GetAllTopicConfigRequestHeader,
  GetAllTopicConfigResponseHeader,
  GetTopicConfigRequestHeader,
  HeartbeatRequestHeader,
  isValidPerm,
  RequestCode,
  ResponseCode,
  TopicConfigAndMappingSerializeWrapper,
  TopicConfigAndQueueMapping,
  TopicList,
  validateTopic,
} from '@apogee/protocol'
import { type Answer, type Handler, handler, type Request, refuse, success } from '@apogee/remoting'
import type { MessageStore } from '@apogee/store'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { ConsumerOffsetManager } from '../offset/consumer-offset-manager.ts'
import type { BrokerOuterApi } from '../outer/broker-outer-api.ts'
import type { TableFiles } from '../persist/table-files.ts'
import { answerTable, versionText } from '../slave/table-version.ts'
import type { BrokerStats } from '../stats/broker-stats.ts'
import { parseAttributeChanges } from '../topic/attributes.ts'
import type { DeletedTopics } from '../topic/deleted-topics.ts'
import type { TopicConfigManager, TopicUpdate } from '../topic/topic-config-manager.ts'
import { ADMIN, bodyOf, pageOf, whenSaved } from './admin-common.ts'

export interface TopicAdminDeps {
  config: BrokerConfig
  topics: TopicConfigManager
  offsets: ConsumerOffsetManager
  store: MessageStore
  stats: BrokerStats
  deleted: DeletedTopics
  files: Pick<TableFiles, 'topics' | 'offsets' | 'deletedTopics'>
  outer: Pick<BrokerOuterApi, 'told'>
}

const NO_VERSION: DataVersion = { stateVersion: 0, timestamp: 0, counter: 0 }

/**
 * UPDATE_AND_CREATE_TOPIC (17), UPDATE_AND_CREATE_TOPIC_LIST (18), GET_ALL_TOPIC_CONFIG (21), DELETE_TOPIC_IN_BROKER (215),
 * GET_SYSTEM_TOPIC_LIST_FROM_BROKER (305), CLEAN_UNUSED_TOPIC (316), GET_TOPIC_CONFIG (351); Java: AdminBrokerProcessor.
 * A change is answered when it is on disk and the NameServers have heard of it, so that who made a topic finds its route.
 */
export function topicAdminHandlers(deps: TopicAdminDeps): Handler[] {
  return [
    handler({
      ...ADMIN,
      code: RequestCode.UPDATE_AND_CREATE_TOPIC,
      header: CreateTopicRequestHeader,
      handle: ({ header }) => updateTopic(deps, header),
    }),
    handler({
      ...ADMIN,
      code: RequestCode.UPDATE_AND_CREATE_TOPIC_LIST,
      header: CreateTopicListRequestHeader,
      handle: ({ body }) => updateTopics(deps, body),
    }),
    handler({
      ...ADMIN,
      code: RequestCode.GET_ALL_TOPIC_CONFIG,
      header: GetAllTopicConfigRequestHeader,
      handle: (request) => versionedTopics(deps, request),
    }),
    handler({
      ...ADMIN,
      code: RequestCode.DELETE_TOPIC_IN_BROKER,
      header: DeleteTopicRequestHeader,
      handle: ({ header }) => deleteTopic(deps, header.topic),
    }),
    handler({
      ...ADMIN,
      code: RequestCode.GET_SYSTEM_TOPIC_LIST_FROM_BROKER,
      header: HeartbeatRequestHeader,
      handle: () => {
        const topicList = deps.topics.systemTopics()
        return success(encodeBody(TopicList, { topicList, brokerAddr: null }))
      },
    }),
    handler({
      ...ADMIN,
      code: RequestCode.CLEAN_UNUSED_TOPIC,
      header: HeartbeatRequestHeader,
      handle: () => cleanUnused(deps),
    }),
    handler({
      ...ADMIN,
      // Clients look a topic up this way too.
      permission: 'client',
      code: RequestCode.GET_TOPIC_CONFIG,
      header: GetTopicConfigRequestHeader,
      handle: ({ header }) => topicConfig(deps, header.topic),
    }),
  ]
}

function cleanUnused(deps: TopicAdminDeps): Promise<Answer> {
  for (const topic of deps.store.topics()) {
    const isKnown = deps.topics.select(topic) !== undefined
    if (isKnown || deps.topics.isSystemTopic(topic)) continue
    deps.deleted.add(topic, deps.store.maxPhysicalOffset)
    deps.store.deleteTopic(topic)
  }
  return whenSaved([deps.files.deletedTopics], success())
}

function topicConfig(deps: TopicAdminDeps, topic: string): Answer {
  const config = deps.topics.select(topic)
  if (config === undefined) {
    return refuse(ResponseCode.TOPIC_NOT_EXIST, `No topic in this broker. topic: ${topic}`)
  }
  const body = Object.assign({ mappingDetail: null }, config)
  return success(encodeBody(TopicConfigAndQueueMapping, body))
}

function updateTopic(
  deps: TopicAdminDeps,
  header: CreateTopicRequestHeader,
): Answer | Promise<Answer> {
  const attributes = parseAttributeChanges(header.attributes)
  if (isMalformed(attributes)) return refuse(ResponseCode.INVALID_PARAMETER, attributes.detail)
  const { topicFilterType } = header
  if (topicFilterType !== 'SINGLE_TAG' && topicFilterType !== 'MULTI_TAG') {
    const remark = `topicFilterType = [${topicFilterType}] value invalid`
    return refuse(ResponseCode.INVALID_PARAMETER, remark)
  }
  const { topic: topicName, readQueueNums, writeQueueNums, perm, order } = header
  const topicSysFlag = header.topicSysFlag ?? 0
  const settings = { readQueueNums, writeQueueNums, perm, order, topicSysFlag }
  return update(deps, [{ topicName, topicFilterType, attributes, ...settings }])
}

function update(deps: TopicAdminDeps, updates: readonly TopicUpdate[]): Answer | Promise<Answer> {
  for (const topic of updates) {
    const problem = problemOf(deps, topic)
    if (problem !== null) return refuse(ResponseCode.INVALID_PARAMETER, problem)
  }
  const problem = deps.topics.update(updates)
  if (problem === null) return whenKnown(deps, [deps.files.topics])
  const isLimit = problem.code.endsWith('_MAX')
  const code = isLimit ? ResponseCode.SYSTEM_ERROR : ResponseCode.INVALID_PARAMETER
  return refuse(code, problem.detail)
}

async function whenKnown(
  deps: TopicAdminDeps,
  tables: Parameters<typeof whenSaved>[0],
): Promise<Answer> {
  const [answer] = await Promise.all([whenSaved(tables, success()), deps.outer.told()])
  return answer
}

function problemOf(deps: TopicAdminDeps, topic: TopicUpdate): string | null {
  const illegal = validateTopic(topic.topicName)
  if (illegal !== null) return illegal.detail
  const conflict = systemTopicProblem(deps, topic.topicName)
  if (conflict !== null) return conflict
  const { readQueueNums, writeQueueNums, perm } = topic
  if (readQueueNums < 0 || writeQueueNums < 0) return 'queue numbers must not be negative'
  if (!isValidPerm(perm)) return `perm ${perm} is not a mix of 4 (read), 2 (write), 1 (inherit)`
  const isMixed = topic.attributes.get('+message.type') === 'MIXED'
  if (isMixed && !deps.config.values.enableMixedMessageType) {
    return 'MIXED message type is not supported.'
  }
  return null
}

function systemTopicProblem(deps: TopicAdminDeps, topic: string): string | null {
  if (!deps.config.values.validateSystemTopicWhenUpdateTopic) return null
  if (!deps.topics.isSystemTopic(topic)) return null
  return `The topic[${topic}] is conflict with system topic.`
}

function versionedTopics(
  deps: TopicAdminDeps,
  request: Request<GetAllTopicConfigRequestHeader>,
): Answer {
  return answerTable(request.fields, {
    version: versionText(deps.topics.dataVersion),
    logEnd: deps.store.maxPhysicalOffset,
    whole: () => allTopics(deps, request),
  })
}

function allTopics(deps: TopicAdminDeps, request: Request<GetAllTopicConfigRequestHeader>): Answer {
  const { dataVersion, topicSeq, maxTopicNum } = request.header
  const { enableSplitMetadata, splitMetadataSize } = deps.config.values
  const page = pageOf(
    deps.topics.all(),
    'topicName',
    deps.topics.dataVersion,
    { dataVersion, first: topicSeq, max: maxTopicNum },
    enableSplitMetadata ? splitMetadataSize : null,
    parseVersion,
  )
  const body = encodeBody(TopicConfigAndMappingSerializeWrapper, {
    topicConfigTable: new Map(page.map((topic) => [topic.topicName, topic])),
    dataVersion: deps.topics.dataVersion,
    topicQueueMappingInfoMap: new Map(),
    topicQueueMappingDetailMap: new Map(),
    mappingDataVersion: NO_VERSION,
  })
  const fields = encodeHeader(GetAllTopicConfigResponseHeader, { totalTopicNum: deps.topics.size })
  return { code: ResponseCode.SUCCESS, fields, body }
}

/** The version that a header carries as JSON; `null` when it cannot be read. */
export function parseVersion(text: string): DataVersion | null {
  const version = decodeBody(DataVersion, Buffer.from(text, 'utf8'))
  return version instanceof Malformed ? null : version
}

function updateTopics(deps: TopicAdminDeps, body: Buffer): Answer | Promise<Answer> {
  const list = bodyOf(CreateTopicListRequestBody, body)
  return 'refusal' in list ? list.refusal : update(deps, list.value.topicConfigList)
}

function deleteTopic(deps: TopicAdminDeps, topic: string): Answer | Promise<Answer> {
  if (topic.trim() === '') {
    return refuse(ResponseCode.INVALID_PARAMETER, 'The specified topic is blank.')
  }
  const illegal = validateTopic(topic)?.detail ?? systemTopicProblem(deps, topic)
  if (illegal !== null) return refuse(ResponseCode.INVALID_PARAMETER, illegal)
  const doomed = [topic]
  if (deps.config.values.clearRetryTopicWhenDeleteTopic) {
    // What POP consumers of 5.x have made for the topic, in both spellings.
    for (const group of deps.offsets.whichGroupByTopic(topic)) {
      for (const name of [`%RETRY%${group}_${topic}`, `%RETRY%${group}+${topic}`]) {
        if (deps.topics.select(name) !== undefined) doomed.push(name)
      }
    }
  }
  const logEnd = deps.store.maxPhysicalOffset
  for (const name of doomed) {
    if (deps.topics.select(name) !== undefined) deps.deleted.add(name, logEnd)
  }
  deps.topics.delete(doomed)
  for (const name of doomed) {
    deps.offsets.cleanOffsetByTopic(name)
    deps.store.deleteTopic(name)
    deps.stats.topicDeleted(name)
  }
  const { deletedTopics, offsets, topics } = deps.files
  return whenKnown(deps, [deletedTopics, topics, offsets])
}
