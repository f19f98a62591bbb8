// What every attack is given, and the few tools that all of them share.
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { encodeRequest, type Fields } from '../harness/raw-client.ts'
import { Random } from '../kill/random.ts'

export interface AttackContext {
  broker: string
  namesrv: string
  random: Random
  /** False once the time is up: an attack ends soon after. */
  goesOn: () => boolean
}

/** Runs until the time is up; says what it did, for the report. */
export type Attack = (context: AttackContext) => Promise<Record<string, number>>

let nextAddress: number = 0

/** Attackers come from addresses of their own, as they do in life: the limit per address must not shut out the others. */
function sourceAddress(): string {
  nextAddress = (nextAddress + 1) % 60_000
  return `127.0.${1 + (nextAddress % 60)}.${1 + (Math.floor(nextAddress / 60) % 200)}`
}

/** A connected socket that swallows errors, or null. */
export async function openSocket(address: string, source?: string): Promise<Socket | null> {
  const [host = '', port] = address.split(':')
  const localAddress = source ?? sourceAddress()
  return await new Promise((resolve) => {
    const socket = connect({ host, port: Number(port), localAddress })
    socket.on('error', () => resolve(null))
    socket.once('connect', () => resolve(socket))
  })
}

/** Sockets that are there at the end of `count` tries. */
export async function openSockets(
  address: string,
  count: number,
  source?: string,
): Promise<Socket[]> {
  const sockets: Socket[] = []
  const tries = Array.from({ length: count }, async () => {
    const socket = await openSocket(address, source)
    if (socket !== null) sockets.push(socket)
  })
  await Promise.all(tries)
  return sockets
}

export function destroyAll(sockets: readonly Socket[]): void {
  for (const socket of sockets) socket.destroy()
}

/** Writes and waits until the kernel took it, or the socket died, or the time is up. */
export async function writeAll(
  socket: Socket,
  bytes: Buffer,
  goesOn: () => boolean,
): Promise<void> {
  if (socket.destroyed) return
  let done = false
  socket.write(bytes, () => {
    done = true
  })
  while (!done && !socket.destroyed && goesOn()) await sleep(1)
}

export function request(code: number, fields: Fields, body: Buffer = Buffer.alloc(0)): Buffer {
  return encodeRequest(code, 1, fields, body)
}

/** Answers are read and thrown away. */
export function discard(socket: Socket): void {
  socket.resume()
}

/** `workers` loops of `step` until the time is up. */
export async function inParallel(
  context: AttackContext,
  workers: number,
  step: () => Promise<void>,
): Promise<void> {
  const loops = Array.from({ length: workers }, async () => {
    while (context.goesOn()) {
      await step()
      await sleep(0)
    }
  })
  await Promise.all(loops)
}

export function randomBytes(random: Random, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  for (let at = 0; at < length; at++) bytes[at] = random.below(256)
  return bytes
}

export { Random, sleep }
