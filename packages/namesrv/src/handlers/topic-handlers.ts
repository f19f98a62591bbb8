import { isMalformed } from '@apogee/base'
import {
  DeleteTopicFromNamesrvRequestHeader,
  decodeBody,
  encodeBody,
  GetTopicsByClusterRequestHeader,
  RegisterTopicRequestHeader,
  RequestCode,
  ResponseCode,
  TopicList,
  TopicRouteData,
} from '@apogee/protocol'
import { type Answer, type Handler, handler, type Request, refuse, success } from '@apogee/remoting'
import {
  allTopics,
  systemTopics,
  topicsOfCluster,
  type UnitList,
  unitTopics,
} from '../core/route-view.ts'
import { type NamesrvServices, refuseBody } from './services.ts'

/** Lists of topics, by kind; and topics put in or taken out by hand. */
export function topicHandlers(services: NamesrvServices): Handler[] {
  const { routes } = services
  return [
    listHandler(
      services,
      RequestCode.GET_ALL_TOPIC_LIST_FROM_NAMESERVER,
      'enableAllTopicList',
      () => allTopics(routes.table),
    ),
    handler({
      code: RequestCode.GET_TOPICS_BY_CLUSTER,
      lane: 'admin',
      permission: 'admin',
      header: GetTopicsByClusterRequestHeader,
      handle({ header: { cluster } }) {
        if (!services.settings.values.enableTopicList) return disabled()
        return success(encodeBody(TopicList, topicsOfCluster(routes.table, cluster)))
      },
    }),
    listHandler(services, RequestCode.GET_SYSTEM_TOPIC_LIST_FROM_NS, null, () =>
      systemTopics(routes.table),
    ),
    unitHandler(services, RequestCode.GET_UNIT_TOPIC_LIST, 'unit'),
    unitHandler(services, RequestCode.GET_HAS_UNIT_SUB_TOPIC_LIST, 'unit-sub'),
    unitHandler(services, RequestCode.GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST, 'unit-sub-not-unit'),
    handler({
      code: RequestCode.REGISTER_TOPIC_IN_NAMESRV,
      lane: 'admin',
      permission: 'admin',
      header: RegisterTopicRequestHeader,
      handle: (request) => registerTopic(services, request),
    }),
    handler({
      code: RequestCode.DELETE_TOPIC_IN_NAMESRV,
      lane: 'admin',
      permission: 'admin',
      header: DeleteTopicFromNamesrvRequestHeader,
      handle({ header: { topic, clusterName } }) {
        routes.change((table) => table.deleteTopic(topic, clusterName === '' ? null : clusterName))
        return success()
      },
    }),
  ]
}

function unitHandler(services: NamesrvServices, code: number, list: UnitList): Handler {
  return listHandler(services, code, 'enableTopicList', () =>
    unitTopics(services.routes.table, list),
  )
}

/** A list without parameters, which a switch of the configuration may forbid. */
function listHandler(
  services: NamesrvServices,
  code: number,
  enabledBy: 'enableAllTopicList' | 'enableTopicList' | null,
  list: () => TopicList,
): Handler {
  return handler({
    code,
    lane: 'admin',
    permission: 'admin',
    header: {},
    handle() {
      if (enabledBy !== null && !services.settings.values[enabledBy]) return disabled()
      return success(encodeBody(TopicList, list()))
    },
  })
}

function disabled(): Answer {
  return refuse(ResponseCode.SYSTEM_ERROR, 'disable')
}

function registerTopic(
  services: NamesrvServices,
  request: Request<RegisterTopicRequestHeader>,
): Answer {
  const { topic } = request.header
  // No body is no queues: nothing to do, and Apache says success.
  if (request.body.length === 0) return success()
  const route = decodeBody(TopicRouteData, request.body)
  if (isMalformed(route)) return refuseBody(route)
  const outcome = services.routes.change((table) => table.registerTopic(topic, route.queueDatas))
  if (outcome === 'full') {
    const { topicsMax } = services.settings.values
    return refuse(ResponseCode.SYSTEM_ERROR, `too many topics: topicsMax=${topicsMax}`)
  }
  // Apache answers success to a topic of unknown brokers, too: a broker that registers only later
  // must not see a failure.
  if (outcome === 'unknown-broker') services.log.warn({ event: 'topic_of_unknown_broker', topic })
  return success()
}
