import { isMalformed } from '@apogee/base'
import type { Socket } from '@apogee/env'
import {
  APACHE_REPORT_SIZE,
  ApacheTransferReader,
  TRANSFER_HEADER,
  TRANSFER_NONE,
  writeApacheReport,
} from '@apogee/protocol'
import { SlaveSession, type SlaveSessionHost } from './slave-session.ts'

/**
 * A connection to a master of Apache's (Java: DefaultHAClient). It is told at once where our log ends, and sends from
 * there; to an empty log from the beginning of its last file. Its frames carry no checksum, so the bodies' own are
 * verified, and every header must name the offset that comes next.
 */
export class ApacheSession extends SlaveSession {
  private readonly reader = new ApacheTransferReader()

  constructor(socket: Socket, host: SlaveSessionHost) {
    super(socket, host, APACHE_REPORT_SIZE)
  }

  open(offset: number): void {
    this.acknowledge(offset)
  }

  protected writeAck(into: Buffer, offset: number): void {
    writeApacheReport(into, 0, offset)
  }

  protected take(bytes: Buffer): void {
    this.reader.push(bytes)
    this.readOn()
  }

  protected readOn(): void {
    const { reader } = this
    while (!this.isPaused && !this.isOver) {
      const event = reader.next()
      if (isMalformed(event)) {
        this.failMalformed(event)
        return
      }
      if (event === TRANSFER_NONE) return
      if (event === TRANSFER_HEADER) this.headerRead(reader.offset, reader.size)
      else this.append(reader.offset, reader.bytes, true)
    }
  }

  private headerRead(offset: number, size: number): void {
    const { core, replication } = this.host
    if (core.awaitsStart) {
      const refusal = size > 0 ? core.startAt(offset) : null
      if (refusal !== null) {
        this.isOver = true
        core.refuse(refusal, this.nowMs)
        this.host.run()
        return
      }
      // The log must begin there before its first bytes are given to it.
      this.host.run()
    } else if (offset !== replication.replica.received) {
      const message = `the master sends from ${offset}, and the log here goes to ${replication.replica.received}`
      this.fail({ code: 'HA_OFFSET_GAP', message })
      return
    }
    core.followed(offset + size)
    this.host.run()
  }
}
