import type { Env } from '@apogee/env'
import {
  ConsumeMessageDirectlyResult,
  ConsumeMessageDirectlyResultRequestHeader,
  type ConsumeType,
  encodeBody,
  GetConsumerRunningInfoRequestHeader,
  GetConsumerStatusBody,
  GetConsumerStatusRequestHeader,
  HeartbeatData,
  type JsonOutput,
  JsonPairs,
  type MessageModel,
  RequestCode,
  writeFastjson,
} from '@apogee/protocol'
import { HandlerRegistry, handler, RemotingClient, silentLogger, success } from '@apogee/remoting'

export interface OwnedForTest {
  readonly topic: string
  readonly brokerName?: string
  readonly queueId: number
  readonly cachedMsgCount?: number
  readonly lastPullTimestamp?: number
  readonly isDropped?: boolean
}

export interface TestConsumerOptions {
  readonly group: string
  readonly topic: string
  readonly expression?: string
  /** Addresses. */
  readonly brokers?: readonly string[]
  readonly owns?: readonly OwnedForTest[]
  readonly consumeRtMs?: number
  readonly consumeType?: ConsumeType
  readonly messageModel?: MessageModel
  readonly producerGroup?: string
  /** Does not tell what it does. */
  readonly isSilent?: boolean
}

/** A consumer as brokers see it: it sends heartbeats and answers what it is asked, and consumes nothing. */
export class TestConsumer {
  readonly clientId: string
  owns: readonly OwnedForTest[]
  private readonly client: RemotingClient
  private readonly options: TestConsumerOptions
  private readonly startedMs: number

  constructor(env: Env, clientId: string, options: TestConsumerOptions) {
    this.clientId = clientId
    this.options = options
    this.owns = options.owns ?? []
    this.startedMs = env.clock.wallMs()
    const registry = new HandlerRegistry()
    const common = { lane: 'admin', permission: 'client' } as const
    if (options.isSilent !== true) {
      registry.add(
        handler({
          ...common,
          code: RequestCode.GET_CONSUMER_RUNNING_INFO,
          header: GetConsumerRunningInfoRequestHeader,
          handle: () => success(this.runningInfo()),
        }),
      )
    }
    registry.add(
      handler({
        ...common,
        code: RequestCode.CONSUME_MESSAGE_DIRECTLY,
        header: ConsumeMessageDirectlyResultRequestHeader,
        handle: () => success(encodeBody(ConsumeMessageDirectlyResult, CONSUMED)),
      }),
    )
    registry.add(
      handler({
        ...common,
        code: RequestCode.GET_CONSUMER_STATUS_FROM_CLIENT,
        header: GetConsumerStatusRequestHeader,
        handle: () => success(this.status()),
      }),
    )
    this.client = new RemotingClient({}, { env, log: silentLogger, registry })
  }

  async heartbeat(address: string): Promise<void> {
    const {
      group,
      topic,
      expression = '*',
      consumeType,
      messageModel,
      producerGroup,
    } = this.options
    const tags = expression === '*' ? [] : expression.split('||').map((tag) => tag.trim())
    const body = encodeBody(HeartbeatData, {
      clientID: this.clientId,
      heartbeatFingerprint: 0,
      withoutSub: false,
      producerDataSet: producerGroup === undefined ? [] : [{ groupName: producerGroup }],
      consumerDataSet: [
        {
          groupName: group,
          consumeType: consumeType ?? 'CONSUME_PASSIVELY',
          messageModel: messageModel ?? 'CLUSTERING',
          consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
          unitMode: false,
          subscriptionDataSet: [
            {
              classFilterMode: false,
              topic,
              subString: expression,
              tagsSet: tags,
              codeSet: [],
              subVersion: 1,
              expressionType: 'TAG',
            },
          ],
        },
      ],
    })
    const response = await this.client.invoke(
      address,
      { code: RequestCode.HEART_BEAT, body },
      3_000,
    )
    if (response.code !== 0) throw new Error(`heartbeat: ${response.code} ${response.remark}`)
  }

  close(): Promise<void> {
    return this.client.close()
  }

  /** As Java writes it: maps keyed by queues. */
  private runningInfo(): Buffer {
    const { topic, expression = '*', consumeRtMs = 1 } = this.options
    const queues = this.owns.map((owned) => ({
      key: keyOf(owned),
      value: new Map<string, JsonOutput>([
        ['cachedMsgCount', owned.cachedMsgCount ?? 0],
        ['commitOffset', 0],
        ['droped', owned.isDropped ?? false],
        ['lastPullTimestamp', owned.lastPullTimestamp ?? 0],
        ['locked', false],
      ]),
    }))
    const subscription = new Map<string, JsonOutput>([
      ['topic', topic],
      ['subString', expression],
      ['expressionType', 'TAG'],
      ['subVersion', 1],
    ])
    const status = new Map<string, JsonOutput>([
      ['consumeRT', consumeRtMs],
      ['consumeOKTPS', 0.5],
      ['pullTPS', 1],
    ])
    const properties = new Map<string, JsonOutput>([
      ['PROP_CONSUMER_START_TIMESTAMP', String(this.startedMs)],
      ['PROP_CONSUME_TYPE', 'CONSUME_PASSIVELY'],
    ])
    return writeFastjson(
      new Map<string, JsonOutput>([
        ['properties', properties],
        ['subscriptionSet', [subscription]],
        ['mqTable', new JsonPairs(queues)],
        ['statusTable', new Map([[topic, status]])],
      ]),
    )
  }

  private status(): Buffer {
    const messageQueueTable = this.owns.map(({ topic, brokerName = 'broker-1', queueId }) => ({
      key: { topic, brokerName, queueId },
      value: 7,
    }))
    return encodeBody(GetConsumerStatusBody, { messageQueueTable, consumerTable: new Map() })
  }
}

const CONSUMED: ConsumeMessageDirectlyResult = {
  order: false,
  autoCommit: true,
  consumeResult: 'CR_SUCCESS',
  remark: null,
  spentTimeMills: 3,
}

function keyOf({ topic, brokerName = 'broker-1', queueId }: OwnedForTest): JsonOutput {
  return new Map<string, JsonOutput>([
    ['brokerName', brokerName],
    ['queueId', queueId],
    ['topic', topic],
  ])
}
