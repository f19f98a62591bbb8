import {
  DeleteSubscriptionGroupRequestHeader,
  encodeBody,
  encodeHeader,
  GetAllSubscriptionGroupRequestHeader,
  GetAllSubscriptionGroupResponseHeader,
  GetSubscriptionGroupConfigRequestHeader,
  GroupForbidden,
  HeartbeatRequestHeader,
  RequestCode,
  ResponseCode,
  SubscriptionGroupConfig,
  SubscriptionGroupList,
  SubscriptionGroupWrapper,
  UpdateGroupForbiddenRequestHeader,
  validateGroup,
} from '@apogee/protocol'
import { type Answer, type Handler, handler, type Request, refuse, success } from '@apogee/remoting'
import type { MessageStore } from '@apogee/store'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { ConsumerOffsetManager } from '../offset/consumer-offset-manager.ts'
import type { TableFiles } from '../persist/table-files.ts'
import { groupWrapper } from '../persist/tables.ts'
import { answerTable, versionText } from '../slave/table-version.ts'
import type { BrokerStats } from '../stats/broker-stats.ts'
import {
  FORBIDDEN_READ_INDEX,
  type SubscriptionGroupManager,
} from '../subscription/subscription-group-manager.ts'
import { ADMIN, bodyOf, pageOf, whenSaved } from './admin-common.ts'
import { parseVersion } from './topic-admin.ts'

export interface GroupAdminDeps {
  config: BrokerConfig
  groups: SubscriptionGroupManager
  offsets: ConsumerOffsetManager
  files: Pick<TableFiles, 'groups' | 'offsets'>
  stats: BrokerStats
  store: Pick<MessageStore, 'maxPhysicalOffset'>
}

/**
 * UPDATE_AND_CREATE_SUBSCRIPTIONGROUP (200), …_LIST (225), GET_ALL_SUBSCRIPTIONGROUP_CONFIG (201),
 * DELETE_SUBSCRIPTIONGROUP (207), GET_SUBSCRIPTIONGROUP_CONFIG (352), UPDATE_AND_GET_GROUP_FORBIDDEN (353); Java:
 * AdminBrokerProcessor. A change is answered when it is on disk.
 */
export function groupAdminHandlers(deps: GroupAdminDeps): Handler[] {
  return [
    handler({
      ...ADMIN,
      code: RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP,
      header: HeartbeatRequestHeader,
      handle: ({ body }) => {
        const group = bodyOf(SubscriptionGroupConfig, body)
        return 'refusal' in group ? group.refusal : update(deps, [group.value])
      },
    }),
    handler({
      ...ADMIN,
      code: RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST,
      header: HeartbeatRequestHeader,
      handle: ({ body }) => {
        const list = bodyOf(SubscriptionGroupList, body)
        return 'refusal' in list ? list.refusal : update(deps, list.value.groupConfigList)
      },
    }),
    handler({
      ...ADMIN,
      code: RequestCode.GET_ALL_SUBSCRIPTIONGROUP_CONFIG,
      header: GetAllSubscriptionGroupRequestHeader,
      handle: (request) => versionedGroups(deps, request),
    }),
    handler({
      ...ADMIN,
      code: RequestCode.DELETE_SUBSCRIPTIONGROUP,
      header: DeleteSubscriptionGroupRequestHeader,
      handle: ({ header }) => deleteGroup(deps, header.groupName, header.cleanOffset),
    }),
    handler({
      ...ADMIN,
      code: RequestCode.GET_SUBSCRIPTIONGROUP_CONFIG,
      header: GetSubscriptionGroupConfigRequestHeader,
      handle: ({ header }) => {
        const group = deps.groups.find(header.group)
        if (group !== undefined) return success(encodeBody(SubscriptionGroupConfig, group))
        return refuse(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, 'No group in this broker')
      },
    }),
    handler({
      ...ADMIN,
      code: RequestCode.UPDATE_AND_GET_GROUP_FORBIDDEN,
      header: UpdateGroupForbiddenRequestHeader,
      handle: ({ header }) => forbid(deps, header),
    }),
  ]
}

function deleteGroup(deps: GroupAdminDeps, group: string, cleanOffset: boolean): Promise<Answer> {
  deps.groups.delete(group)
  if (cleanOffset) deps.offsets.removeOffset(group)
  deps.stats.groupDeleted(group)
  const { groups, offsets } = deps.files
  return whenSaved(cleanOffset ? [groups, offsets] : [groups], success())
}

function forbid(
  deps: GroupAdminDeps,
  header: UpdateGroupForbiddenRequestHeader,
): Answer | Promise<Answer> {
  const { group, topic, readable } = header
  if (
    readable !== null &&
    !deps.groups.setForbidden(group, topic, FORBIDDEN_READ_INDEX, !readable)
  ) {
    return refuse(ResponseCode.SYSTEM_ERROR, 'groupsMax reached: nothing more can be forbidden')
  }
  const isForbidden = deps.groups.isForbidden(group, topic, FORBIDDEN_READ_INDEX)
  const body = encodeBody(GroupForbidden, { group, topic, readable: !isForbidden })
  return whenSaved([deps.files.groups], success(body))
}

function update(
  deps: GroupAdminDeps,
  configs: readonly SubscriptionGroupConfig[],
): Answer | Promise<Answer> {
  for (const { groupName, retryQueueNums, retryMaxTimes } of configs) {
    const illegal = validateGroup(groupName)
    if (illegal !== null) return refuse(ResponseCode.INVALID_PARAMETER, illegal.detail)
    if (retryQueueNums < 0 || retryMaxTimes < -1) {
      const remark = `group ${groupName}: retryQueueNums and retryMaxTimes must not be negative`
      return refuse(ResponseCode.INVALID_PARAMETER, remark)
    }
  }
  const problem = deps.groups.update(configs)
  if (problem === null) return whenSaved([deps.files.groups], success())
  const isLimit = problem.code === 'GROUPS_MAX'
  const code = isLimit ? ResponseCode.SYSTEM_ERROR : ResponseCode.INVALID_PARAMETER
  return refuse(code, problem.detail)
}

function versionedGroups(
  deps: GroupAdminDeps,
  request: Request<GetAllSubscriptionGroupRequestHeader>,
): Answer {
  return answerTable(request.fields, {
    version: versionText(deps.groups.dataVersion),
    logEnd: deps.store.maxPhysicalOffset,
    whole: () => allGroups(deps, request),
  })
}

function allGroups(
  deps: GroupAdminDeps,
  request: Request<GetAllSubscriptionGroupRequestHeader>,
): Answer {
  const { dataVersion, groupSeq, maxGroupNum } = request.header
  const { enableSplitMetadata, splitMetadataSize } = deps.config.values
  const page = pageOf(
    deps.groups.all(),
    'groupName',
    deps.groups.dataVersion,
    { dataVersion, first: groupSeq, max: maxGroupNum },
    enableSplitMetadata ? splitMetadataSize : null,
    parseVersion,
  )
  const { forbiddenTable, dataVersion: version } = groupWrapper(deps.groups)
  const names = new Set(page.map((group) => group.groupName))
  const body = encodeBody(SubscriptionGroupWrapper, {
    subscriptionGroupTable: new Map(page.map((group) => [group.groupName, group])),
    forbiddenTable: new Map([...forbiddenTable].filter(([group]) => names.has(group))),
    dataVersion: version,
  })
  const totalGroupNum = deps.groups.size
  const fields = encodeHeader(GetAllSubscriptionGroupResponseHeader, { totalGroupNum })
  return { code: ResponseCode.SUCCESS, fields, body }
}
