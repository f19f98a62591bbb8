import { Prng, readInt32, writeInt32 } from '@apogee/base'
import type { Env } from '@apogee/env'
import {
  type CrashChoice,
  powerCut,
  processKill,
  SimClock,
  type SimDisk,
  type SimHost,
  type SimWorld,
} from '@apogee/env/sim'
import { decodeRecords } from '@apogee/protocol'
import {
  type AckSink,
  APPEND_OK,
  cutClosedLog,
  type LogReplication,
  MessageStore,
  type MessageStoreOptions,
  messageStoreDefaults,
  type StoreLogger,
} from '@apogee/store'
import { addressOf } from './history-options.ts'
import type { HistoryPlan } from './history-plan.ts'
import type { Appended, Held, NodeLog, Promised } from './node-log.ts'
import { StoreBytes, worstPowerCut } from './store-bytes.ts'

const ROOT = '/store'
const LOG_FOLDER = `${ROOT}/commitlog`
const CAPACITY = 1 << 26
/** Of a record with IPv4 hosts. Bodies begin with the message's id. */
const BODY_AT = 88
const TOPICS = ['Orders', 'Payments', 'A-topic-with-a-rather-long-name']
const NO_LOG: StoreLogger = { debug() {}, info() {}, warn() {}, error() {} }

/** A message as its queue must have it. */
interface Sent {
  topic: string
  queueId: number
  queueOffset: number
  body: Buffer
}

/** What all nodes of one world have sent. */
export class SentMessages {
  readonly byId: Map<number, Sent> = new Map()
}

/** A node with a store on its simulated disk. */
export class StoreNodeLog implements NodeLog {
  private readonly host: SimHost
  private readonly options: MessageStoreOptions
  private readonly prng: Prng
  private readonly sent: SentMessages
  private store: MessageStore | null = null
  private env: Env | null = null
  private isClosed = true

  constructor(host: SimHost, options: MessageStoreOptions, sent: SentMessages, prng: Prng) {
    this.host = host
    this.options = options
    this.sent = sent
    this.prng = prng
    host.disk.setCapacity(CAPACITY)
  }

  get replication(): LogReplication {
    return this.store!.replication
  }

  get isOpen(): boolean {
    return !this.isClosed
  }

  open(env: Env): void {
    this.env = env
    this.store = new MessageStore(this.options, { clock: env.clock, disk: env.disk, log: NO_LOG })
    this.store.open()
    this.isClosed = false
  }

  async close(): Promise<void> {
    const { store } = this
    await store!.close()
    if (this.store === store) this.isClosed = true
  }

  append(
    id: number,
    size: number,
    waits: boolean,
    answer: (outcome: number) => void,
  ): Appended | null {
    const topic = TOPICS[id % TOPICS.length]!
    const queueId = id % 2
    const body = Buffer.alloc(Math.max(4, size), id & 0xff)
    writeInt32(body, 0, id)
    const sink: AckSink = { stored: (_token, outcome) => answer(outcome) }
    const { draft } = this.store!
    Object.assign(draft, {
      topic,
      topicBytes: Buffer.from(topic),
      queueId,
      flag: 0,
      sysFlag: 0,
      bornTimestamp: this.env!.clock.wallMs(),
      bornHost: Uint8Array.of(10, 1, 1, 1),
      bornPort: 1,
      reconsumeTimes: 0,
      preparedTransactionOffset: 0,
      body,
      bodyStart: 0,
      bodyEnd: body.length,
      properties: Buffer.alloc(0),
      propertiesStart: 0,
      propertiesEnd: 0,
      waitStore: waits,
    })
    if (this.store!.append(sink, id) !== APPEND_OK) return null
    const { physicalOffset, queueOffset } = draft
    this.sent.byId.set(id, { topic, queueId, queueOffset, body })
    return { offset: physicalOffset, end: physicalOffset + draft.size }
  }

  async cut({ at, end }: { at: number; end: number }): Promise<void> {
    const { clock, disk } = this.env!
    const keep = `${ROOT}/diverged/${at}-${clock.wallMs()}.log`
    await cutClosedLog(this.options, { clock, disk, log: NO_LOG }, { at, end, keep })
  }

  wipe(): void {
    removeAll(this.host.disk, ROOT)
  }

  crashed(): void {
    this.isClosed = true
    this.store = null
    this.env = null
  }

  held(power: boolean): Held {
    const { disk } = this.host
    const { commitLogFileSize } = this.options
    if (power) {
      return new StoreBytes(worstPowerCut(disk, new Prng(1)), LOG_FOLDER, commitLogFileSize)
    }
    if (!this.isOpen) return new StoreBytes(disk, LOG_FOLDER, commitLogFileSize)
    const { written } = this.replication
    return new StoreBytes(disk, LOG_FOLDER, commitLogFileSize, written)
  }

  has(held: Held, { id, offset, end }: Promised): boolean {
    if (offset < held.start || end > held.end) return false
    const bytes = held.bytes(offset, end)
    return readInt32(bytes, 0) === end - offset && readInt32(bytes, BODY_AT) === id
  }

  setFull(isFull: boolean): void {
    const { disk } = this.host
    disk.setCapacity(isFull ? disk.used : CAPACITY)
  }

  slow(factor: number): void {
    const { faults } = this.host.disk
    faults.clear()
    if (factor <= 1) return
    const kinds = new Set(['write', 'sync', 'writeMany'])
    faults.failWhen(({ kind }) => kinds.has(kind), { stallMs: factor / 2 })
  }

  retain(): boolean {
    return this.store!.deleteExpiredNow() > 0
  }

  async readBack(promised: readonly Promised[], power: boolean): Promise<string | null> {
    const prng = this.prng.fork()
    const clock = new SimClock()
    const choice: CrashChoice = power ? powerCut(prng, { damage: 0 }) : processKill(prng)
    const disk = this.host.disk.crash(choice, clock)
    disk.setCapacity(CAPACITY)
    const store = new MessageStore(this.options, { clock, disk, log: NO_LOG })
    store.open()
    const queues = new Map<string, Buffer[]>()
    for (const message of promised) {
      const sent = this.sent.byId.get(message.id)!
      const wrong =
        message.offset < store.minPhysicalOffset ? null : lookUp(store, clock, queues, sent)
      if (wrong !== null) return `message ${message.id}: ${wrong}`
    }
    return null
  }
}

/** Whether the queue has the message at its offset. */
function lookUp(
  store: MessageStore,
  clock: SimClock,
  queues: Map<string, Buffer[]>,
  { topic, queueId, queueOffset, body }: Sent,
): string | null {
  const name = `${topic}/${queueId}`
  let bodies = queues.get(name)
  if (bodies === undefined) {
    bodies = readQueue(store, clock, topic, queueId)
    queues.set(name, bodies)
  }
  const first = store.minOffset(topic, queueId)
  const found = bodies[queueOffset - first]
  if (found === undefined)
    return `not in ${name} at ${queueOffset}: ${first} and ${bodies.length} more`
  return found.equals(body) ? null : `another body in ${name} at ${queueOffset}`
}

function readQueue(store: MessageStore, clock: SimClock, topic: string, queueId: number): Buffer[] {
  const bodies: Buffer[] = []
  const end = store.maxOffset(topic, queueId)
  for (let offset = store.minOffset(topic, queueId); offset < end; ) {
    let next = -1
    store.getMessage({ topic, queueId, offset, ...READ }, (result) => {
      const decoded = result.body === null ? [] : decodeRecords(result.body)
      if (Array.isArray(decoded)) for (const { body } of decoded) bodies.push(Buffer.from(body))
      next = result.nextBeginOffset
    })
    clock.runUntil(() => next >= 0, 1000)
    if (next <= offset) break
    offset = next
  }
  return bodies
}

const READ = {
  maxCount: 32,
  maxBytes: 1 << 18,
  diskMaxCount: 32,
  diskMaxBytes: 1 << 18,
  filter: null,
} as const

function removeAll(disk: SimDisk, path: string): void {
  if (disk.stat(path)?.isFolder !== true) return disk.remove(path)
  for (const name of disk.list(path)) removeAll(disk, `${path}/${name}`)
  disk.remove(path)
}

/** Everything small, so that a few messages roll files and chunks; background work at a quick pace. */
function storeOptions(plan: HistoryPlan, node: number): MessageStoreOptions {
  const sync = node === 0 ? plan.masterSync : plan.slaves[node - 1]!.sync
  return {
    ...messageStoreDefaults,
    root: ROOT,
    storeHost: Uint8Array.of(10, 0, 0, node + 1),
    storePort: 10911,
    replica: node > 0,
    flushDiskType: sync ? 'SYNC_FLUSH' : 'ASYNC_FLUSH',
    commitLogFileSize: plan.fileSize,
    consumeQueueFileSize: 20 * 12,
    indexEnabled: false,
    indexSlots: 8,
    indexEntries: 20,
    maxMessageSize: 3000,
    tailBytes: 4096,
    tailChunkSize: 1024,
    readBlockSize: 1024,
    readBlocksMax: 4,
    pendingBytesMax: node === 0 ? 64 * 1024 : plan.pendingMax,
    batchBytesMax: 2048,
    flushIntervalMs: 60,
    flushLeastBytes: 256,
    checkpointIntervalMs: 40,
    cleanIntervalMs: 100,
    diskFullResumeBytes: 64 * 1024,
    retention: {
      deleteWhen: [],
      reservedMs: 50,
      usedRatioMax: 2,
      forcedRatio: 2,
      fullRatio: 2,
      forcibly: false,
      filesPerPassMax: 1,
    },
  }
}

/** Makes the nodes of one world: they share what was sent. */
export function makeStoreLogs(
  makeSent: () => SentMessages = () => new SentMessages(),
): (world: SimWorld, plan: HistoryPlan, node: number, prng: Prng) => StoreNodeLog {
  let sent = makeSent()
  return (world, plan, node, prng) => {
    if (node === 0) sent = makeSent()
    return new StoreNodeLog(world.host(addressOf(node)), storeOptions(plan, node), sent, prng)
  }
}
