import { assert } from '@apogee/base'
import {
  type Frame,
  ResponseCode,
  SendReply,
  type SerializeType,
  sendReplySizeMax,
  writeSendReply,
} from '@apogee/protocol'
import type { Connection } from '@apogee/remoting'
import {
  type AckSink,
  isStored,
  NOT_STORED_DISK_FULL,
  STORED,
  STORED_FLUSH_TIMEOUT,
  STORED_NO_SLAVE,
  STORED_SLAVE_TIMEOUT,
} from '@apogee/store'
import type { EventTime } from '../metrics/event-time.ts'
import type { RequestMetrics } from '../metrics/request-metrics.ts'
import type { BrokerStats } from '../stats/broker-stats.ts'

const EMPTY: Buffer = Buffer.alloc(0)
/** Java's keys have 32 characters, 56 with an IPv6 address. */
const KEY_SLOT_SIZE = 64
const FLUSH_TIMEOUT_REMARK = Buffer.from(
  'stored, but not known to be on disk within syncFlushTimeout',
)
const SLAVE_TIMEOUT_REMARK = Buffer.from(
  'stored here, but not known to be on enough replicas within slaveTimeout',
)
const NO_SLAVE_REMARK = Buffer.from('stored here only: too few replicas are in sync')
const DISK_FULL_REMARK = Buffer.from('the disk is full: the message was not stored')
const FAILED_REMARK = Buffer.from('the store failed: whether the message survives is unknown')

export interface PendingSendsDeps {
  time: EventTime
  requests: RequestMetrics
  stats: BrokerStats
}

/**
 * Sends that wait for their promise: parallel arrays with a free list, so that a message in flight costs no object. A token
 * is the slot; the store gives it back through `stored`, and the reply is written straight into the connection's output.
 */
export class PendingSends implements AckSink {
  private readonly connections: (Connection | null)[] = []
  private readonly batches: (number[] | null)[] = []
  private requestCodes = new Int32Array(0)
  private startedMs = new Float64Array(0)
  private opaques = new Int32Array(0)
  private types = new Uint8Array(0)
  private queueIds = new Int32Array(0)
  /** Unique keys, KEY_SLOT_SIZE bytes a token; −1 as size for none. Longer ones are rare and stand apart. */
  private keys: Uint8Array = EMPTY
  private keySizes = new Int32Array(0)
  private readonly longKeys = new Map<number, Buffer>()
  private queueOffsets = new Float64Array(0)
  private physicalOffsets = new Float64Array(0)
  private readonly free: number[] = []
  private readonly reply = new SendReply()
  private readonly deps: PendingSendsDeps

  /** `storeHost`: this broker's address and port as message ids carry them. */
  constructor(
    options: { storeHost: Uint8Array; region: string; traceOn: boolean },
    deps: PendingSendsDeps,
  ) {
    this.deps = deps
    this.reply.storeHost = options.storeHost
    this.reply.region = Buffer.from(options.region)
    this.reply.traceOn = options.traceOn
  }

  /** Sends that wait now. */
  get size(): number {
    return this.connections.length - this.free.length
  }

  /** A slot for a request. Fill in what the reply needs with `placed`; or `drop` it. */
  open(connection: Connection, frame: Frame): number {
    const token = this.free.pop() ?? this.addSlot()
    this.connections[token] = connection
    this.requestCodes[token] = frame.code
    this.startedMs[token] = connection.receivedMs
    this.opaques[token] = frame.opaque
    this.types[token] = frame.serializeType
    connection.requestParked()
    return token
  }

  /** Where the message went. */
  placed(token: number, queueId: number, queueOffset: number, physicalOffset: number): void {
    this.queueIds[token] = queueId
    this.queueOffsets[token] = queueOffset
    this.physicalOffsets[token] = physicalOffset
    this.batches[token] = null
  }

  /** The message's unique key, a span of `keys` that is copied; −1 as start for none. */
  uniqKey(token: number, keys: Uint8Array, start: number, end: number): void {
    const size = end - start
    if (size > KEY_SLOT_SIZE) {
      this.longKeys.set(token, Buffer.from(keys.subarray(start, end)))
      this.keySizes[token] = size
      return
    }
    this.keySizes[token] = start < 0 ? -1 : size
    const at = token * KEY_SLOT_SIZE
    for (let i = 0; i < size; i++) this.keys[at + i] = keys[start + i]!
  }

  /** The places of all messages of a batch; the first one's queue offset stands. */
  placedBatch(token: number, physicalOffsets: number[]): void {
    this.batches[token] = physicalOffsets
  }

  /** Gives a slot back whose message was refused. */
  drop(token: number): void {
    this.connections[token]!.requestFinished()
    this.release(token)
  }

  stored(token: number, outcome: number): void {
    const connection = this.connections[token]
    assert(connection !== null && connection !== undefined, 'acknowledged twice', token)
    connection.requestFinished()
    const { reply } = this
    reply.code = CODES[outcome] ?? ResponseCode.SYSTEM_ERROR
    reply.remark = outcome === STORED ? null : (REMARKS[outcome] ?? FAILED_REMARK)
    if (connection.open) this.write(connection, token)
    this.count(token, outcome)
    this.release(token)
  }

  private count(token: number, outcome: number): void {
    const { requests, stats, time } = this.deps
    const micros = (time.nowMs() - this.startedMs[token]!) * 1000
    requests.requestDone(this.requestCodes[token]!, this.reply.code, micros)
    if (!isStored(outcome)) stats.putFailed++
  }

  private write(connection: Connection, token: number): void {
    const { reply } = this
    reply.opaque = this.opaques[token]!
    reply.queueId = this.queueIds[token]!
    reply.queueOffset = this.queueOffsets[token]!
    this.writeOffsets(token)
    this.writeKey(token)
    const buffer = connection.reserve(sendReplySizeMax(reply))
    const at = connection.outputEnd
    const end = writeSendReply(buffer, at, this.types[token] as SerializeType, reply)
    connection.commit(end - at)
  }

  private writeKey(token: number): void {
    const { reply } = this
    const size = this.keySizes[token]!
    const long = size > KEY_SLOT_SIZE
    const start = long ? 0 : token * KEY_SLOT_SIZE
    reply.transactionId = long ? this.longKeys.get(token)! : this.keys
    reply.transactionIdStart = size < 0 ? -1 : start
    reply.transactionIdEnd = start + size
  }

  private writeOffsets(token: number): void {
    const batch = this.batches[token]
    const { physicalOffsets } = this.reply
    if (batch === null || batch === undefined) {
      this.reply.messageCount = 1
      physicalOffsets[0] = this.physicalOffsets[token]!
      return
    }
    this.reply.messageCount = batch.length
    for (let i = 0; i < batch.length; i++) physicalOffsets[i] = batch[i]!
  }

  private release(token: number): void {
    this.connections[token] = null
    this.batches[token] = null
    if (this.keySizes[token]! > KEY_SLOT_SIZE) this.longKeys.delete(token)
    this.free.push(token)
  }

  private addSlot(): number {
    const token = this.connections.length
    this.connections.push(null)
    this.batches.push(null)
    if (token >= this.opaques.length) this.grow(Math.max(256, token * 2))
    return token
  }

  private grow(size: number): void {
    this.requestCodes = copyInto(new Int32Array(size), this.requestCodes)
    this.startedMs = copyInto(new Float64Array(size), this.startedMs)
    this.opaques = copyInto(new Int32Array(size), this.opaques)
    this.types = copyInto(new Uint8Array(size), this.types)
    this.queueIds = copyInto(new Int32Array(size), this.queueIds)
    this.keys = copyInto(new Uint8Array(size * KEY_SLOT_SIZE), this.keys)
    this.keySizes = copyInto(new Int32Array(size), this.keySizes)
    this.queueOffsets = copyInto(new Float64Array(size), this.queueOffsets)
    this.physicalOffsets = copyInto(new Float64Array(size), this.physicalOffsets)
  }
}

const CODES: Record<number, number> = {
  [STORED]: ResponseCode.SUCCESS,
  [STORED_FLUSH_TIMEOUT]: ResponseCode.FLUSH_DISK_TIMEOUT,
  [STORED_SLAVE_TIMEOUT]: ResponseCode.FLUSH_SLAVE_TIMEOUT,
  [STORED_NO_SLAVE]: ResponseCode.SLAVE_NOT_AVAILABLE,
  [NOT_STORED_DISK_FULL]: ResponseCode.SERVICE_NOT_AVAILABLE,
}

const REMARKS: Record<number, Buffer> = {
  [STORED_FLUSH_TIMEOUT]: FLUSH_TIMEOUT_REMARK,
  [STORED_SLAVE_TIMEOUT]: SLAVE_TIMEOUT_REMARK,
  [STORED_NO_SLAVE]: NO_SLAVE_REMARK,
  [NOT_STORED_DISK_FULL]: DISK_FULL_REMARK,
}

function copyInto<T extends Int32Array | Uint8Array | Float64Array>(into: T, from: T): T {
  into.set(from as never)
  return into
}
