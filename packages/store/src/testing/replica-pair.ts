import type { Prng } from '@apogee/base'
import type { SimDisk } from '@apogee/env/sim'
import type { MessageStoreOptions } from '../options.ts'
import { REPLICA_OK, type ReplicaStatus } from '../replication/log-replication.ts'
import { killed, makeWorld, type TestMessage, TestStore } from './store-fixture.ts'

// A master's store and a slave's, each in a world of its own, and the bytes between them.

export interface Pair {
  master: TestStore
  slave: TestStore
}

export function openPair(
  seed: number,
  options: Partial<MessageStoreOptions> = {},
  slaveOptions: Partial<MessageStoreOptions> = {},
): Pair {
  const master = new TestStore(makeWorld(seed), options)
  const slave = new TestStore(makeWorld(seed + 1), { ...options, ...slaveOptions, replica: true })
  master.store.open()
  slave.store.open()
  return { master, slave }
}

/** Up to `length` bytes of the log as replication reads them. */
export function readRaw(it: TestStore, offset: number, length: number): Buffer {
  const into = Buffer.alloc(length, 0xee)
  let got = -1
  it.store.replication.read(offset, into, 0, length, (error, bytesRead) => {
    if (error !== null) throw error
    got = bytesRead
  })
  it.runUntil(() => got >= 0)
  return into.subarray(0, got)
}

/** Gives the slave what it lacks, in pieces that `sizes` names; the slave's clock runs in between. */
export function stream(
  pair: Pair,
  sizes: () => number,
  verify = true,
  upTo: number = Number.MAX_SAFE_INTEGER,
): ReplicaStatus {
  const { master, slave } = pair
  const { replica } = slave.store.replication
  while (replica.received < Math.min(upTo, master.store.replication.written)) {
    slave.runUntil(() => !replica.full)
    const bytes = readRaw(master, replica.received, sizes())
    const status = replica.append(replica.received, bytes, verify)
    bytes.fill(0xdd)
    if (status !== REPLICA_OK) return status
    slave.world.clock.step()
  }
  return REPLICA_OK
}

/** Runs until everything that was taken is stored and visible. */
export function settle(it: TestStore): void {
  it.runUntil(() => {
    const { appended, dispatched, written } = it.store.watermarks
    return written === appended && dispatched === appended
  })
}

/** Messages of every kind that goes through a log: sizes, topics long and short, hosts of both lengths, transactions. */
function drawMessage(prng: Prng, index: number): TestMessage {
  const topics = ['Orders', 'T', 'a-long-topic-name-'.repeat(8)]
  const body = `m${index}|`.padEnd(prng.chance(0.1) ? prng.below(3500) : prng.below(300), 'x')
  return {
    topic: topics[prng.below(topics.length)]!,
    queueId: prng.below(3),
    body: prng.chance(0.05) ? '' : body,
    tags: `tag${prng.below(3)}`,
    ...(prng.chance(0.5) ? { keys: `key${index}` } : {}),
    ...(prng.chance(0.3) ? { bornHost: new Uint8Array(16).fill(prng.below(256)) } : {}),
    sysFlag: [0, 0, 0, 4, 8, 12][prng.below(6)]!,
  }
}

/** Sends `count` drawn messages and waits until they are visible. */
export function sendDrawn(it: TestStore, prng: Prng, from: number, count: number): void {
  for (let i = 0; i < count; i++) it.sendAndWait(drawMessage(prng, from + i))
}

/** Every queue with its messages: where they are and what they hold. */
export function contentOf(it: TestStore): { [queue: string]: string[] } {
  const content: { [queue: string]: string[] } = {}
  for (const topic of it.store.topics()) {
    for (const queueId of it.store.queuesOf(topic)) {
      content[`${topic}/${queueId}`] = it
        .readAll(topic, queueId)
        .map(
          ({ queueOffset, physicalOffset, storeTimestamp, body }) =>
            `${queueOffset} ${physicalOffset} ${storeTimestamp} ${Buffer.from(body).toString()}`,
        )
    }
  }
  return content
}

/** How many messages each key leads to, of those that `drawMessage` makes. */
export async function keysOf(it: TestStore, count: number): Promise<number[]> {
  const found: number[] = []
  await it.runFor(100)
  for (let i = 0; i < count; i += 7) {
    for (const topic of it.store.topics()) {
      const result = await it.resolve(it.store.queryByKey(topic, `key${i}`, 8, 0, 1e15))
      found.push(result.records.length)
    }
  }
  return found
}

/** The same store after a stop or a kill. */
export async function reopened(it: TestStore, clean: boolean): Promise<TestStore> {
  if (clean) await it.close()
  // The index of a store that was just opened catches up by promises, which no kill ends here.
  else await it.runFor(2)
  const again = new TestStore(killed(it.world), it.store.options)
  const report = again.store.open()
  if (report.damaged.length > 0) throw new Error(`damage: ${JSON.stringify(report.damaged)}`)
  return again
}

/** The bytes of the log's files below `end`. */
export function logBytes(disk: SimDisk, end: number, folder = '/data/store/commitlog'): Buffer[] {
  return disk.list(folder).map((name) => {
    const file = disk.open(`${folder}/${name}`)
    const bytes = Buffer.alloc(Math.max(0, Math.min(file.size(), end - Number(name))))
    file.readNow(bytes, 0, bytes.length, 0)
    file.close()
    return bytes
  })
}

export function pieceSizes(prng: Prng): () => number {
  const most = [3, 40, 300, 5000][prng.below(4)]!
  return () => 1 + prng.below(most)
}

export function seeds(from: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => from + i)
}
