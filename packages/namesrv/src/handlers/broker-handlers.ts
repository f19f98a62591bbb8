import { isMalformed } from '@apogee/base'
import {
  BrokerHeartbeatRequestHeader,
  DataVersion,
  decodeBody,
  encodeBody,
  GetBrokerMemberGroupRequestHeader,
  GetBrokerMemberGroupResponseBody,
  KVTable,
  QueryDataVersionRequestHeader,
  QueryDataVersionResponseHeader,
  RegisterBrokerRequestHeader,
  RegisterBrokerResponseHeader,
  RequestCode,
  ResponseCode,
  registerBodyCrc32,
  UnRegisterBrokerRequestHeader,
} from '@apogee/protocol'
import {
  type Answer,
  type Handler,
  handler,
  type Request,
  refuse,
  succeedWith,
  success,
} from '@apogee/remoting'
import { memberAddrs } from '../core/route-view.ts'
import { ORDER_TOPIC_CONFIG } from '../kv/kv-table.ts'
import { decodeRegistration } from './registration.ts'
import { type NamesrvServices, refuseBody } from './services.ts'

/**
 * A field of REGISTER_BROKER and GET_ROUTEINFO_BY_TOPIC that is in no header (Java:
 * MixAll.ZONE_NAME).
 */
export const ZONE_NAME = '__ZONE_NAME'

/**
 * The life of brokers: REGISTER_BROKER, UNREGISTER_BROKER, QUERY_DATA_VERSION, BROKER_HEARTBEAT,
 * GET_BROKER_MEMBER_GROUP.
 */
export function brokerHandlers(services: NamesrvServices): Handler[] {
  return [
    handler({
      code: RequestCode.REGISTER_BROKER,
      lane: 'heartbeat',
      permission: 'admin',
      header: RegisterBrokerRequestHeader,
      handle: (request) => registerBroker(services, request),
    }),
    handler({
      code: RequestCode.UNREGISTER_BROKER,
      lane: 'heartbeat',
      permission: 'admin',
      header: UnRegisterBrokerRequestHeader,
      handle({ header: { brokerName, brokerAddr } }) {
        services.routes.change((table) => table.unregister(brokerName, brokerAddr))
        return success()
      },
    }),
    handler({
      code: RequestCode.QUERY_DATA_VERSION,
      lane: 'heartbeat',
      permission: 'admin',
      header: QueryDataVersionRequestHeader,
      handle: (request) => queryDataVersion(services, request),
    }),
    handler({
      code: RequestCode.BROKER_HEARTBEAT,
      lane: 'heartbeat',
      permission: 'admin',
      header: BrokerHeartbeatRequestHeader,
      handle({ header: { brokerName, brokerAddr } }) {
        services.routes.change((table, nowMs) => table.heartbeat(brokerName, brokerAddr, nowMs))
        return success()
      },
    }),
    handler({
      code: RequestCode.GET_BROKER_MEMBER_GROUP,
      lane: 'admin',
      permission: 'admin',
      header: GetBrokerMemberGroupRequestHeader,
      handle({ header: { clusterName, brokerName } }) {
        const brokerAddrs = memberAddrs(services.routes.table, brokerName)
        const brokerMemberGroup = { cluster: clusterName, brokerName, brokerAddrs }
        return success(encodeBody(GetBrokerMemberGroupResponseBody, { brokerMemberGroup }))
      },
    }),
  ]
}

function registerBroker(
  services: NamesrvServices,
  request: Request<RegisterBrokerRequestHeader>,
): Answer {
  const { header, body, connection } = request
  if (header.bodyCrc32 !== 0 && registerBodyCrc32(body) !== header.bodyCrc32) {
    services.log.warn({ event: 'broker_register_crc', remoteAddress: connection.remoteAddress })
    return refuse(ResponseCode.SYSTEM_ERROR, 'crc32 not match')
  }
  const content = decodeRegistration(body, header.compressed, request.version)
  if (isMalformed(content)) return refuseBody(content)
  services.routes.watch(connection)
  const outcome = services.routes.change((table, nowMs) =>
    table.register(
      {
        clusterName: header.clusterName,
        brokerName: header.brokerName,
        brokerAddr: header.brokerAddr,
        brokerId: header.brokerId,
        haServerAddr: header.haServerAddr,
        zoneName: request.fields.get(ZONE_NAME) ?? null,
        heartbeatTimeoutMs: header.heartbeatTimeoutMillis,
        enableActingMaster: header.enableActingMaster,
        connectionId: connection.id,
        ...content,
      },
      nowMs,
    ),
  )
  if (outcome.kind === 'refused') return refuse(ResponseCode.SYSTEM_ERROR, outcome.reason)
  const { masterAddr, haServerAddr } =
    outcome.kind === 'registered' ? outcome : { masterAddr: null, haServerAddr: null }
  return succeedWith(
    RegisterBrokerResponseHeader,
    { masterAddr, haServerAddr },
    orderConfig(services),
  )
}

/**
 * The order configuration of all topics, which a broker keeps; none when the namespace has never
 * been used.
 */
function orderConfig({ settings, kv }: NamesrvServices): Buffer | undefined {
  const entries = settings.values.returnOrderTopicConfigToBroker
    ? kv.table.list(ORDER_TOPIC_CONFIG)
    : null
  return entries === null ? undefined : encodeBody(KVTable, { table: new Map(entries) })
}

function queryDataVersion(
  services: NamesrvServices,
  request: Request<QueryDataVersionRequestHeader>,
): Answer {
  const { header, body } = request
  const sent = body.length === 0 ? null : decodeBody(DataVersion, body)
  if (isMalformed(sent)) return refuseBody(sent)
  const { changed, known } = services.routes.change((table, nowMs) =>
    table.queryDataVersion(header.brokerName, header.brokerAddr, sent, nowMs),
  )
  const answer = known === null ? undefined : encodeBody(DataVersion, known)
  return succeedWith(QueryDataVersionResponseHeader, { changed }, answer)
}
