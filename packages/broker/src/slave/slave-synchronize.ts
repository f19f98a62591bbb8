import { ApogeeError } from '@apogee/base'
import type { Clock, Timer } from '@apogee/env'
import type { HaSlaveStatus } from '@apogee/ha'
import { type Connection, type Logger, type RemotingClient, RemotingError } from '@apogee/remoting'
import type { MessageStore } from '@apogee/store'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { ConsumerOffsetManager } from '../offset/consumer-offset-manager.ts'
import { offsetEntries } from '../persist/tables.ts'
import type { ScheduleMessageService } from '../schedule/schedule-message-service.ts'
import type { BrokerStats } from '../stats/broker-stats.ts'
import type { SubscriptionGroupManager } from '../subscription/subscription-group-manager.ts'
import type { DeletedTopics } from '../topic/deleted-topics.ts'
import type { TopicConfigManager } from '../topic/topic-config-manager.ts'
import { mergedOffsets, offsetsToTell } from './core/offset-merge.ts'
import { nextRoundMs } from './core/round-plan.ts'
import { MasterTables } from './master-tables.ts'
import { OffsetTeller } from './offset-teller.ts'
import { QueueCleaning } from './queue-cleaning.ts'
import type { SlaveOffsets } from './slave-offsets.ts'
import { versionText } from './table-version.ts'

export interface SlaveSynchronizeDeps {
  client: Pick<RemotingClient, 'invoke' | 'peek'>
  clock: Clock
  log: Logger
  store: MessageStore
  stats: BrokerStats
  topics: TopicConfigManager
  deleted: DeletedTopics
  groups: SubscriptionGroupManager
  offsets: ConsumerOffsetManager
  schedule: ScheduleMessageService
  /** What clients committed here and the master was not told. */
  committed: SlaveOffsets
  replication: { readonly status: Pick<HaSlaveStatus, 'masterOffset'> }
  /** The master's main port answers, or does not any more; `isSilent`: it let a request time out. */
  answering: (isAnswering: boolean, isSilent: boolean) => void
}

/**
 * Keeps a slave's topics, groups, consumer offsets and delay progress as its master's: request codes 21, 201, 43, 45, one
 * at a time, every haMetadataIntervalMs, less often when the tables are large. What clients committed here while the master
 * was away goes to the master first (15). Java: SlaveSynchronize.
 */
export class SlaveSynchronize {
  private readonly config: BrokerConfig
  private readonly deps: SlaveSynchronizeDeps
  private readonly cleaning: QueueCleaning
  private tables: MasterTables | null = null
  private timer: Timer | null = null
  private isRunning = false
  private isStopped = false
  private failure = ''
  /** The connection whose loss says that the master is gone. */
  private watched: Connection | null = null
  private readonly teller: OffsetTeller

  constructor(config: BrokerConfig, deps: SlaveSynchronizeDeps) {
    this.config = config
    this.deps = deps
    this.cleaning = new QueueCleaning(deps)
    this.teller = new OffsetTeller(config, { ...deps, stopped: () => this.isStopped })
  }

  /** Asks the master at this address from now on. */
  follow(masterAddr: string | null): void {
    if (masterAddr === null || this.tables?.address === masterAddr || this.isStopped) return
    this.tables = new MasterTables(masterAddr, this.deps)
    this.runIn(0)
  }

  stop(): void {
    this.isStopped = true
    this.timer?.cancel()
  }

  private runIn(delayMs: number): void {
    if (this.isRunning || this.isStopped) return
    this.timer?.cancel()
    this.timer = this.deps.clock.after(delayMs, () => void this.run())
  }

  private async run(): Promise<void> {
    const tables = this.tables!
    this.isRunning = true
    tables.busyMs = 0
    const isDone = await this.round(tables)
    this.isRunning = false
    const { busyMs, isOurs } = tables
    const { haMetadataIntervalMs } = this.config.values
    const isOther = this.tables !== tables
    this.runIn(isOther ? 0 : nextRoundMs({ isDone, isOurs, busyMs }, haMetadataIntervalMs))
  }

  /** False when the master is not there. A table that it refuses, or that cannot be read, does not keep back the others. */
  private async round(tables: MasterTables): Promise<boolean> {
    let failure = ''
    const parts = [
      () => this.takeTopics(tables),
      () => this.takeGroups(tables),
      () => this.takeOffsets(tables),
      () => this.takeDelays(tables),
    ]
    for (const take of parts) {
      if (this.isOver(tables)) return true
      try {
        await take()
      } catch (error) {
        if (isAway(error)) {
          this.gone(tables, error)
          return false
        }
        failure ||= reasonOf(error)
      }
    }
    this.report(failure)
    return true
  }

  /** This slave has stopped, or follows another master by now. */
  private isOver(tables: MasterTables): boolean {
    return this.isStopped || this.tables !== tables
  }

  private async takeDelays(tables: MasterTables): Promise<void> {
    const { schedule } = this.deps
    const fetched = await tables.delays()
    if (fetched === null || this.isOver(tables)) return
    schedule.load(fetched.offsetTable, fetched.dataVersion)
    schedule.onChange()
  }

  private async takeTopics(tables: MasterTables): Promise<void> {
    const { deleted, replication, stats, topics } = this.deps
    const heardEnd = replication.status.masterOffset
    const fetched = await tables.topics(versionText(topics.dataVersion))
    if (this.isOver(tables)) return
    this.answered(tables)
    if (fetched === null) {
      await this.cleaning.again()
      return
    }
    const { logEnd, rows, version } = fetched
    const removed = tables.busy(() => topics.replaceAll(rows.values(), version))
    const end = logEnd ?? heardEnd
    for (const topic of removed) {
      deleted.add(topic, end)
      stats.topicDeleted(topic)
    }
    if (removed.length > 0) this.deps.log.info({ event: 'topics_deleted', topics: removed, end })
    await this.cleaning.clean(end)
  }

  private async takeGroups(tables: MasterTables): Promise<void> {
    const { groups } = this.deps
    const fetched = await tables.groups(versionText(groups.dataVersion))
    if (fetched === null || this.isOver(tables)) return
    const { forbidden, rows, version } = fetched
    tables.busy(() => groups.replaceAll(rows.values(), forbidden, version))
  }

  private async takeOffsets(tables: MasterTables): Promise<void> {
    const { committed, offsets } = this.deps
    const fetched = await tables.offsets(committed.size > 0)
    if (fetched === null || this.isOver(tables)) return
    const { dataVersion, offsetTable } = fetched
    const { higher, settled } = offsetsToTell(offsetTable, committed.all())
    for (const one of settled) committed.settle(one)
    const told = await this.teller.tell(tables.address, higher)
    if (this.isOver(tables)) return
    tables.busy(() => {
      // With what was committed meanwhile.
      const here = [...told, ...committed.all()]
      offsets.replaceAll(offsetEntries(mergedOffsets(offsetTable, here)), dataVersion)
    })
  }

  private answered(tables: MasterTables): void {
    this.deps.answering(true, false)
    const connection = this.deps.client.peek(tables.address)
    if (connection === null || connection === this.watched) return
    this.watched = connection
    connection.onClose(() => {
      if (this.watched !== connection) return
      this.watched = null
      if (this.isOver(tables)) return
      this.deps.answering(false, false)
      this.runIn(0)
    })
  }

  private gone(tables: MasterTables, error: ApogeeError): void {
    if (this.tables !== tables) return
    this.deps.answering(false, error.code === RemotingError.TIMEOUT)
    this.report(reasonOf(error))
  }

  /** Once for each new reason; a master that is away is asked every second. */
  private report(failure: string): void {
    if (failure === this.failure) return
    const master = this.tables?.address
    if (failure === '') this.deps.log.info({ event: 'metadata_followed', master })
    else this.deps.log.warn({ event: 'metadata_not_followed', master, reason: failure })
    this.failure = failure
  }
}

/** Whether no answer came: a refusal is one, and so is a response that cannot be read. */
function isAway(error: unknown): error is ApogeeError {
  if (!(error instanceof ApogeeError) || error.code === RemotingError.RESPONSE_MALFORMED)
    return false
  return error.code.startsWith('REMOTING_')
}

function reasonOf(error: unknown): string {
  const { code, message } = error as Error & { code?: string }
  return code === undefined ? message : `${code}: ${message}`
}
