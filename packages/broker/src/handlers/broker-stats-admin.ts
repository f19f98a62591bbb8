import {
  BrokerStatsData,
  type BrokerStatsItem,
  encodeBody,
  HeartbeatRequestHeader,
  KVTable,
  RequestCode,
  ResponseCode,
  ViewBrokerStatsDataRequestHeader,
} from '@apogee/protocol'
import { type Handler, handler, refuse, success } from '@apogee/remoting'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { BrokerStats } from '../stats/broker-stats.ts'
import type { WindowCounter } from '../stats/window-counter.ts'
import type { TopicConfigManager } from '../topic/topic-config-manager.ts'
import { ADMIN } from './admin-common.ts'

export interface BrokerStatsAdminDeps {
  config: BrokerConfig
  topics: TopicConfigManager
  stats: BrokerStats
  /** Every line of GET_BROKER_RUNTIME_INFO. */
  runtimeInfo: () => Promise<Map<string, string>>
}

/** GET_BROKER_RUNTIME_INFO (28), VIEW_BROKER_STATS_DATA (315); Java: AdminBrokerProcessor. */
export function brokerStatsHandlers(deps: BrokerStatsAdminDeps): Handler[] {
  return [
    handler({
      ...ADMIN,
      code: RequestCode.GET_BROKER_RUNTIME_INFO,
      header: HeartbeatRequestHeader,
      handle: async () => success(encodeBody(KVTable, { table: await deps.runtimeInfo() })),
    }),
    handler({
      ...ADMIN,
      code: RequestCode.VIEW_BROKER_STATS_DATA,
      header: ViewBrokerStatsDataRequestHeader,
      handle: ({ header: { statsName, statsKey } }) => {
        const counter = counterOf(deps, statsName, statsKey)
        if (counter === undefined) {
          const remark = `The stats <${statsName}> <${statsKey}> not exist`
          return refuse(ResponseCode.SYSTEM_ERROR, remark)
        }
        const item = (span: 'minute' | 'hour' | 'day'): BrokerStatsItem => ({
          ...counter.window(span, deps.stats.tick),
        })
        return success(
          encodeBody(BrokerStatsData, {
            statsMinute: item('minute'),
            statsHour: item('hour'),
            statsDay: item('day'),
          }),
        )
      },
    }),
  ]
}

/** The counter behind a name and key of RocketMQ (Java: Stats); undefined when it has never counted. */
function counterOf(
  deps: BrokerStatsAdminDeps,
  name: string,
  key: string,
): WindowCounter | undefined {
  const { config, stats, topics } = deps
  const at = key.indexOf('@')
  const group = at < 0 ? undefined : stats.findGroup(key.slice(0, at), key.slice(at + 1))
  const isOurs = key === config.values.brokerClusterName
  switch (name) {
    case 'TOPIC_PUT_NUMS':
      return counted(topics.select(key)?.counters.putNums)
    case 'TOPIC_PUT_SIZE':
      return counted(topics.select(key)?.counters.putSize)
    case 'GROUP_GET_NUMS':
      return counted(group?.getNums)
    case 'GROUP_GET_SIZE':
      return counted(group?.getSize)
    case 'SNDBCK_PUT_NUMS':
      return counted(group?.sendBackNums)
    case 'BROKER_PUT_NUMS':
      return isOurs ? stats.brokerPut : undefined
    case 'BROKER_GET_NUMS':
      return isOurs ? stats.brokerGet : undefined
    default:
      return undefined
  }
}

function counted(counter: WindowCounter | undefined): WindowCounter | undefined {
  return counter !== undefined && counter.times > 0 ? counter : undefined
}
