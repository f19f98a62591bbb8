import { isMalformed } from '@apogee/base'
import {
  BrokerStatsData,
  ConsumeStatsList,
  formatPropertiesText,
  GetConsumeStatsInBrokerHeader,
  HARuntimeInfo,
  KVTable,
  ProducerTableInfo,
  parsePropertiesText,
  RequestCode,
  ResponseCode,
  ViewBrokerStatsDataRequestHeader,
} from '@apogee/protocol'
import { type AdminTransport, bodyOf, invalidAnswer } from '../transport/admin-transport.ts'
import { type Answers, askEach, orNull } from './answers.ts'
import type { ClusterOperations } from './cluster-operations.ts'
import type { BrokerTarget, Where } from './where.ts'

/** What one broker said. */
export interface OfBroker<T> {
  readonly broker: BrokerTarget
  readonly value: T
}

/** Counters that VIEW_BROKER_STATS_DATA knows (Java: Stats). */
export type StatsName =
  | 'TOPIC_PUT_NUMS'
  | 'TOPIC_PUT_SIZE'
  | 'GROUP_GET_NUMS'
  | 'GROUP_GET_SIZE'
  | 'SNDBCK_PUT_NUMS'
  | 'BROKER_PUT_NUMS'
  | 'BROKER_GET_NUMS'

/** Brokers themselves: what they report, how they are configured, and their housekeeping. */
export class BrokerOperations {
  private readonly transport: AdminTransport
  private readonly cluster: ClusterOperations

  constructor(transport: AdminTransport, cluster: ClusterOperations) {
    this.transport = transport
    this.cluster = cluster
  }

  /** GET_BROKER_RUNTIME_INFO (28) of each, slaves too. Rejects with ADMIN_BROKER_UNREACHABLE when none answers. */
  async status(where: Where): Promise<Answers<OfBroker<ReadonlyMap<string, string>>>> {
    const request = { code: RequestCode.GET_BROKER_RUNTIME_INFO, header: {}, values: {} }
    return this.each(where, true, async (address) => {
      const { table } = await this.transport.callBody(address, request, KVTable)
      return table
    })
  }

  /** GET_BROKER_HA_STATUS (907) of each, slaves too: what masters know of their slaves, and slaves of themselves. */
  replication(where: Where): Promise<Answers<OfBroker<HARuntimeInfo>>> {
    const request = { code: RequestCode.GET_BROKER_HA_STATUS, header: {}, values: {} }
    return this.each(where, true, (address) =>
      this.transport.callBody(address, request, HARuntimeInfo),
    )
  }

  /** GET_BROKER_CONFIG (26) of each, slaves too. */
  async config(where: Where): Promise<Answers<OfBroker<ReadonlyMap<string, string>>>> {
    const request = { code: RequestCode.GET_BROKER_CONFIG, header: {}, values: {} }
    return this.each(where, true, async (address) => {
      const { body } = await this.transport.call(address, request)
      const entries = parsePropertiesText(body)
      if (isMalformed(entries)) throw invalidAnswer(address, entries.detail)
      return entries
    })
  }

  /**
   * UPDATE_BROKER_CONFIG (25) at masters, and at slaves with `withSlaves`. Rejects with ADMIN_NO_PERMISSION for keys that
   * may not change while a broker runs, ADMIN_REFUSED for unknown keys and bad values.
   */
  async setConfig(
    where: Where,
    entries: ReadonlyMap<string, string>,
    withSlaves = false,
  ): Promise<Answers<OfBroker<null>>> {
    const body = Buffer.from(formatPropertiesText(entries))
    return this.run(where, { code: RequestCode.UPDATE_BROKER_CONFIG, body }, withSlaves)
  }

  /** CLEAN_EXPIRED_CONSUMEQUEUE (306): queue entries whose messages are gone from the log. */
  cleanExpiredConsumeQueues(where: Where): Promise<Answers<OfBroker<null>>> {
    return this.run(where, { code: RequestCode.CLEAN_EXPIRED_CONSUMEQUEUE })
  }

  /** DELETE_EXPIRED_COMMITLOG (329): log files older than the broker's fileReservedTime, without waiting for its hour. */
  deleteExpiredCommitLog(where: Where): Promise<Answers<OfBroker<null>>> {
    return this.run(where, { code: RequestCode.DELETE_EXPIRED_COMMITLOG })
  }

  /** CLEAN_UNUSED_TOPIC (316): queues on disk whose topic is not configured any more. */
  cleanUnusedTopics(where: Where): Promise<Answers<OfBroker<null>>> {
    return this.run(where, { code: RequestCode.CLEAN_UNUSED_TOPIC })
  }

  /** VIEW_BROKER_STATS_DATA (315); null when nothing has been counted under this key. */
  async stats(
    address: string,
    statsName: StatsName,
    statsKey: string,
  ): Promise<BrokerStatsData | null> {
    const request = {
      code: RequestCode.VIEW_BROKER_STATS_DATA,
      header: ViewBrokerStatsDataRequestHeader,
      values: { statsName, statsKey },
    }
    return orNull(
      this.transport.callBody(address, request, BrokerStatsData),
      ResponseCode.SYSTEM_ERROR,
    )
  }

  /** GET_BROKER_CONSUME_STATS (317): how far every group is in everything that this broker has. May be large: 30 s. */
  async consumeStats(
    address: string,
    isOrder = false,
    timeoutMs = 30_000,
  ): Promise<ConsumeStatsList> {
    const { body } = await this.transport.call(address, {
      code: RequestCode.GET_BROKER_CONSUME_STATS,
      header: GetConsumeStatsInBrokerHeader,
      values: { isOrder },
      timeoutMs,
    })
    return bodyOf(ConsumeStatsList, body, address)
  }

  /** GET_ALL_PRODUCER_INFO (328): producers connected to one broker, by group. */
  producers(address: string): Promise<ProducerTableInfo> {
    const request = { code: RequestCode.GET_ALL_PRODUCER_INFO, header: {}, values: {} }
    return this.transport.callBody(address, request, ProducerTableInfo)
  }

  private run(
    where: Where,
    request: { code: number; body?: Buffer },
    withSlaves = true,
  ): Promise<Answers<OfBroker<null>>> {
    return this.each(where, withSlaves, async (address) => {
      await this.transport.call(address, { ...request, header: {}, values: {} })
      return null
    })
  }

  private async each<T>(
    where: Where,
    withSlaves: boolean,
    ask: (address: string) => Promise<T>,
  ): Promise<Answers<OfBroker<T>>> {
    const targets = await this.cluster.targets(where, withSlaves)
    return askEach(
      targets,
      ({ address }) => address,
      async (broker) => ({ broker, value: await ask(broker.address) }),
    )
  }
}
