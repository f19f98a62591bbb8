import type { Clock } from '@apogee/env'
import {
  encodeBody,
  encodeHeader,
  RequestCode,
  ResponseCode,
  SubscriptionGroupConfig,
  UpdateConsumerOffsetRequestHeader,
} from '@apogee/protocol'
import type { Logger, RemotingClient } from '@apogee/remoting'
import type { BrokerConfig } from '../config/broker-config.ts'
import { subscriptionGroup } from '../subscription/subscription-group-config.ts'
import type { QueueOffset } from './core/offset-merge.ts'
import type { SlaveOffsets } from './slave-offsets.ts'
import { FORWARD_ONLY_FIELD } from './table-version.ts'

/** Offsets that are told to the master at a time. */
const TELL_AT_ONCE = 32
const TIMEOUT_MS = 3000
/** A group that the master neither has nor lets a slave make may come to it with a heartbeat; longer nobody waits. */
const GROUP_WAIT_MS = 120_000

export interface OffsetTellerDeps {
  client: Pick<RemotingClient, 'invoke'>
  clock: Clock
  log: Logger
  /** What clients committed here and the master was not told. */
  committed: SlaveOffsets
  stopped: () => boolean
}

/**
 * Gives a master that is back what clients committed to its slave meanwhile: UPDATE_CONSUMER_OFFSET (15), never backwards.
 * A group whose first consumers came while the master was away is made there before (200), for its offsets would be
 * refused and its consumers, sent to the master, would begin anew.
 */
export class OffsetTeller {
  private readonly config: BrokerConfig
  private readonly deps: OffsetTellerDeps
  /** Since when the master knows no group for these. */
  private readonly waiting = new WeakMap<QueueOffset, number>()

  constructor(config: BrokerConfig, deps: OffsetTellerDeps) {
    this.config = config
    this.deps = deps
  }

  /** Tells the master what is higher here; returns what it has taken. Rejects when the master is gone. */
  async tell(address: string, higher: readonly QueueOffset[]): Promise<QueueOffset[]> {
    const told: QueueOffset[] = []
    const groups = new Map<string, Promise<void>>()
    for (let i = 0; i < higher.length && !this.deps.stopped(); i += TELL_AT_ONCE) {
      const some = higher.slice(i, i + TELL_AT_ONCE)
      const taken = await Promise.all(some.map((one) => this.tellOne(address, one, groups)))
      told.push(...some.filter((_, at) => taken[at]))
    }
    if (told.length > 0) this.deps.log.info({ event: 'offsets_flowed_back', count: told.length })
    return told
  }

  private async tellOne(
    address: string,
    one: QueueOffset,
    groups: Map<string, Promise<void>>,
  ): Promise<boolean> {
    const { clock, committed, log } = this.deps
    const { group, offset: commitOffset, queueId, topic } = one
    let response = await this.commit(address, one)
    if (response.code === ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST && this.mayMakeGroups) {
      if (!groups.has(group)) groups.set(group, this.makeGroup(address, group))
      await groups.get(group)
      response = await this.commit(address, one)
    }
    if (response.code === ResponseCode.SUCCESS) {
      committed.settle(one)
      return true
    }
    const sinceMs = this.waiting.get(one) ?? clock.monotonicMs()
    this.waiting.set(one, sinceMs)
    const isLate = clock.monotonicMs() - sinceMs >= GROUP_WAIT_MS
    if (response.code === ResponseCode.TOPIC_NOT_EXIST || isLate) {
      const { code: answer, remark } = response
      log.warn({ event: 'offset_not_taken', group, topic, queueId, commitOffset, answer, remark })
      committed.settle(one)
    }
    return false
  }

  private get mayMakeGroups(): boolean {
    return this.config.values.autoCreateSubscriptionGroup
  }

  private commit(
    address: string,
    { group, offset, queueId, topic }: QueueOffset,
  ): Promise<{ code: number; remark: string | null }> {
    const header = { consumerGroup: group, topic, queueId, commitOffset: offset }
    const fields = encodeHeader(UpdateConsumerOffsetRequestHeader, header)
    // A client or another slave may be faster, with a higher one.
    fields.set(FORWARD_ONLY_FIELD, 'true')
    const code = RequestCode.UPDATE_CONSUMER_OFFSET
    return this.deps.client.invoke(address, { code, fields }, TIMEOUT_MS)
  }

  /** As its first heartbeat would have made it. */
  private async makeGroup(address: string, group: string): Promise<void> {
    const code = RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP
    const body = encodeBody(SubscriptionGroupConfig, subscriptionGroup(group))
    const response = await this.deps.client.invoke(
      address,
      { code, fields: new Map(), body },
      TIMEOUT_MS,
    )
    if (response.code === ResponseCode.SUCCESS) return
    this.deps.log.warn({ event: 'group_not_made', group, remark: response.remark })
  }
}
