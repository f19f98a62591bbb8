import { isMalformed, readInt32, readInt64 } from '@apogee/base'
import {
  bodySizeOffset,
  bornHostSize,
  findProperty,
  formatHost,
  formatOffsetMsgId,
  type Host,
  MessageConst,
  MessageSysFlag,
  PropertySpan,
  parseProperties,
  plainBody,
  RECORD_BORN_HOST,
  RECORD_BORN_TIMESTAMP,
  RECORD_FLAG,
  RECORD_MAGIC,
  RECORD_MAGIC_V2,
  RECORD_PHYSICAL_OFFSET,
  RECORD_SYS_FLAG,
  readHost,
  splitKeys,
  storeHostSize,
  storeTimestampOffset,
} from '@apogee/protocol'
import { ErrorCode, RocketMQError } from '../api/errors.ts'
import type { MessageQueue, ReceivedMessage } from '../api/message.ts'
import type { MessagePage } from './message-page.ts'

/** A body that grows beyond this when it is inflated is refused: 64 KB of zlib can hold 64 MiB of zeros. */
const INFLATED_BODY_MAX_SIZE = 64 * 1024 * 1024

const TAGS = Buffer.from(MessageConst.TAGS)
const KEYS = Buffer.from(MessageConst.KEYS)
const UNIQ_KEY = Buffer.from(MessageConst.UNIQ_KEY)
const SHARDING_KEY = Buffer.from(MessageConst.SHARDING_KEY)
const RETRY_TOPIC = Buffer.from(MessageConst.RETRY_TOPIC)
const SPAN = new PropertySpan()
const NO_HOST: Host = { address: '', port: 0 }

/** What has been decoded already: messages that only wait have none. */
class DecodedParts<T> {
  properties: Readonly<Record<string, string>> | null = null
  plain: Buffer | null = null
  value: T | undefined = undefined
  hasValue = false
}

/**
 * One record of a pull response. It holds where the record lies; everything else is read from the bytes when it is asked
 * for, so that a message which only waits costs little beside its bytes.
 */
export class PulledMessage<T> implements ReceivedMessage<T> {
  readonly queueOffset: number
  /** Bytes of the record: what it counts for against the limits of the prefetch. */
  readonly size: number
  /** Ordered consumption counts failures here; otherwise it is what the broker wrote. */
  reconsumeTimes: number
  protected readonly page: MessagePage<T>
  /** Where the record and its properties begin in the page. */
  private readonly at: number
  private readonly propertiesAt: number
  private decoded: DecodedParts<T> | null = null

  constructor(
    page: MessagePage<T>,
    at: number,
    size: number,
    queueOffset: number,
    reconsumeTimes: number,
    propertiesAt: number,
  ) {
    this.page = page
    this.at = at
    this.size = size
    this.queueOffset = queueOffset
    this.reconsumeTimes = reconsumeTimes
    this.propertiesAt = propertiesAt
  }

  get queue(): MessageQueue {
    return this.page.queue
  }

  get topic(): string {
    const original = this.property(RETRY_TOPIC)
    return this.page.source.topicName(original ?? this.storedTopic)
  }

  /** The topic that it was stored under: that of its queue, or what a broker's tools made of it. */
  get storedTopic(): string {
    const { bytes } = this.page
    const bodyAt = this.at + bodySizeOffset(this.sysFlag)
    const topicSizeAt = bodyAt + 4 + readInt32(bytes, bodyAt)
    const version = readInt32(bytes, this.at + RECORD_MAGIC) === RECORD_MAGIC_V2 ? 2 : 1
    return bytes.toString('utf8', topicSizeAt + version, this.propertiesAt - 2)
  }

  get body(): T {
    const parts = this.parts()
    if (!parts.hasValue) {
      parts.value = this.decodeBody()
      parts.hasValue = true
    }
    return parts.value as T
  }

  get rawBody(): Buffer {
    const parts = this.parts()
    parts.plain ??= this.inflate()
    return parts.plain
  }

  /** As it was stored: still compressed when sysFlag says so. */
  get storedBody(): Buffer {
    const bodyAt = this.at + bodySizeOffset(this.sysFlag)
    const size = readInt32(this.page.bytes, bodyAt)
    return this.page.bytes.subarray(bodyAt + 4, bodyAt + 4 + size)
  }

  get tag(): string | null {
    return this.property(TAGS)
  }

  get keys(): readonly string[] {
    return splitKeys(this.property(KEYS))
  }

  get properties(): Readonly<Record<string, string>> {
    const parts = this.parts()
    if (parts.properties === null) {
      const text = this.page.bytes.toString('utf8', this.propertiesAt, this.at + this.size)
      const properties: Record<string, string> = Object.create(null)
      for (const [name, value] of parseProperties(text)) properties[name] = value
      parts.properties = properties
    }
    return parts.properties
  }

  get messageId(): string {
    return this.property(UNIQ_KEY) ?? this.offsetMessageId
  }

  get offsetMessageId(): string {
    return formatOffsetMsgId(this.storeHostAndPort, this.physicalOffset)
  }

  get bornTimestamp(): number {
    return readInt64(this.page.bytes, this.at + RECORD_BORN_TIMESTAMP)
  }

  get bornHost(): string {
    const start = this.at + RECORD_BORN_HOST
    const host = readHost(this.page.bytes, start, bornHostSize(this.sysFlag))
    return formatHost(host ?? NO_HOST)
  }

  get storeTimestamp(): number {
    return readInt64(this.page.bytes, this.at + storeTimestampOffset(this.sysFlag))
  }

  get storeHost(): string {
    return formatHost(this.storeHostAndPort)
  }

  get flag(): number {
    return readInt32(this.page.bytes, this.at + RECORD_FLAG)
  }

  get sysFlag(): number {
    return readInt32(this.page.bytes, this.at + RECORD_SYS_FLAG)
  }

  get physicalOffset(): number {
    return readInt64(this.page.bytes, this.at + RECORD_PHYSICAL_OFFSET)
  }

  get shardingKey(): string | null {
    return this.property(SHARDING_KEY)
  }

  get transactionId(): string | null {
    return (this.sysFlag & MessageSysFlag.TRANSACTION_MASK) === 0 ? null : this.property(UNIQ_KEY)
  }

  /** What a log or `JSON.stringify` shows: everything but the body, of which only the size is told. */
  toJSON(): Record<string, unknown> {
    const { topic, messageId, tag, keys, queue, queueOffset, reconsumeTimes, properties } = this
    const { bornTimestamp, storeTimestamp } = this
    const bodySize = this.storedBody.length
    return {
      topic,
      messageId,
      tag,
      keys,
      queue,
      queueOffset,
      reconsumeTimes,
      bornTimestamp,
      storeTimestamp,
      properties,
      bodySize,
    }
  }

  private parts(): DecodedParts<T> {
    this.decoded ??= new DecodedParts<T>()
    return this.decoded
  }

  private get storeHostAndPort(): Host {
    const { sysFlag } = this
    const start = this.at + storeTimestampOffset(sysFlag) + 8
    return readHost(this.page.bytes, start, storeHostSize(sysFlag)) ?? NO_HOST
  }

  private property(name: Uint8Array): string | null {
    const { bytes } = this.page
    const isThere = findProperty(bytes, this.propertiesAt, this.at + this.size, name, SPAN)
    return isThere ? bytes.toString('utf8', SPAN.start, SPAN.end) : null
  }

  private inflate(): Buffer {
    const stored = this.storedBody
    const plain = plainBody(this.sysFlag, stored, INFLATED_BODY_MAX_SIZE)
    if (isMalformed(plain)) {
      const text = `body of ${this.messageId}: ${plain.code}, ${plain.detail}`
      throw new RocketMQError(ErrorCode.CODEC, text, { cause: plain })
    }
    return Buffer.isBuffer(plain)
      ? plain
      : Buffer.from(plain.buffer, plain.byteOffset, plain.byteLength)
  }

  private decodeBody(): T {
    const { codec } = this.page.source
    const bytes = this.rawBody
    if (codec === null) return bytes as T
    try {
      return codec.decode(bytes)
    } catch (cause) {
      if (cause instanceof RocketMQError) throw cause
      const text = `body of ${this.messageId}: the codec cannot read it`
      throw new RocketMQError(ErrorCode.CODEC, text, { cause })
    }
  }
}
