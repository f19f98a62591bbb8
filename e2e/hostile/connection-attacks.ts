// Attacks with connections and with what is no whole frame.
import type { Socket } from 'node:net'
import {
  type Attack,
  destroyAll,
  inParallel,
  openSocket,
  openSockets,
  randomBytes,
  request,
  sleep,
  writeAll,
} from './attack.ts'

const IDLE_CONNECTIONS = 9_900
const IDLE_STEP = 300

/** Connections that end at once, as fast as they can be made. */
export const connectionStorm: Attack = async (context) => {
  let opened = 0
  await inParallel(context, 64, async () => {
    const address = opened % 2 === 0 ? context.broker : context.namesrv
    const socket = await openSocket(address)
    opened++
    if (opened % 4 < 2) socket?.resetAndDestroy()
    else socket?.destroy()
  })
  return { opened }
}

/** All the connections that a server takes, and never a byte. */
export const idleConnections: Attack = async ({ broker, goesOn }) => {
  const sockets: Socket[] = []
  while (goesOn() && sockets.length < IDLE_CONNECTIONS) {
    sockets.push(...(await openSockets(broker, IDLE_STEP)))
  }
  while (goesOn()) await sleep(50)
  const open = sockets.filter((socket) => !socket.destroyed).length
  destroyAll(sockets)
  return { opened: sockets.length, open }
}

/** One address takes whatever it gets. */
export const oneAddress: Attack = async ({ broker, goesOn }) => {
  const sockets: Socket[] = []
  let refused = 0
  while (goesOn()) {
    const opened = await openSockets(broker, 100, '127.0.99.1')
    for (const socket of opened) {
      socket.on('close', () => refused++)
      socket.resume()
    }
    sockets.push(...opened)
    await sleep(10)
  }
  const opened = sockets.length
  destroyAll(sockets)
  return { opened, refused }
}

/** Frames that begin and never end, some of them large. */
export const halfFrames: Attack = async ({ broker, namesrv, goesOn, random }) => {
  const sockets: Socket[] = []
  for (const address of [broker, namesrv]) sockets.push(...(await openSockets(address, 400)))
  let frames = 0
  while (goesOn()) {
    for (const socket of sockets) {
      const whole = request(34, {}, randomBytes(random, 2000))
      const part = whole.subarray(0, 1 + random.below(whole.length - 1))
      socket.write(part)
      frames++
      if (random.below(4) === 0) socket.resetAndDestroy()
      if (!goesOn()) break
    }
    const alive = sockets.filter((socket) => !socket.destroyed)
    sockets.length = 0
    sockets.push(...alive, ...(await openSockets(broker, 800 - alive.length)))
    await sleep(20)
  }
  destroyAll(sockets)
  return { frames }
}

/** Many frames of nearly the largest size, each without its last byte: what a server holds for them is the question. */
export const fatHalfFrames: Attack = async ({ broker, goesOn }) => {
  const size = 16 * 1024 * 1024 - 16
  const frame = Buffer.alloc(size, 0x61)
  request(310, {}).copy(frame)
  frame.writeInt32BE(size - 4 + 1, 0)
  const sockets = await openSockets(broker, 100)
  let bytes = 0
  const step = async (at: number): Promise<void> => {
    for (let from = 0; from < size && goesOn(); from += 65_536) {
      const part = frame.subarray(from, from + 65_536)
      const socket = sockets[at]
      if (socket === undefined || socket.destroyed) return
      await writeAll(socket, part, goesOn)
      bytes += part.length
    }
  }
  await Promise.all(sockets.map((_, at) => step(at)))
  while (goesOn()) await sleep(50)
  destroyAll(sockets)
  return { connections: sockets.length, mebibytes: Math.round(bytes / 2 ** 20) }
}

/** A byte now and then, from many connections. */
export const slowLoris: Attack = async ({ broker, namesrv, goesOn }) => {
  const sockets: Socket[] = []
  for (const address of [broker, namesrv]) sockets.push(...(await openSockets(address, 1000)))
  const frame = request(105, { topic: 'x' })
  let bytes = 0
  for (let at = 0; goesOn(); at++) {
    const byte = frame.subarray(at % frame.length, (at % frame.length) + 1)
    for (const socket of sockets) {
      if (!socket.destroyed) socket.write(byte)
      bytes++
    }
    await sleep(50)
  }
  destroyAll(sockets)
  return { bytes }
}

/** Lengths that lie: too long, negative, a header longer than its frame, no header at all. */
export const lyingLengths: Attack = async (context) => {
  const lengths: readonly (readonly [number, number])[] = [
    [0x7fff_ffff, 10],
    [-1, 10],
    [0, 0],
    [3, 0],
    [4, 0],
    [16 * 1024 * 1024 + 1, 10],
    [100, 0xff_ffff],
    [100, 97],
    [70_000, 69_000],
    [100, 0x0100_0060],
    [100, 0x7f00_0060],
    [-0x8000_0000, -1],
  ]
  let frames = 0
  let closed = 0
  await inParallel(context, 16, async () => {
    const socket = await openSocket(frames % 2 === 0 ? context.broker : context.namesrv)
    if (socket === null) return
    socket.on('close', () => closed++)
    const [length, header] = lengths[frames++ % lengths.length] ?? [0, 0]
    const bytes = Buffer.alloc(100, 0x7b)
    bytes.writeInt32BE(length, 0)
    bytes.writeInt32BE(header, 4)
    socket.write(bytes)
    socket.resume()
    await sleep(5)
    socket.destroy()
  })
  return { frames, closed }
}

/** Bytes of no protocol, of another one, and the beginnings of TLS. */
export const garbage: Attack = async (context) => {
  const { random } = context
  const others = [
    Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
    Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    Buffer.from('SSH-2.0-x\r\n'),
    Buffer.from([0x16, 3, 1, 0xff, 0xff, 1, 0, 0xff, 0xff]),
    Buffer.from([0x16, 3, 1, 0, 0]),
  ]
  let connections = 0
  await inParallel(context, 32, async () => {
    const socket = await openSocket(connections % 2 === 0 ? context.broker : context.namesrv)
    if (socket === null) return
    const other = others[connections++ % (others.length * 2)]
    socket.resume()
    socket.write(other ?? randomBytes(random, 1 + random.below(4000)))
    if (random.below(2) === 0) socket.write(randomBytes(random, 1 + random.below(4000)))
    await sleep(random.below(20))
    socket.destroy()
  })
  return { connections }
}
