import {
  ClusterInfo,
  encodeBody,
  GetRouteInfoRequestHeader,
  RequestCode,
  ResponseCode,
  TopicRouteData,
  VersionGate,
} from '@apogee/protocol'
import { type Answer, type Handler, handler, type Request, refuse, success } from '@apogee/remoting'
import { clusterView, filterByZone, pickTopicRoute } from '../core/route-view.ts'
import { ORDER_TOPIC_CONFIG } from '../kv/kv-table.ts'
import { ZONE_NAME } from './broker-handlers.ts'
import type { NamesrvServices } from './services.ts'

/** Asks for brokers of the caller's zone only, when "true" (Java: MixAll.ZONE_MODE). */
const ZONE_MODE = '__ZONE_MODE'

/** Where things are: GET_ROUTEINFO_BY_TOPIC, GET_BROKER_CLUSTER_INFO. */
export function routeHandlers(services: NamesrvServices): Handler[] {
  return [
    handler({
      code: RequestCode.GET_ROUTEINFO_BY_TOPIC,
      lane: 'route',
      permission: 'client',
      header: GetRouteInfoRequestHeader,
      handle: (request) => getRouteInfo(services, request),
    }),
    handler({
      code: RequestCode.GET_BROKER_CLUSTER_INFO,
      lane: 'admin',
      permission: 'admin',
      header: {},
      handle: () => success(encodeBody(ClusterInfo, clusterView(services.routes.table))),
    }),
  ]
}

function getRouteInfo(
  services: NamesrvServices,
  request: Request<GetRouteInfoRequestHeader>,
): Answer {
  const { settings, routes, kv } = services
  const { topic, acceptStandardJsonOnly } = request.header
  const { needWaitForService, waitSecondsForService, orderMessageEnable } = settings.values
  if (needWaitForService && services.upMs() < waitSecondsForService * 1_000) {
    return refuse(ResponseCode.SYSTEM_ERROR, 'name server not ready')
  }
  const found = pickTopicRoute(routes.table, topic)
  if (found === null) {
    const remark = `No topic route info in name server for the topic: ${topic}`
    return refuse(ResponseCode.TOPIC_NOT_EXIST, remark)
  }
  const zoneName = zoneOf(request)
  const route = zoneName === null ? found : filterByZone(found, zoneName)
  const orderTopicConf = orderMessageEnable ? kv.table.get(ORDER_TOPIC_CONFIG, topic) : null
  const isStandardJson =
    request.version >= VersionGate.STANDARD_JSON_ROUTE || acceptStandardJsonOnly === true
  const spelling = isStandardJson ? 'standard' : 'fastjson'
  return success(encodeBody(TopicRouteData, { ...route, orderTopicConf }, spelling))
}

function zoneOf(request: Request<GetRouteInfoRequestHeader>): string | null {
  if (request.fields.get(ZONE_MODE)?.toLowerCase() !== 'true') return null
  const zoneName = request.fields.get(ZONE_NAME) ?? ''
  return zoneName.trim() === '' ? null : zoneName
}
