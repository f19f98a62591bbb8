import { setImmediate } from 'node:timers/promises'
import type { Env, Socket } from '@apogee/env'
import { type SimHost, SimWorld, type SimWorldOptions } from '@apogee/env/sim'
import {
  decodeHaRefusal,
  encodeHaFrame,
  encodeHaGreeting,
  HA_HEADER_SIZE,
  HA_MAGIC_SIZE,
  HA_SLAVE_MAGIC,
  HA_VERSION,
  HaFrameReader,
  HaFrameType,
  type HaGreeting,
  type HaRefusal,
  splitHaWelcome,
} from '@apogee/protocol'
import { HaMaster } from './ha-master.ts'
import type { HaMasterOptions, HaProtocol, HaSlaveOptions } from './ha-options.ts'
import { HaSlave } from './ha-slave.ts'
import type { HaSlaveStatus } from './ha-status.ts'
import { PlainLog } from './plain-log.fixture.ts'
import { haProof } from './proof.ts'

export const MASTER = '10.0.0.1'
export const PORT = 10_912
export const TARGET: string = `${MASTER}:${PORT}`

export function masterOptions(changes: Partial<HaMasterOptions> = {}): HaMasterOptions {
  return {
    identity: { clusterName: 'c', brokerName: 'a', brokerId: 0 },
    sharedSecret: 's3cret',
    heartbeatMs: 5_000,
    housekeepingMs: 20_000,
    host: '0.0.0.0',
    port: PORT,
    allowedPeers: ['10.0.0.0/24'],
    inSyncReplicas: 2,
    slaveTimeoutMs: 3_000,
    gapMax: 1024 * 1024,
    apacheFrameBytes: 1_000,
    frameBytes: 8_192,
    bytesPerSecondMax: Number.POSITIVE_INFINITY,
    fromLastFile: false,
    connectionsMax: 4,
    handshakeTimeoutMs: 5_000,
    ...changes,
  }
}

export function slaveOptions(changes: Partial<HaSlaveOptions> = {}): HaSlaveOptions {
  return {
    identity: { clusterName: 'c', brokerName: 'a', brokerId: 1 },
    sharedSecret: 's3cret',
    heartbeatMs: 5_000,
    housekeepingMs: 20_000,
    retryMs: 1_000,
    connectTimeoutMs: 3_000,
    divergedTailMax: 1024 * 1024,
    fromLastFile: false,
    ...changes,
  }
}

export interface LoggedEvent {
  level: string
  event: string
  code?: string
}

/** A process with a replication end and its log; both logs outlive the process. */
export class TestNode {
  readonly log: PlainLog
  readonly host: SimHost
  readonly events: LoggedEvent[] = []
  readonly cuts: { at: number; end: number }[] = []
  readonly states: string[] = []
  env: Env

  constructor(host: SimHost, fileSize: number) {
    this.host = host
    this.env = host.boot()
    this.log = new PlainLog(fileSize)
  }

  master(changes: Partial<HaMasterOptions> = {}): HaMaster {
    const master = new HaMaster(masterOptions(changes), this.deps())
    void master.start()
    return master
  }

  slave(changes: Partial<HaSlaveOptions> = {}, protocol: HaProtocol = 'apogee'): HaSlave {
    const slave = new HaSlave(slaveOptions(changes), {
      ...this.deps(),
      onDiverged: (cut) => this.cuts.push(cut),
      onChange: ({ state, problem }: HaSlaveStatus) =>
        this.states.push(problem === null ? state : `${state} ${problem.code}`),
    })
    slave.follow({ address: TARGET, protocol })
    return slave
  }

  /** A peer of the master's that speaks bytes. */
  connect(): RawPeer {
    return new RawPeer(this.env.net.connect({ host: MASTER, port: PORT }))
  }

  logged(event: string): LoggedEvent[] {
    return this.events.filter((entry) => entry.event === event)
  }

  private deps(): {
    env: Env
    log: Record<'debug' | 'info' | 'warn' | 'error', (fields: object) => void>
    replication: PlainLog
  } {
    const note = (level: string) => (fields: object) => {
      this.events.push({ level, ...fields } as LoggedEvent)
    }
    const log = {
      debug: note('debug'),
      info: note('info'),
      warn: note('warn'),
      error: note('error'),
    }
    return { env: this.env, log, replication: this.log }
  }
}

/** One end of a connection in the hands of a test. */
export class RawPeer {
  readonly socket: Socket
  received: Buffer = Buffer.alloc(0)
  isClosed = false

  constructor(socket: Socket) {
    this.socket = socket
    socket.events = {
      data: (bytes) => {
        this.received = Buffer.concat([this.received, bytes])
      },
      drained() {},
      closed: () => {
        this.isClosed = true
      },
    }
  }

  send(bytes: Uint8Array): void {
    this.socket.write(bytes)
  }

  /** Takes the master's frames from what has come, in short: type, offset, and a refusal's code. */
  frames(): string[] {
    const reader = new HaFrameReader('master')
    reader.push(this.received.subarray(HA_MAGIC_SIZE))
    const found: string[] = []
    while (reader.next() === true) {
      const { type, offset, payload } = reader
      const refusal = type === HaFrameType.REFUSED ? decodeHaRefusal(payload) : null
      found.push(refusal === null ? `${type}@${offset}` : (refusal as HaRefusal).code)
    }
    return found
  }

  /** HELLO as a slave of `changes` would send it, and after the master's welcome the proof with `secret`. */
  shakeHands(it: Drivers, changes: Partial<HaGreeting> = {}, secret = 's3cret'): void {
    this.send(HA_SLAVE_MAGIC)
    it.until(() => this.received.length === HA_MAGIC_SIZE)
    const hello = encodeHaGreeting({
      version: HA_VERSION,
      clusterName: 'c',
      brokerName: 'a',
      brokerId: 7,
      fileSize: 4096,
      minOffset: 0,
      endOffset: 0,
      nonce: new Uint8Array(32).fill(5),
      ...changes,
    })
    this.send(encodeHaFrame(HaFrameType.HELLO, 0, hello))
    it.until(() => this.frames().length > 0 || this.isClosed)
    if (this.received.readUInt8(HA_MAGIC_SIZE) !== HaFrameType.WELCOME) return
    const payload = this.received.subarray(HA_MAGIC_SIZE + HA_HEADER_SIZE)
    const welcome = splitHaWelcome(payload).greeting
    const proof = haProof(secret, 'slave', { hello, welcome })
    this.send(encodeHaFrame(HaFrameType.PROOF, 0, proof))
  }
}

export class Drivers {
  readonly world: SimWorld
  readonly m: TestNode
  readonly s: TestNode

  constructor(seed = 1, fileSize = 4096, network: SimWorldOptions['network'] = {}) {
    this.world = new SimWorld(seed, { network })
    this.m = new TestNode(this.world.host(MASTER), fileSize)
    this.s = new TestNode(this.world.host('10.0.0.2'), fileSize)
  }

  node(address: string, fileSize = 4096): TestNode {
    return new TestNode(this.world.host(address), fileSize)
  }

  /** A master in the hands of the test: `read` gets what a slave sends. */
  fakeMaster(read: (socket: Socket, bytes: Buffer) => void): void {
    this.m.env.net.listen(
      { host: '0.0.0.0', port: PORT },
      (socket) => {
        socket.events = { data: (bytes) => read(socket, bytes), drained() {}, closed() {} }
      },
      () => {},
    )
  }

  until(reached: () => boolean, timeoutMs = 60_000): boolean {
    return this.world.clock.runUntil(reached, timeoutMs)
  }

  run(durationMs: number): void {
    this.world.clock.runFor(durationMs)
  }

  /** For what waits for a promise. */
  async runAsync(durationMs: number): Promise<void> {
    await this.world.clock.runForAsync(durationMs, () => setImmediate())
  }
}
