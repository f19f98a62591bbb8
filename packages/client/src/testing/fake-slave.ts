import { isMalformed } from '@apogee/base'
import {
  decodeBody,
  encodeBody,
  encodeHeader,
  encodeRegisterBrokerBody,
  GetConsumerListByGroupRequestHeader,
  GetConsumerListByGroupResponseBody,
  GetMaxOffsetRequestHeader,
  HeartbeatData,
  inspectRecord,
  PullMessageRequestHeader,
  PullMessageResponseHeader,
  QueryConsumerOffsetRequestHeader,
  QueryConsumerOffsetResponseHeader,
  RECORD_OK,
  RecordView,
  RegisterBrokerRequestHeader,
  RequestCode,
  ResponseCode,
  UpdateConsumerOffsetRequestHeader,
} from '@apogee/protocol'
import {
  type Answer,
  HandlerRegistry,
  handler,
  RemotingClient,
  RemotingServer,
  refuse,
  silentLogger,
  succeedWith,
  success,
} from '@apogee/remoting'
import { BROKER_PORT, type ClientWorld, nameServerHost } from './client-world.ts'
import type { ConsumerWorld } from './consumer-world.ts'

const VERSION = { stateVersion: 0, timestamp: 0, counter: 0 }
const CLIENT = { lane: 'pull', permission: 'client' } as const

/** How this slave answers a pull; each may be changed while it runs. */
export interface SlaveBehaviour {
  /** What it suggests for the next pull. */
  suggests: 'itself' | 'master'
  /** At its end: ours keeps the pull (`park`), Apache's answers 20 for as long as it believes that its master lives. */
  atEnd: 'park' | 'retry'
  /** Every pull gets this code, with this offset. */
  refuses: { code: number; offset: number } | null
}

/**
 * A slave of a real broker, whose every answer a test decides. It has what `copy` gave it: the records of its master, byte
 * for byte. It registers itself, and counts what it is asked.
 */
export class FakeSlave {
  readonly address: string
  readonly behaviour: SlaveBehaviour = { suggests: 'itself', atEnd: 'park', refuses: null }
  /** Request code → how often. */
  readonly asked: Map<number, number> = new Map()
  /** `group topic queueId` → offset: what the master's were, and what clients have stored. */
  readonly offsets: Map<string, number> = new Map()
  /** Client ids of groups, by heartbeats. */
  private readonly members = new Map<string, Set<string>>()
  private readonly queues = new Map<string, Buffer[]>()
  private readonly host: string
  private readonly brokerName: string
  private readonly brokerId: number

  constructor(brokerName: string, brokerId = 1) {
    this.host = `10.0.3.${brokerId}`
    this.address = `${this.host}:${BROKER_PORT}`
    this.brokerName = brokerName
    this.brokerId = brokerId
  }

  count(code: number): number {
    return this.asked.get(code) ?? 0
  }

  async start(world: ClientWorld): Promise<void> {
    const env = world.world.host(this.host).boot()
    const registry = this.handlers()
    const log = silentLogger
    const server = new RemotingServer(
      { host: this.host, port: BROKER_PORT },
      { env, registry, log },
    )
    await world.settle(server.start())
    const client = new RemotingClient({}, { env, log, registry: new HandlerRegistry() })
    const fields = encodeHeader(RegisterBrokerRequestHeader, {
      brokerName: this.brokerName,
      brokerAddr: this.address,
      clusterName: 'DefaultCluster',
      haServerAddr: '',
      brokerId: this.brokerId,
    })
    const body = encodeRegisterBrokerBody(
      {
        topicConfigSerializeWrapper: {
          topicConfigTable: new Map(),
          dataVersion: VERSION,
          topicQueueMappingInfoMap: new Map(),
          topicQueueMappingDetailMap: new Map(),
          mappingDataVersion: VERSION,
        },
        filterServerList: [],
      },
      false,
    )
    const request = { code: RequestCode.REGISTER_BROKER, fields, body }
    const register = async (): Promise<void> => {
      await client.invoke(`${nameServerHost(1)}:9876`, request, 3_000)
      env.clock.after(20_000, () => void register())
    }
    await world.settle(register())
  }

  /** Copies what the master has of a queue that this one has not. */
  async copy(world: ConsumerWorld, master: string, topic: string, queueId = 0): Promise<void> {
    const records = this.records(topic, queueId)
    while (true) {
      const fields = encodeHeader(PullMessageRequestHeader, {
        consumerGroup: 'copier',
        topic,
        queueId,
        queueOffset: records.length,
        maxMsgNums: 32,
        sysFlag: 4,
        commitOffset: 0,
        suspendTimeoutMillis: 0,
        subscription: '*',
        subVersion: 0,
      })
      const request = { code: RequestCode.PULL_MESSAGE, fields }
      const response = await world.settle(world.tool.remote.invoke(master, request, 3_000))
      if (response.code !== ResponseCode.SUCCESS) return
      records.push(...recordsOf(response.body))
    }
  }

  private records(topic: string, queueId: number): Buffer[] {
    const key = `${topic} ${queueId}`
    let records = this.queues.get(key)
    if (records === undefined) {
      records = []
      this.queues.set(key, records)
    }
    return records
  }

  private handlers(): HandlerRegistry {
    const count = (code: number): void => void this.asked.set(code, this.count(code) + 1)
    const offsetOf = (offset: number): Answer =>
      succeedWith(QueryConsumerOffsetResponseHeader, { offset })
    return new HandlerRegistry().add(
      handler({
        ...CLIENT,
        code: RequestCode.HEART_BEAT,
        header: {},
        handle: ({ body }) => {
          count(RequestCode.HEART_BEAT)
          return this.heartbeat(body)
        },
      }),
      handler({
        ...CLIENT,
        code: RequestCode.PULL_MESSAGE,
        header: PullMessageRequestHeader,
        handle: (request) => {
          count(RequestCode.PULL_MESSAGE)
          return this.pull(request.header, (answer) => request.reply(answer))
        },
      }),
      handler({
        ...CLIENT,
        code: RequestCode.QUERY_CONSUMER_OFFSET,
        header: QueryConsumerOffsetRequestHeader,
        handle: ({ header }) => {
          count(RequestCode.QUERY_CONSUMER_OFFSET)
          const { consumerGroup, topic, queueId } = header
          const offset = this.offsets.get(`${consumerGroup} ${topic} ${queueId}`)
          if (offset !== undefined) return offsetOf(offset)
          return refuse(ResponseCode.QUERY_NOT_FOUND, 'no offset')
        },
      }),
      handler({
        ...CLIENT,
        code: RequestCode.UPDATE_CONSUMER_OFFSET,
        header: UpdateConsumerOffsetRequestHeader,
        handle: ({ header }) => {
          count(RequestCode.UPDATE_CONSUMER_OFFSET)
          const { consumerGroup, topic, queueId, commitOffset } = header
          this.offsets.set(`${consumerGroup} ${topic} ${queueId}`, commitOffset)
          return success()
        },
      }),
      handler({
        ...CLIENT,
        code: RequestCode.GET_MAX_OFFSET,
        header: GetMaxOffsetRequestHeader,
        handle: ({ header }) => offsetOf(this.records(header.topic, header.queueId).length),
      }),
      handler({
        ...CLIENT,
        code: RequestCode.GET_CONSUMER_LIST_BY_GROUP,
        header: GetConsumerListByGroupRequestHeader,
        handle: ({ header }) => {
          count(RequestCode.GET_CONSUMER_LIST_BY_GROUP)
          const consumerIdList = [...(this.members.get(header.consumerGroup) ?? [])]
          return success(encodeBody(GetConsumerListByGroupResponseBody, { consumerIdList }))
        },
      }),
    )
  }

  private heartbeat(body: Buffer): Answer {
    const data = decodeBody(HeartbeatData, body)
    if (isMalformed(data)) return refuse(ResponseCode.SYSTEM_ERROR, data.detail)
    for (const { groupName } of data.consumerDataSet) {
      const members = this.members.get(groupName) ?? new Set()
      this.members.set(groupName, members.add(data.clientID))
    }
    return success()
  }

  private pull(
    { topic, queueId, queueOffset, maxMsgNums }: PullMessageRequestHeader,
    reply: (answer: Answer) => void,
  ): Answer | null {
    const { suggests, atEnd, refuses } = this.behaviour
    const records = this.records(topic, queueId)
    const answer = (code: number, nextBeginOffset: number, body?: Buffer): Answer => ({
      ...succeedWith(
        PullMessageResponseHeader,
        {
          suggestWhichBrokerId: suggests === 'itself' ? this.brokerId : 0,
          nextBeginOffset,
          minOffset: 0,
          maxOffset: records.length,
        },
        body,
      ),
      code,
    })
    if (refuses !== null) return answer(refuses.code, refuses.offset)
    const some = records.slice(queueOffset, queueOffset + maxMsgNums)
    if (some.length > 0) return answer(0, queueOffset + some.length, Buffer.concat(some))
    if (atEnd === 'retry') return answer(ResponseCode.PULL_RETRY_IMMEDIATELY, queueOffset)
    this.parked.push(() => reply(answer(ResponseCode.PULL_NOT_FOUND, queueOffset)))
    return null
  }

  /** Pulls that wait at the end; a test lets them go. */
  readonly parked: (() => void)[] = []
}

function recordsOf(body: Buffer): Buffer[] {
  const view = new RecordView()
  const records: Buffer[] = []
  for (let at = 0; at < body.length; at += view.totalSize) {
    if (inspectRecord(body, at, body.length, view) !== RECORD_OK) throw new Error('no record')
    records.push(Buffer.from(body.subarray(at, at + view.totalSize)))
  }
  return records
}
