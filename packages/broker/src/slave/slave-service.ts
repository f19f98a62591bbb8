import type { Timer } from '@apogee/env'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { BrokerOuterApi } from '../outer/broker-outer-api.ts'
import type { MasterWatch } from '../replication/master-watch.ts'
import { type LogFollower, MasterLink, type MasterLinkDeps } from './master-link.ts'
import { SlaveSynchronize, type SlaveSynchronizeDeps } from './slave-synchronize.ts'

/** How often the slave looks whether its master is still there; a lost connection is heard of at once. */
const LOOK_MS = 1000

export interface SlaveServiceDeps
  extends Omit<SlaveSynchronizeDeps, 'answering' | 'replication'>,
    Omit<MasterLinkDeps, 'master' | 'replication' | 'client'> {
  replication: LogFollower
  outer: Pick<BrokerOuterApi, 'master' | 'onMaster' | 'searching'>
  /** Whether the master is there. */
  watch: MasterWatch
  /** Makes the topics of queues that no table names. */
  recoverTopics: () => Promise<void>
}

/**
 * What a slave does for its master's sake: finds it, copies its log, and keeps its tables. Commits of clients are taken
 * whether the master is there or not, and remembered until it has them.
 */
export class SlaveService {
  private readonly deps: SlaveServiceDeps
  private readonly link: MasterLink
  private readonly synchronize: SlaveSynchronize
  private timer: Timer | null = null
  private wasFollowing = false
  private isStopped = false

  constructor(config: BrokerConfig, deps: SlaveServiceDeps) {
    this.deps = deps
    const { outer, watch } = deps
    this.link = new MasterLink(config, { ...deps, master: () => outer.master.addresses })
    this.synchronize = new SlaveSynchronize(config, {
      ...deps,
      answering: (isAnswering, isSilent) => {
        watch.isAnswering = isAnswering
        // Who was silent, and then cannot be reached, is gone: that replication still stands means nothing.
        watch.isSilent = !isAnswering && (isSilent || watch.isSilent)
        this.search()
      },
    })
  }

  start(): void {
    const { committed, offsets, outer } = this.deps
    offsets.onCommit = (group, topic, queueId, offset) =>
      committed.committed(group, topic, queueId, offset)
    outer.onMaster = () => this.found()
    this.found()
    this.lookAgain()
  }

  stop(): void {
    this.isStopped = true
    this.timer?.cancel()
    this.link.stop()
    this.synchronize.stop()
  }

  /** Why it cannot even try to follow its master; null when nothing is wrong. */
  get problem(): { code: string; message: string } | null {
    return this.link.problem
  }

  /** Replication has changed its state. */
  replicationChanged(): void {
    if (this.isStopped) return
    const isFollowing = this.deps.replication.status.state === 'following'
    // A topic made just before the master died may have come with its messages only. They must be readable.
    if (this.wasFollowing && !isFollowing) void this.recoverTopics()
    this.wasFollowing = isFollowing
    this.link.look()
    this.search()
  }

  private async recoverTopics(): Promise<void> {
    try {
      await this.deps.recoverTopics()
    } catch (error) {
      // They stay unreadable until the master is back, or the next start.
      this.deps.log.error({ event: 'topics_not_recovered', err: error })
    }
  }

  private found(): void {
    this.synchronize.follow(this.deps.outer.master.addresses?.masterAddr ?? null)
    this.replicationChanged()
  }

  private lookAgain(): void {
    this.timer = this.deps.clock.after(LOOK_MS, () => {
      this.replicationChanged()
      this.lookAgain()
    })
  }

  /** NameServers are asked more often while the master is not there. */
  private search(): void {
    this.deps.outer.searching = !this.deps.watch.isAlive
  }
}
