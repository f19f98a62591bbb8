import { setImmediate } from 'node:timers/promises'
import { Prng } from '@apogee/base'
import type { DiskPiece, Done } from '@apogee/env'
import { processKill, SimClock, SimDisk, type SimDiskOptions } from '@apogee/env/sim'
import { decodeRecords, type MessageExt } from '@apogee/protocol'
import type { AckSink } from '../commit-log/ack-queue.ts'
import { APPEND_OK, type AppendStatus } from '../commit-log/commit-log-options.ts'
import { MessageStore } from '../message-store.ts'
import { type MessageStoreOptions, messageStoreDefaults } from '../options.ts'
import type { GetQuery, GetResult, GetStatus, MessageFilter } from '../read/get-message.ts'
import type { StoreLogger } from '../store-logger.ts'

// A store on a simulated disk with virtual time, small files, and short ways to send and read. Shared by the tests of this
// package.

export const ROOT = '/data/store'

export interface World {
  seed: number
  clock: SimClock
  disk: SimDisk
  prng: Prng
}

/** A recording keeps the bytes under way: they must not be views of buffers that are filled anew. */
class RecordableDisk extends SimDisk {
  override writeMany(pieces: readonly DiskPiece[], options: { sync: boolean }, done: Done): void {
    const copies = pieces.map((piece) => ({ ...piece, bytes: new Uint8Array(piece.bytes) }))
    super.writeMany(copies, options, done)
  }
}

export function makeWorld(seed: number, disk: Omit<SimDiskOptions, 'clock' | 'prng'> = {}): World {
  const clock = new SimClock()
  const prng = new Prng(seed)
  return { seed, clock, prng, disk: new RecordableDisk({ ...disk, clock, prng: prng.fork() }) }
}

/** Everything small, so that a few messages roll files, chunks and blocks; background work at its usual pace. */
export function testOptions(overrides: Partial<MessageStoreOptions> = {}): MessageStoreOptions {
  return {
    ...messageStoreDefaults,
    root: ROOT,
    storeHost: Uint8Array.of(10, 0, 0, 1),
    storePort: 10911,
    commitLogFileSize: 8192,
    consumeQueueFileSize: 20 * 50,
    indexSlots: 64,
    indexEntries: 200,
    maxMessageSize: 4096,
    tailBytes: 4096,
    tailChunkSize: 1024,
    readBlockSize: 1024,
    readBlocksMax: 4,
    pendingBytesMax: 64 * 1024,
    batchBytesMax: 4096,
    diskFullResumeBytes: 16 * 1024,
    delayMs: [1000, 5000],
    ...overrides,
  }
}

export interface LogEntry {
  level: 'debug' | 'info' | 'warn' | 'error'
  event: string
  fields: { readonly [key: string]: unknown }
}

export function recordingLogger(entries: LogEntry[]): StoreLogger {
  const at = (level: LogEntry['level']) => (fields: object) => {
    const all = fields as { event?: string }
    entries.push({ level, event: all.event ?? '', fields: { ...fields } })
  }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

export interface TestMessage {
  topic?: string
  queueId?: number
  body?: string | Uint8Array
  tags?: string
  keys?: string
  uniqKey?: string
  /** The stored properties as they are, instead of those above. */
  properties?: string
  waitStore?: boolean
  sysFlag?: number
  bornHost?: Uint8Array
}

export interface Sent {
  status: AppendStatus
  token: number
  queueOffset: number
  physicalOffset: number
  size: number
  storeTimestamp: number
}

export interface Ack {
  token: number
  outcome: number
}

/** A store with what it said: acknowledgements, log entries, failures. */
export class TestStore implements AckSink {
  readonly world: World
  readonly store: MessageStore
  readonly acks: Ack[] = []
  readonly logs: LogEntry[] = []
  readonly failures: Error[] = []
  /** Sees each acknowledgement when it comes. */
  onAck: (token: number, outcome: number) => void = () => {}
  private nextToken = 1

  constructor(world: World, options: Partial<MessageStoreOptions> = {}) {
    this.world = world
    const { clock, disk } = world
    this.store = new MessageStore(testOptions(options), {
      clock,
      disk,
      log: recordingLogger(this.logs),
    })
    this.store.onFailure((error) => this.failures.push(error))
  }

  stored(token: number, outcome: number): void {
    this.acks.push({ token, outcome })
    this.onAck(token, outcome)
  }

  /** Appends; the acknowledgement follows when the clock runs. */
  send(message: TestMessage = {}): Sent {
    const { draft } = this.store
    const topic = message.topic ?? 'T'
    const body = message.body ?? 'body'
    draft.topic = topic
    draft.topicBytes = Buffer.from(topic)
    draft.queueId = message.queueId ?? 0
    draft.flag = 0
    draft.sysFlag = message.sysFlag ?? 0
    draft.bornTimestamp = this.world.clock.wallMs()
    draft.bornHost = message.bornHost ?? Uint8Array.of(10, 1, 1, 1)
    draft.bornPort = 4321
    draft.reconsumeTimes = 0
    draft.preparedTransactionOffset = 0
    draft.body = typeof body === 'string' ? Buffer.from(body) : body
    draft.bodyStart = 0
    draft.bodyEnd = draft.body.length
    draft.properties = Buffer.from(propertiesOf(message))
    draft.propertiesStart = 0
    draft.propertiesEnd = draft.properties.length
    draft.waitStore = message.waitStore ?? true
    const token = this.nextToken++
    const status = this.store.append(this, token)
    const { queueOffset, physicalOffset, size, storeTimestamp } = draft
    if (status !== APPEND_OK) {
      return { status, token, queueOffset: -1, physicalOffset: -1, size: 0, storeTimestamp: 0 }
    }
    return { status, token, queueOffset, physicalOffset, size, storeTimestamp }
  }

  /** Sends and waits for the acknowledgement. */
  sendAndWait(message: TestMessage = {}): Sent {
    const sent = this.send(message)
    if (sent.status !== APPEND_OK) throw new Error(`append refused: ${sent.status}`)
    this.runUntil(() => this.outcomeOf(sent.token) !== undefined)
    this.runUntilVisible()
    return sent
  }

  /** Runs until `count` acknowledgements have come and everything confirmed can be read. */
  runUntilAcks(count: number): void {
    this.runUntil(() => this.acks.length >= count)
    this.runUntilVisible()
  }

  runUntilVisible(): void {
    const { store } = this
    this.runUntil(() => store.watermarks.dispatched === store.watermarks.confirmed)
  }

  outcomeOf(token: number): number | undefined {
    return this.acks.find((ack) => ack.token === token)?.outcome
  }

  runUntil(reached: () => boolean, timeoutMs = 30_000): void {
    if (!this.world.clock.runUntil(reached, timeoutMs)) throw new Error('it never happened')
  }

  runFor(ms: number): Promise<void> {
    return this.world.clock.runForAsync(ms, () => setImmediate())
  }

  /** Runs the clock until `promise` settles. */
  async resolve<T>(promise: Promise<T>): Promise<T> {
    let settled = false
    const mark = (): void => {
      settled = true
    }
    promise.then(mark, mark)
    await setImmediate()
    for (let i = 0; !settled; i++) {
      if (i > 200_000 || !this.world.clock.step()) throw new Error('the promise never settles')
      await setImmediate()
    }
    return promise
  }

  close(): Promise<void> {
    return this.resolve(this.store.close())
  }

  get(query: Partial<GetQuery> = {}): Got {
    let got: Got | null = null
    const full = { ...getDefaults, ...query }
    this.store.getMessage(full, (result) => {
      got = copyOf(result)
    })
    this.runUntil(() => got !== null)
    return got!
  }

  /** Every message of a queue, from its first on. */
  readAll(topic = 'T', queueId = 0): MessageExt[] {
    const messages: MessageExt[] = []
    let offset = this.store.minOffset(topic, queueId)
    while (offset < this.store.maxOffset(topic, queueId)) {
      const got = this.get({ topic, queueId, offset })
      if (got.status !== 'FOUND') throw new Error(`${got.status} at ${topic}/${queueId}/${offset}`)
      messages.push(...got.messages)
      offset = got.nextBeginOffset
    }
    return messages
  }

  bodies(topic = 'T', queueId = 0): string[] {
    return this.readAll(topic, queueId).map((message) => Buffer.from(message.body).toString())
  }

  events(event: string): LogEntry[] {
    return this.logs.filter((entry) => entry.event === event)
  }
}

export interface Got {
  status: GetStatus
  nextBeginOffset: number
  minOffset: number
  maxOffset: number
  count: number
  fromMemory: boolean
  messages: MessageExt[]
}

const getDefaults: GetQuery = {
  topic: 'T',
  queueId: 0,
  offset: 0,
  maxCount: 32,
  maxBytes: 256 * 1024,
  diskMaxCount: 32,
  diskMaxBytes: 256 * 1024,
  filter: null,
}

function copyOf(result: GetResult): Got {
  const { status, nextBeginOffset, minOffset, maxOffset, count, fromMemory, body } = result
  const decoded = body === null ? [] : decodeRecords(body)
  if (!Array.isArray(decoded)) throw new Error('the body of a get cannot be decoded')
  return { status, nextBeginOffset, minOffset, maxOffset, count, fromMemory, messages: decoded }
}

export function propertiesOf(message: TestMessage): string {
  if (message.properties !== undefined) return message.properties
  const { tags, keys, uniqKey } = message
  const one = (name: string, value: string | undefined): string =>
    value === undefined ? '' : `${name}\x01${value}\x02`
  return one('UNIQ_KEY', uniqKey) + one('KEYS', keys) + one('TAGS', tags)
}

/** Opens a store on a new disk. */
export function openNew(seed: number, options: Partial<MessageStoreOptions> = {}): TestStore {
  const store = new TestStore(makeWorld(seed), options)
  store.store.open()
  return store
}

/** The world after `world`'s process ended: its disk as `crashed` has it, time a little later. */
export function nextWorld(world: World, crash: (clock: SimClock) => SimDisk): World {
  const clock = new SimClock({ wallStartMs: world.clock.wallMs() + 1000 })
  return { seed: world.seed, clock, prng: world.prng.fork(), disk: crash(clock) }
}

/** kill -9, as far as the disk knows. */
export function killed(world: World): World {
  const next = nextWorld(world, (clock) => world.disk.crash(processKill(world.prng.fork()), clock))
  world.disk.powerOff()
  return next
}

export const onlyTag = (tagsCode: number): MessageFilter => ({
  needsRecord: false,
  matchesTags: (code) => code === tagsCode,
  matchesRecord: () => true,
})
