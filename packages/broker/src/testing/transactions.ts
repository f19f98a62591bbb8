import { isMalformed } from '@apogee/base'
import {
  CheckTransactionStateRequestHeader,
  decodeRecord,
  EndTransactionRequestHeader,
  HeartbeatData,
  MessageConst,
  type MessageExt,
  MessageSysFlag,
  parseOffsetMsgId,
  RequestCode,
  SystemTopic,
} from '@apogee/protocol'
import {
  HandlerRegistry,
  handler,
  RemotingClient,
  type Response,
  silentLogger,
  success,
} from '@apogee/remoting'
import type { BrokerConfigValues } from '../config/config-values.ts'
import { BrokerWorld } from './broker-world.ts'
import { messagesOf, properties, sendFields, sendHeader } from './requests.ts'

/** A prepared message as its producer knows it. */
export interface Prepared {
  readonly id: string
  readonly offset: number
  readonly physicalOffset: number
}

/** A question of the broker's. */
export interface Check extends Prepared {
  readonly message: MessageExt
  readonly header: CheckTransactionStateRequestHeader
}

export type Decision = 'commit' | 'rollback' | 'unknown'

const VALUES: Record<Decision, number> = {
  commit: MessageSysFlag.TRANSACTION_COMMIT,
  rollback: MessageSysFlag.TRANSACTION_ROLLBACK,
  unknown: 0,
}

/** A producer of transactions in the simulator, of group `tp`. It remembers what it is asked. */
export class TestTransactionProducer {
  readonly checks: Check[] = []
  /** Called for each question. */
  onCheck: (check: Check) => void = () => {}
  readonly client: RemotingClient
  private readonly world: BrokerWorld

  constructor(world: BrokerWorld, address: string) {
    this.world = world
    const registry = new HandlerRegistry().add(
      handler({
        code: RequestCode.CHECK_TRANSACTION_STATE,
        lane: 'heartbeat',
        permission: 'client',
        header: CheckTransactionStateRequestHeader,
        handle: ({ body, header }) => {
          this.asked(header, body)
          return success()
        },
      }),
    )
    const env = world.world.host(address).boot()
    this.client = new RemotingClient({}, { env, log: silentLogger, registry })
  }

  /** A heartbeat: without one nobody is asked. */
  async beat(clientID = 'tp@1'): Promise<void> {
    await this.world.callBody(this.client, RequestCode.HEART_BEAT, HeartbeatData, {
      clientID,
      heartbeatFingerprint: 0,
      withoutSub: false,
      producerDataSet: [{ groupName: 'tp' }],
      consumerDataSet: [],
    })
  }

  /** Sends a half message; null when it was refused. */
  async prepare(
    topic: string,
    id: string,
    extra: [string, string][] = [],
  ): Promise<Prepared | Response> {
    return preparedBy(id, await this.world.settle(this.sendHalf(topic, id, extra)))
  }

  /** The same for a test that lets time pass itself. Rejects when it was refused or the broker is gone. */
  async prepareNow(topic: string, id: string): Promise<Prepared> {
    const result = preparedBy(id, await this.sendHalf(topic, id, []))
    if ('code' in result) throw new Error(`refused: ${result.code} ${result.remark}`)
    return result
  }

  private sendHalf(topic: string, id: string, extra: [string, string][]): Promise<Response> {
    const header = sendHeader({
      topic,
      producerGroup: 'tp',
      sysFlag: MessageSysFlag.TRANSACTION_PREPARED,
      bornTimestamp: this.world.world.clock.wallMs(),
      properties: properties(
        [MessageConst.TRANSACTION_PREPARED, 'true'],
        [MessageConst.PRODUCER_GROUP, 'tp'],
        [MessageConst.UNIQ_KEY, id],
        ...extra,
      ),
    })
    const code = RequestCode.SEND_MESSAGE_V2
    const request = { code, fields: sendFields(header, code), body: Buffer.from(id) }
    return this.client.invoke(this.world.address, request, 3000)
  }

  /** The same, for a message that must not be refused. */
  async prepared(topic: string, id: string, extra: [string, string][] = []): Promise<Prepared> {
    const result = await this.prepare(topic, id, extra)
    if ('code' in result) throw new Error(`refused: ${result.code} ${result.remark}`)
    return result
  }

  endFields(
    { id, offset, physicalOffset }: Prepared,
    decision: Decision,
    changes: Partial<EndTransactionRequestHeader> = {},
  ): EndTransactionRequestHeader {
    return {
      topic: null,
      producerGroup: 'tp',
      tranStateTableOffset: offset,
      commitLogOffset: physicalOffset,
      commitOrRollback: VALUES[decision],
      fromTransactionCheck: false,
      msgId: id,
      transactionId: id,
      ...changes,
    }
  }

  /** Ends a transaction and waits for the answer, which real producers do not want. */
  end(
    prepared: Prepared,
    decision: Decision,
    changes: Partial<EndTransactionRequestHeader> = {},
  ): Promise<Response> {
    const header = this.endFields(prepared, decision, changes)
    return this.world.call(
      this.client,
      RequestCode.END_TRANSACTION,
      EndTransactionRequestHeader,
      header,
    )
  }

  private asked(header: CheckTransactionStateRequestHeader, body: Buffer): void {
    const message = decodeRecord(body)
    if (isMalformed(message)) throw new Error('a question that nobody can read')
    const check = {
      id: header.transactionId ?? '',
      offset: header.tranStateTableOffset,
      physicalOffset: header.commitLogOffset,
      header,
      message,
    }
    this.checks.push(check)
    this.onCheck(check)
  }
}

function preparedBy(id: string, response: Response): Prepared | Response {
  if (response.code !== 0) return response
  const place = parseOffsetMsgId(response.fields.get('msgId') ?? '')
  if (isMalformed(place)) throw new Error(place.detail)
  const offset = Number(response.fields.get('queueOffset'))
  return { id, offset, physicalOffset: place.physicalOffset }
}

/** Everything in a queue, as its messages. */
export async function allOf(
  world: BrokerWorld,
  client: RemotingClient,
  topic: string,
  queueId = 0,
): Promise<MessageExt[]> {
  const messages: MessageExt[] = []
  for (;;) {
    const answer = await world.pull(client, 'g', topic, { queueId, offset: messages.length })
    if (answer.code !== 0) return messages
    messages.push(...messagesOf(answer))
  }
}

/** Offsets of the group of transactions. */
export function progressOf(world: BrokerWorld): { half: number; op: number } {
  const { offsets } = world.broker!.services!
  const of = (topic: string): number => offsets.queryOffset('CID_RMQ_SYS_TRANS', topic, 0)
  return { half: of(SystemTopic.TRANS_HALF), op: of(SystemTopic.TRANS_OP_HALF) }
}

/** A broker, a producer of transactions that is known to it, and what tests look at. */
export interface TransactionScene {
  world: BrokerWorld
  producer: TestTransactionProducer
  texts: (topic: string, queueId?: number) => Promise<string[]>
  metric: (name: string, topic?: string) => Promise<number>
}

export async function transactionScene(
  seed: number,
  values: Partial<BrokerConfigValues> = {},
): Promise<TransactionScene> {
  const world = new BrokerWorld(seed, values)
  await world.start()
  const producer = new TestTransactionProducer(world, '10.0.0.2')
  await producer.beat()
  const reader = world.client('10.0.0.3')
  return {
    world,
    producer,
    texts: async (topic, queueId = 0) => {
      const messages = await allOf(world, reader, topic, queueId)
      return messages.map(({ body }) => Buffer.from(body).toString())
    },
    metric: async (name, topic) => {
      await world.settle(world.broker!.refreshMetrics())
      const all = [...world.broker!.metrics()].filter((metric) => metric.name === name)
      return all.find(({ labels }) => topic === undefined || labels['topic'] === topic)?.value ?? 0
    },
  }
}
