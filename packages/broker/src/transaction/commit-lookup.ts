import type { Clock } from '@apogee/env'
import {
  MessageConst,
  type MessageExt,
  MessageSysFlag,
  SystemTopic,
  transactionValueOf,
} from '@apogee/protocol'
import type { MessageStore } from '@apogee/store'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { Half } from './core/half.ts'
import { readHalf, readMessage } from './half-record.ts'
import { delayLevelOf } from './transaction-drafts.ts'

/** Messages with the same unique key that are looked at. */
const FOUND_MAX = 16
/** Clocks that were set meanwhile. */
const CLOCK_SLACK_MS = 24 * 3_600_000

/**
 * Whether a half message that looks undecided after a restart was committed before it: a kill may have taken the decision
 * after the message was stored. The key index finds the message by its unique key, and the message names the half.
 * Java: none; Apache stores such a message again.
 */
export class CommitLookup {
  private readonly config: BrokerConfig
  private readonly store: Pick<MessageStore, 'queryByKey' | 'readRecord'>
  private readonly clock: Clock
  /** What was stored later was decided in this process, if at all. */
  private readonly startOffset: number

  constructor(
    config: BrokerConfig,
    deps: {
      store: Pick<MessageStore, 'maxPhysicalOffset' | 'queryByKey' | 'readRecord'>
      clock: Clock
    },
  ) {
    this.config = config
    this.store = deps.store
    this.clock = deps.clock
    this.startOffset = deps.store.maxPhysicalOffset
  }

  /** False also when it cannot be told. */
  async isCommitted(half: Half, message: MessageExt): Promise<boolean> {
    const uniqKey = message.properties.get(MessageConst.UNIQ_KEY)
    if (half.physicalOffset >= this.startOffset || uniqKey === undefined) return false
    if (!this.config.values.messageIndexEnable) return false
    const topic = delayLevelOf(message) > 0 ? SystemTopic.SCHEDULE : half.topic
    const fromMs = half.bornMs - CLOCK_SLACK_MS
    const toMs = this.clock.wallMs() + CLOCK_SLACK_MS
    const found = await this.store.queryByKey(topic, uniqKey, FOUND_MAX, fromMs, toMs)
    for (const record of found.records) {
      const committed = readMessage(record)
      if (committed === null) continue
      const { preparedTransactionOffset, sysFlag } = committed
      if (transactionValueOf(sysFlag) !== MessageSysFlag.TRANSACTION_COMMIT) continue
      // Any copy of the half message may have been the one that was named.
      const named = readMessage(await this.store.readRecord(preparedTransactionOffset))
      if (named !== null && readHalf(named)?.identity === half.identity) return true
    }
    return false
  }
}
