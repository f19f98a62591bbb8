// Peers at the replication port that are no slaves: what they send, and what each of them hears.
import { connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  encodeHaCheck,
  encodeHaFrame,
  encodeHaGreeting,
  HA_NONCE_SIZE,
  HA_PROOF_SIZE,
  HA_SLAVE_MAGIC,
  HA_VERSION,
  HaFrameType,
} from '@apogee/protocol'
import { type Random, randomBytes } from './attack.ts'

/** A record's first magic: no stranger may see one. */
const RECORD_MAGIC = Buffer.from('daa320a7', 'hex')
const HTTP = Buffer.from('GET /health HTTP/1.1\r\nHost: broker\r\nUser-Agent: probe\r\n\r\n')
const TLS_HELLO = Buffer.from('16030100a5010000a103039999', 'hex')

export interface HaTarget {
  address: string
  brokerName: string
  clusterName: string
  fileSize: number
  /** End of the master's log, more or less. */
  end: number
  /** All that an honest slave sent when it connected and followed. */
  recorded: Buffer
}

type MakeBytes = (random: Random, target: HaTarget) => Buffer

export const haAttacks: Readonly<Record<string, MakeBytes>> = {
  'no bytes': () => Buffer.alloc(0),
  'an HTTP probe': () => HTTP,
  'a TLS hello': () => TLS_HELLO,
  'half of the magic': () => HA_SLAVE_MAGIC.subarray(0, 5),
  'the magic': () => HA_SLAVE_MAGIC,
  garbage: (random) => randomBytes(random, 1 + random.below(4000)),
  'the magic and garbage': (random) =>
    Buffer.concat([HA_SLAVE_MAGIC, randomBytes(random, 1 + random.below(4000))]),
  'a giant frame': () => {
    const frame = encodeHaFrame(HaFrameType.HELLO, 0, Buffer.alloc(64))
    frame.fill(0x7f, 4, 8)
    return Buffer.concat([HA_SLAVE_MAGIC, frame])
  },
  'half of a HELLO': (random, target) => {
    const whole = Buffer.concat([HA_SLAVE_MAGIC, hello(random, target)])
    return whole.subarray(0, 9 + random.below(whole.length - 9))
  },
  'a HELLO and no proof': (random, target) => afterHello(random, target),
  'a guessed proof, FOLLOW, ACK': (random, target) =>
    afterHello(
      random,
      target,
      encodeHaFrame(HaFrameType.PROOF, 0, randomBytes(random, HA_PROOF_SIZE)),
      encodeHaFrame(HaFrameType.FOLLOW, 0),
      encodeHaFrame(HaFrameType.ACK, target.end),
    ),
  'FOLLOW without a proof': (random, target) =>
    afterHello(random, target, encodeHaFrame(HaFrameType.FOLLOW, 0)),
  'CHECK without a proof': (random, target) =>
    afterHello(random, target, encodeHaFrame(HaFrameType.CHECK, 0, encodeHaCheck(100))),
  'ACK without a handshake': (_random, { end }) =>
    Buffer.concat([HA_SLAVE_MAGIC, encodeHaFrame(HaFrameType.ACK, end)]),
  'a recorded session': (_random, { recorded }) => recorded,
  "Apache's report of an empty log": () => report(0),
  "Apache's report of the whole log": (_random, { end }) => report(end),
  "Apache's report beyond the log": (random, { end }) => report(end + 1 + random.below(1e9)),
}

export const haAttackNames: readonly string[] = Object.keys(haAttacks)

function afterHello(random: Random, target: HaTarget, ...frames: Buffer[]): Buffer {
  return Buffer.concat([HA_SLAVE_MAGIC, hello(random, target), ...frames])
}

function hello(random: Random, target: HaTarget): Buffer {
  const { brokerName, clusterName, fileSize } = target
  const nonce = randomBytes(random, HA_NONCE_SIZE)
  const identity = { clusterName, brokerName, brokerId: 1 }
  const range = { fileSize, minOffset: 0, endOffset: 0 }
  const greeting = encodeHaGreeting({ version: HA_VERSION, ...identity, ...range, nonce })
  return encodeHaFrame(HaFrameType.HELLO, 0, greeting)
}

export function report(offset: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(BigInt(offset))
  return bytes
}

/** One connection, and what came back on it. */
export class HaPeer {
  heard: Buffer = Buffer.alloc(0)
  isClosed = false
  readonly #socket: Socket

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (bytes: Buffer) => {
      this.heard = Buffer.concat([this.heard, bytes])
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.isClosed = true
    })
  }

  /** `from`: an address of this machine. */
  static async open(address: string, from: string): Promise<HaPeer> {
    const [host = '', port] = address.split(':')
    const socket = connect({ host, port: Number(port), localAddress: from })
    const peer = new HaPeer(socket)
    await new Promise<void>((resolve) => {
      socket.once('connect', resolve)
      socket.once('close', () => resolve())
    })
    return peer
  }

  send(bytes: Buffer): void {
    if (!this.isClosed && bytes.length > 0) this.#socket.write(bytes)
  }

  /** One byte after the other. */
  async sendSlowly(bytes: Buffer, pauseMs: number, goesOn: () => boolean): Promise<void> {
    for (const byte of bytes) {
      if (this.isClosed || !goesOn()) return
      this.send(Buffer.of(byte))
      await sleep(pauseMs)
    }
  }

  close(): void {
    this.#socket.resetAndDestroy()
  }

  /** Whether a part of the log came. */
  get heardTheLog(): boolean {
    return this.heard.includes(RECORD_MAGIC)
  }
}

/** Between an honest slave and its master: notes what the slave sends, changes nothing. */
export class SessionRecorder {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #sent: Buffer[] = []

  private constructor(target: string) {
    const [host = '', port] = target.split(':')
    this.#server = createServer({ noDelay: true }, (slave) => {
      const master = connect({ host, port: Number(port), noDelay: true })
      this.#pump(slave, master, (bytes) => this.#sent.push(bytes))
      this.#pump(master, slave, () => undefined)
    })
  }

  static async start(port: number, target: string): Promise<SessionRecorder> {
    const recorder = new SessionRecorder(target)
    await new Promise<void>((resolve) => recorder.#server.listen(port, '127.0.0.1', resolve))
    return recorder
  }

  /** The beginning of what was sent: whole sessions go on with acknowledgements. */
  get recorded(): Buffer {
    return Buffer.concat(this.#sent).subarray(0, 64 * 1024)
  }

  /** Cuts the slave off; it comes again. */
  cut(): void {
    this.#sent = []
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  close(): void {
    this.#server.close()
    this.cut()
  }

  #pump(from: Socket, to: Socket, note: (bytes: Buffer) => void): void {
    this.#sockets.add(from)
    from.on('data', (bytes: Buffer) => {
      note(bytes)
      to.write(bytes)
    })
    from.on('error', () => to.destroy())
    from.on('close', () => {
      this.#sockets.delete(from)
      to.destroy()
    })
  }
}
