import type { ConnectOptions, Env, TlsIdentity } from '@apogee/env'
import { type Logger, RemotingClient } from '@apogee/remoting'
import { MessageStore } from '@apogee/store'
import {
  type BrokerMachine,
  clientOptions,
  dayOf,
  storeAddress,
  storeHostOf,
  storeOptions,
} from './broker-options.ts'
import { ConsumerManager } from './client/consumer-manager.ts'
import { FilterCompiler } from './client/filter-compiler.ts'
import { ProducerManager } from './client/producer-manager.ts'
import { PullSubscriptions } from './client/pull-subscriptions.ts'
import type { BrokerConfig } from './config/broker-config.ts'
import { RebalanceLockManager } from './lock/rebalance-lock-manager.ts'
import { LongPolling } from './longpolling/long-polling.ts'
import { BrokerMetrics } from './metrics/broker-metrics.ts'
import { RequestMetrics } from './metrics/request-metrics.ts'
import { ConsumerOffsetManager } from './offset/consumer-offset-manager.ts'
import { BrokerOuterApi } from './outer/broker-outer-api.ts'
import { TableFile } from './persist/table-file.ts'
import type { TableFiles } from './persist/table-files.ts'
import {
  delayTable,
  deletedTopicTable,
  groupTable,
  offsetTable,
  type PersistedTable,
  slaveOffsetTable,
  topicTable,
} from './persist/tables.ts'
import { type HaServices, haServices, type LogCut } from './replication/ha-services.ts'
import { MasterWatch } from './replication/master-watch.ts'
import { ScheduleMessageService } from './schedule/schedule-message-service.ts'
import { SlaveOffsets } from './slave/slave-offsets.ts'
import { SlaveService } from './slave/slave-service.ts'
import { BrokerStats } from './stats/broker-stats.ts'
import { SubscriptionGroupManager } from './subscription/subscription-group-manager.ts'
import { DeletedTopics } from './topic/deleted-topics.ts'
import { TopicConfigManager } from './topic/topic-config-manager.ts'
import { recoverTopics } from './topic/topic-recovery.ts'
import { TopicSpreader } from './topic/topic-spreader.ts'
import { TransactionalMessageService } from './transaction/transactional-message-service.ts'

export interface BrokerDeps {
  env: Env
  log: Logger
  machine?: BrokerMachine
  /** TLS by first byte on both ports, with what this returns at that moment. */
  tls?: () => TlsIdentity | null
  /** Connections to NameServers are encrypted so, whatever `useTLS` says. */
  clientTls?: NonNullable<ConnectOptions['tls']>
  /**
   * Keeps changes of the configuration made at runtime (request code 25) for the next start; resolves to the reason when
   * it could not. Without it they last as long as the broker.
   */
  keepConfig?: (changes: ReadonlyMap<string, string>) => Promise<string | null>
}

/** The parts of a broker that need neither port nor store. */
export interface MemoryServices {
  config: BrokerConfig
  topics: TopicConfigManager
  deleted: DeletedTopics
  groups: SubscriptionGroupManager
  offsets: ConsumerOffsetManager
  slaveOffsets: SlaveOffsets
  consumers: ConsumerManager
  producers: ProducerManager
  subscriptions: PullSubscriptions
  compiler: FilterCompiler
  locks: RebalanceLockManager
  longPolling: LongPolling
  stats: BrokerStats
  requests: RequestMetrics
}

/** All parts of a broker, the store open. */
export interface BrokerServices extends MemoryServices {
  store: MessageStore
  schedule: ScheduleMessageService
  transactions: TransactionalMessageService
  metrics: BrokerMetrics
  outer: BrokerOuterApi
  client: RemotingClient
  files: TableFiles
  ha: HaServices
  masterWatch: MasterWatch
  spreader: TopicSpreader
  /** Null on a master. */
  slave: SlaveService | null
}

export function memoryServices(
  config: BrokerConfig,
  { env, log, machine }: BrokerDeps,
): MemoryServices {
  const { clock } = env
  const common = { clock, log }
  const stats = new BrokerStats({ dayOf: dayOf(machine ?? {}) }, { clock })
  const compiler = new FilterCompiler(config)
  const groups = new SubscriptionGroupManager(config, common)
  const consumers = new ConsumerManager(config, { ...common, compiler, stats })
  return {
    config,
    topics: new TopicConfigManager(config, common),
    deleted: new DeletedTopics(() => config.values.topicsMax),
    groups,
    offsets: new ConsumerOffsetManager(config, common),
    slaveOffsets: new SlaveOffsets(),
    consumers,
    producers: new ProducerManager(config, common),
    subscriptions: new PullSubscriptions(config, { clock, groups, consumers, compiler, stats }),
    compiler,
    locks: new RebalanceLockManager({}, { clock }),
    longPolling: new LongPolling(config, { clock }),
    stats,
    requests: new RequestMetrics(),
  }
}

/**
 * Opens the store, loads the tables and makes what depends on them. `storePort` goes into records. Throws what
 * MessageStore.open and ConfigFile.load throw; nothing stays open then. `diverged`: see HaServiceDeps.
 */
export async function storeServices(
  memory: MemoryServices,
  deps: BrokerDeps,
  storePort: number,
  diverged: (cut: LogCut) => void,
): Promise<BrokerServices> {
  const { config, stats, topics } = memory
  const { env, log } = deps
  const { clock, disk } = env
  // Delay levels are checked before the store is touched.
  const levels = ScheduleMessageService.levelsOf(config)
  const options = storeOptions(config.values, levels, storePort, deps.machine ?? {})
  const store = new MessageStore(options, { disk, clock, log })
  const report = store.open()
  log.info({ event: 'store_open', ...report })
  try {
    const schedule = new ScheduleMessageService(config, {
      store,
      clock,
      log,
      stats,
      topics,
      levels,
    })
    const files = loadTables(memory, store, schedule, deps)
    await recoverTopics({ ...memory, store, log })
    await files.deletedTopics.saved()
    await files.topics.saved()
    const transactions = transactionService(memory, store, deps, storePort)
    const client = new RemotingClient(clientOptions(config.values, deps.clientTls), { env, log })
    const ha = haServices(config, { env, log, replication: store.replication, diverged })
    const outer = new BrokerOuterApi(config, { client, clock, log, topics })
    const masterWatch = new MasterWatch(ha)
    const parts = {
      ...memory,
      store,
      schedule,
      transactions,
      client,
      ha,
      masterWatch,
      outer,
      files,
    }
    return {
      ...parts,
      metrics: new BrokerMetrics({ ...parts, clock }),
      spreader: new TopicSpreader(config, { client, clock, log, topics }),
      slave: slaveService(parts, { clock, log }),
    }
  } catch (error) {
    // Why the start failed is told by who started; this would hide it.
    await store.close().catch((err: unknown) => log.error({ event: 'stop_failed', err }))
    throw error
  }
}

function slaveService(
  parts: Omit<BrokerServices, 'metrics' | 'slave' | 'spreader'>,
  common: { clock: Env['clock']; log: Logger },
): SlaveService | null {
  const { config, ha, masterWatch: watch, slaveOffsets: committed } = parts
  if (ha.slave === null) {
    // It owes nobody what clients committed to it while it was a slave.
    committed.clear()
    return null
  }
  const service = new SlaveService(config, {
    ...parts,
    ...common,
    committed,
    replication: ha.slave,
    watch,
    recoverTopics: () => recoverTopics({ ...parts, log: common.log }),
  })
  ha.changed = () => service.replicationChanged()
  return service
}

function transactionService(
  memory: MemoryServices,
  store: MessageStore,
  { env, log }: BrokerDeps,
  port: number,
): TransactionalMessageService {
  const { config } = memory
  const address = storeAddress(config.values)
  const storeHost = storeHostOf(config, port)
  const delayLevelMax = ScheduleMessageService.levelsOf(config).maxLevel
  const deps = { ...memory, store, clock: env.clock, log, delayLevelMax, address, storeHost }
  return new TransactionalMessageService(config, deps)
}

function loadTables(
  { config, deleted, groups, offsets, slaveOffsets, topics }: MemoryServices,
  store: MessageStore,
  schedule: ScheduleMessageService,
  { env, log }: BrokerDeps,
): TableFiles {
  const { flushConsumerOffsetInterval, flushDelayOffsetInterval } = config.values
  const open = (table: PersistedTable, delayMs: number): TableFile => {
    const file = store.configFile(table.name, (error) => {
      log.error({ event: 'config_file_failed', table: table.name, err: error })
    })
    const tableFile = new TableFile(table, file, delayMs, { clock: env.clock, log })
    tableFile.load()
    return tableFile
  }
  const topicFile = open(topicTable(topics), 0)
  const deletedFile = open(deletedTopicTable(deleted), 0)
  const groupFile = open(groupTable(groups), 0)
  const offsetFile = open(offsetTable(offsets), flushConsumerOffsetInterval)
  const slaveOffsetFile = open(slaveOffsetTable(slaveOffsets), flushConsumerOffsetInterval)
  const delayFile = open(delayTable(schedule), flushDelayOffsetInterval)
  topics.onChange(topicFile.changed)
  deleted.onChange = deletedFile.changed
  groups.onChange(groupFile.changed)
  offsets.onChange = offsetFile.changed
  slaveOffsets.onChange = slaveOffsetFile.changed
  schedule.onChange = delayFile.changed
  return {
    topics: topicFile,
    deletedTopics: deletedFile,
    groups: groupFile,
    offsets: offsetFile,
    delays: delayFile,
    slaveOffsets: slaveOffsetFile,
  }
}
