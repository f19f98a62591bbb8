import type { GetQuery, GetResult, MessageStore } from '@apogee/store'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { ConsumerOffsetManager } from '../offset/consumer-offset-manager.ts'
import type { HaServices } from '../replication/ha-services.ts'
import type { MasterWatch } from '../replication/master-watch.ts'
import type { SubscriptionGroupConfig } from '../subscription/subscription-group-config.ts'
import { CallBack } from './call-back.ts'
import { advise, PullAdvice, PullSituation } from './core/pull-advice.ts'

export interface PullGuideDeps {
  config: BrokerConfig
  store: MessageStore
  offsets: ConsumerOffsetManager
  ha: HaServices
  masterWatch: MasterWatch
  /** Physical memory, bytes; Infinity when it is not known: then nobody is sent to a slave. */
  memoryBytes: number
}

/** Looks at both replicas for `advise`. */
export class PullGuide {
  private readonly deps: PullGuideDeps
  private readonly situation = new PullSituation()
  private readonly advice = new PullAdvice()
  private readonly callBack = new CallBack()

  constructor(deps: PullGuideDeps) {
    this.deps = deps
  }

  /** Where the reader that got `result` for `query` goes on. Valid until the next call. */
  advise(result: GetResult, query: GetQuery, group: SubscriptionGroupConfig): PullAdvice {
    const { advice, deps, situation } = this
    const { values } = deps.config
    situation.status = result.status
    situation.offset = query.offset
    situation.nextBeginOffset = result.nextBeginOffset
    situation.brokerId = deps.ha.slave === null ? 0 : values.brokerId
    situation.memoryBytes = (deps.memoryBytes * values.accessMessageInMemoryMaxRatio) / 100
    situation.slavesAreRead = values.slaveReadEnable
    situation.checksOffset = values.offsetCheckInSlave
    situation.groupBrokerId = group.brokerId
    situation.groupSlowBrokerId = group.whichBrokerWhenConsumeSlowly
    if (deps.ha.slave === null) this.lookAtSlaves(result.endPhysicalOffset)
    else this.lookAtMaster(result.endPhysicalOffset, query, group.groupName)
    advise(advice, situation)
    return advice
  }

  private lookAtSlaves(readTo: number): void {
    const { deps, situation } = this
    situation.bytesBehind = deps.store.maxPhysicalOffset - readTo
    // Nearly everybody reads near the end: nobody needs to be looked for then.
    const isOld = situation.status === 'FOUND' && situation.bytesBehind > situation.memoryBytes
    const isAsked = isOld || situation.groupBrokerId !== 0
    const peers = isAsked ? (deps.ha.master?.peers ?? []) : []
    situation.slaveHasIt = peers.some(({ ackOffset }) => ackOffset >= readTo)
  }

  private lookAtMaster(readTo: number, query: GetQuery, group: string): void {
    const { deps, situation } = this
    const { masterOffset, state } = deps.ha.slave!.status
    const { maxPhysicalOffset } = deps.store
    situation.bytesBehind = Math.max(masterOffset, maxPhysicalOffset) - readTo
    situation.isMasterAlive = deps.masterWatch.isAlive
    // Who does not follow does not hear of what comes to the master.
    situation.isBehindMaster = state !== 'following' || masterOffset > maxPhysicalOffset
    const { offset, queueId, topic } = query
    const committed = deps.offsets.queryOffset(group, topic, queueId)
    situation.isCalledBack = this.callBack.wants(group, topic, queueId, committed, offset)
  }
}
