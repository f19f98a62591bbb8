import type { AdminTransport, QueueAt } from '@apogee/admin'
import { isMalformed } from '@apogee/base'
import {
  decodeHeader,
  decodeRecords,
  encodeHeader,
  PullMessageRequestHeader,
  PullMessageResponseHeader,
  PullSysFlag,
  RequestCode,
  ResponseCode,
} from '@apogee/protocol'
import { CliError, CliErrorCode } from '../cli-error.ts'
import type { ShownMessage } from '../output/message-view.ts'
import { shownRecord } from './shown-record.ts'

/** The group under which tools read (Java: MixAll.TOOLS_CONSUMER_GROUP). Nothing is ever committed for it. */
const TOOLS_GROUP = 'TOOLS_CONSUMER'
const BATCH_MAX = 32
/** How long the broker keeps a pull that finds nothing. */
const SUSPEND_MS = 15_000
const ANSWER_MS = 10_000

export interface TailFilter {
  readonly type: 'TAG' | 'SQL92'
  readonly expression: string
}

/** Reads one queue by PULL_MESSAGE (11) without a consumer: no heartbeat, no offset. */
export class QueueTail {
  /** Where it is read now. */
  queue: QueueAt
  /** Offset of the next message to ask for. */
  nextOffset: number
  private readonly transport: AdminTransport
  private readonly filter: TailFilter

  constructor(transport: AdminTransport, queue: QueueAt, nextOffset: number, filter: TailFilter) {
    this.transport = transport
    this.queue = queue
    this.nextOffset = nextOffset
    this.filter = filter
  }

  /**
   * What comes next in the queue; empty when nothing does. With `mayWait`, the broker keeps the request until something
   * comes, for up to 15 s. Rejects with an AdminError, or CLI_READ_REFUSED.
   */
  async read(mayWait: boolean): Promise<ShownMessage[]> {
    const { address, brokerId, brokerName } = this.queue
    const response = await this.transport.invoke(
      address,
      {
        code: RequestCode.PULL_MESSAGE,
        fields: encodeHeader(PullMessageRequestHeader, this.header(mayWait)),
      },
      ANSWER_MS + (mayWait ? SUSPEND_MS : 0),
    )
    switch (response.code) {
      case ResponseCode.SUCCESS:
      case ResponseCode.PULL_NOT_FOUND:
      case ResponseCode.PULL_RETRY_IMMEDIATELY:
      case ResponseCode.PULL_OFFSET_MOVED:
        break
      default: {
        const remark = response.remark ?? `code ${response.code}`
        throw new CliError(CliErrorCode.READ_REFUSED, `${address} refuses to read: ${remark}`)
      }
    }
    const header = decodeHeader(PullMessageResponseHeader, response.fields)
    if (isMalformed(header)) throw unreadable(address, header.detail)
    const before = this.nextOffset
    // A slave may be behind: what it has not got is no reason to go back, nor to pass over it.
    if (brokerId === 0) this.nextOffset = header.nextBeginOffset
    else if (response.code !== ResponseCode.PULL_OFFSET_MOVED) {
      this.nextOffset = Math.max(before, header.nextBeginOffset)
    }
    if (response.code !== ResponseCode.SUCCESS) return []
    const records = decodeRecords(response.body)
    if (isMalformed(records)) throw unreadable(address, records.detail)
    return records
      .filter((record) => record.queueOffset >= before)
      .map((record) => shownRecord(record, brokerName))
  }

  private header(
    mayWait: boolean,
  ): Parameters<typeof encodeHeader<typeof PullMessageRequestHeader>>[1] {
    const { topic, queueId } = this.queue
    return {
      consumerGroup: TOOLS_GROUP,
      topic,
      queueId,
      queueOffset: this.nextOffset,
      maxMsgNums: BATCH_MAX,
      sysFlag: PullSysFlag.SUBSCRIPTION | (mayWait ? PullSysFlag.SUSPEND : 0),
      commitOffset: 0,
      suspendTimeoutMillis: mayWait ? SUSPEND_MS : 0,
      subscription: this.filter.expression,
      subVersion: 0,
      expressionType: this.filter.type,
    }
  }
}

function unreadable(address: string, detail: string): CliError {
  return new CliError(
    CliErrorCode.READ_REFUSED,
    `${address} answered what cannot be read: ${detail}`,
  )
}
