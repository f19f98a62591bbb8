import type { Env } from '@apogee/env'
import { UniqKeySource } from '@apogee/protocol'
import type { Handler, HandlerRegistry, Logger } from '@apogee/remoting'
import { type BrokerMachine, storeAddress, storeHostOf } from './broker-options.ts'
import type { BrokerDeps, BrokerServices } from './broker-services.ts'
import { brokerConfigHandlers } from './handlers/broker-config-admin.ts'
import { brokerStatsHandlers } from './handlers/broker-stats-admin.ts'
import { clientAdminHandlers } from './handlers/client-admin.ts'
import { clientManageHandlers } from './handlers/client-manage.ts'
import { consumeStatsHandlers } from './handlers/consume-stats.ts'
import { consumerManageHandlers } from './handlers/consumer-manage.ts'
import { endTransactionHandlers } from './handlers/end-transaction.ts'
import { groupAdminHandlers } from './handlers/group-admin.ts'
import { haStatusHandlers } from './handlers/ha-status.ts'
import { lockQueueHandlers } from './handlers/lock-queue.ts'
import { offsetAdminHandlers } from './handlers/offset-admin.ts'
import { pullHandlers } from './handlers/pull-message.ts'
import { queryMessageHandlers } from './handlers/query-message.ts'
import { queueOffsetHandlers } from './handlers/queue-offset.ts'
import { sendBackHandlers } from './handlers/send-back.ts'
import { sendHandlers } from './handlers/send-message.ts'
import { sendReplyHandlers } from './handlers/send-reply.ts'
import { storeAdminHandlers } from './handlers/store-admin.ts'
import { topicAdminHandlers } from './handlers/topic-admin.ts'
import { forRole } from './replication/master-only.ts'
import { runtimeInfo } from './stats/runtime-info.ts'

export interface HandlerDeps {
  env: Env
  log: Logger
  machine: BrokerMachine
  /** The real main port. */
  port: number
  brokerAddr: string
  keepConfig: BrokerDeps['keepConfig']
}

/** Every request code that this broker serves, added to `registry`. */
export function addHandlers(
  registry: HandlerRegistry,
  services: BrokerServices,
  deps: HandlerDeps,
): HandlerRegistry {
  return registry.add(...forRole(allHandlers(services, deps), services.config))
}

function allHandlers(services: BrokerServices, deps: HandlerDeps): Handler[] {
  const { env, log } = deps
  const { clock, disk } = env
  const brokerAddr = (): string => deps.brokerAddr
  const delayLevelMax = services.schedule.levels.maxLevel
  return [
    ...sendHandlers({ ...services, ...sendFacts(services, deps), clock, delayLevelMax }),
    ...pullHandlers({
      ...services,
      clock,
      memoryBytes: deps.machine.memoryBytes ?? Number.POSITIVE_INFINITY,
    }),
    ...sendBackHandlers({ ...services, delayLevelMax }),
    ...endTransactionHandlers(services),
    ...sendReplyHandlers({
      ...services,
      clock,
      storeHost: storeHostOf(services.config, deps.port),
    }),
    ...clientManageHandlers(services),
    ...consumerManageHandlers(services),
    ...queueOffsetHandlers(services),
    ...queryMessageHandlers(services),
    ...lockQueueHandlers(services),
    ...topicAdminHandlers(services),
    ...groupAdminHandlers(services),
    ...brokerConfigHandlers({ ...services, log, keep: deps.keepConfig }),
    ...brokerStatsHandlers({
      ...services,
      runtimeInfo: () => runtimeInfo({ ...services, clock, disk }),
    }),
    ...consumeStatsHandlers({ ...services, clock, brokerAddr }),
    ...offsetAdminHandlers(services),
    ...clientAdminHandlers(services),
    ...storeAdminHandlers(services),
    ...haStatusHandlers(services),
  ]
}

/** This broker's host as message ids carry it, and the source of unique keys for messages that come without one. */
function sendFacts(
  { config }: BrokerServices,
  { env, machine, port }: HandlerDeps,
): { storeHost: Uint8Array; uniqKeys: UniqKeySource } {
  const address = storeAddress(config.values)
  const storeHost = new Uint8Array(address.length + 4)
  storeHost.set(address)
  new DataView(storeHost.buffer).setInt32(address.length, port)
  const hash = env.random.below(0x7fffffff)
  const zoneOffsetMs = machine.zoneOffsetMs ?? 0
  const uniqKeys = new UniqKeySource(address, machine.processId ?? 0, hash, zoneOffsetMs)
  return { storeHost, uniqKeys }
}
