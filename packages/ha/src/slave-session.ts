import type { Malformed } from '@apogee/base'
import type { Env, Socket } from '@apogee/env'
import type { HaRefusal } from '@apogee/protocol'
import {
  type LogReplication,
  REPLICA_GAP,
  REPLICA_MALFORMED,
  REPLICA_OK,
  type ReplicaStatus,
} from '@apogee/store'
import type { SlaveCore } from './core/slave-core.ts'
import type { HaSlaveOptions } from './ha-options.ts'

/** What a connection of the slave needs of it. */
export interface SlaveSessionHost {
  readonly options: HaSlaveOptions
  readonly core: SlaveCore
  readonly env: Env
  readonly replication: LogReplication
  /** The core has got an input: does what it wants done. */
  run(): void
  /** Bytes of the log were taken. */
  received(bytes: number): void
  /** There may be something to acknowledge: the buffer for it is free again, or bytes came. */
  mayAcknowledge(): void
}

/**
 * One connection to a master: bytes to frames to the core, and the log's bytes to the store. While the store is full the
 * socket is not read, so that the master waits with what it has.
 */
export abstract class SlaveSession {
  readonly socket: Socket
  protected readonly host: SlaveSessionHost
  protected isOver = false
  protected isPaused = false
  private readonly ack: Buffer
  private ackBusy = false
  /** What the store had got after the last bytes; −1 before any. */
  private received = -1
  /** What still came after the socket was paused: of one read or so. */
  private held: Buffer[] = []

  constructor(socket: Socket, host: SlaveSessionHost, ackSize: number) {
    this.socket = socket
    this.host = host
    this.ack = Buffer.alloc(ackSize)
  }

  /** The first bytes to the master. `offset`: the end of our log, 0 when it is empty. */
  abstract open(offset: number): void

  protected abstract writeAck(into: Buffer, offset: number): void

  /** Takes bytes; all before them have been read. */
  protected abstract take(bytes: Buffer): void

  /** Reads on, after a pause, in what was taken. */
  protected abstract readOn(): void

  /** Bytes came. */
  read(bytes: Buffer): void {
    if (this.isOver) return
    this.host.core.heard(this.nowMs)
    if (this.isPaused) this.held.push(bytes)
    else this.take(bytes)
  }

  /** The store may have room again. */
  resume(): void {
    if (!this.isPaused || this.isOver || this.host.replication.replica.full) return
    this.isPaused = false
    this.readOn()
    while (!this.isPaused && !this.isOver) {
      const bytes = this.held.shift()
      if (bytes === undefined) break
      this.take(bytes)
    }
    if (this.isPaused || this.isOver) return
    this.host.core.pausedReading(false, this.nowMs)
    this.socket.resume()
  }

  /** Says what is stored here. False while the last acknowledgement is still on its way out of here. */
  acknowledge(offset: number): boolean {
    if (this.ackBusy || this.isOver) return false
    this.ackBusy = true
    this.writeAck(this.ack, offset)
    this.socket.write(this.ack, this.ackSent)
    return true
  }

  /**
   * A store whose device is full takes back what it could not write. The master will not send that again on this
   * connection, and it may have nothing else to send that would show the gap.
   */
  checkKept(): void {
    if (this.isOver || this.host.replication.replica.received >= this.received) return
    const message = 'the store took back what it could not write'
    this.fail({ code: 'HA_STORE_UNAVAILABLE', message })
  }

  /** No more of this connection. */
  end(): void {
    this.isOver = true
    this.held = []
    this.socket.destroy()
  }

  protected get nowMs(): number {
    return this.host.env.clock.monotonicMs()
  }

  /** Gives bytes of the log to the store. */
  protected append(offset: number, bytes: Buffer, verify: boolean): void {
    const { replica } = this.host.replication
    const status = replica.append(offset, bytes, verify)
    if (status !== REPLICA_OK) {
      this.fail(appendProblem(status, offset, replica.received))
      return
    }
    this.received = replica.received
    this.host.received(bytes.length)
    // The rest of a blank record that was stored before.
    this.host.mayAcknowledge()
    if (!replica.full || this.isPaused) return
    this.isPaused = true
    this.host.core.pausedReading(true, this.nowMs)
    this.socket.pause()
  }

  protected fail(problem: HaRefusal): void {
    this.isOver = true
    this.host.core.fail(problem, this.nowMs)
    this.host.run()
  }

  protected failMalformed({ detail }: Malformed): void {
    this.fail({ code: 'HA_FRAME_MALFORMED', message: `from the master: ${detail}` })
  }

  private readonly ackSent = (): void => {
    this.ackBusy = false
    if (!this.isOver) this.host.mayAcknowledge()
  }
}

function appendProblem(status: ReplicaStatus, offset: number, received: number): HaRefusal {
  if (status === REPLICA_GAP) {
    const message = `the master sends from ${offset}, and the log here goes to ${received}`
    return { code: 'HA_OFFSET_GAP', message }
  }
  if (status === REPLICA_MALFORMED) {
    const message = `what the master sent at ${offset} is no record that follows at ${received}`
    return { code: 'HA_FRAME_MALFORMED', message }
  }
  return { code: 'HA_STORE_UNAVAILABLE', message: 'the store takes nothing' }
}
