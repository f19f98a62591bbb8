import { ApogeeError, assert } from '@apogee/base'
import type { Socket } from '@apogee/env'
import {
  CURRENT_VERSION,
  type ExtFields,
  type FrameContent,
  FrameFlag,
  frameSize,
  type SerializeType,
  writeFrameInto,
} from '@apogee/protocol'
import { type Answer, responseContent, tooLarge } from './answer.ts'
import { type ConnectionHost, Pause } from './connection-host.ts'
import { ConnectionInput } from './connection-input.ts'
import { ConnectionOutput } from './connection-output.ts'
import { addressBytes, hostAndPort } from './host-address.ts'
import {
  RemotingError,
  type RequestDone,
  type RequestSink,
  RequestsInFlight,
} from './requests-in-flight.ts'

/** With one of these, frames that were read already are not handled either. */
const PAUSES_HANDLING = Pause.OUTPUT | Pause.UNANSWERED

/** The reason `RemotingClient.close` gives. */
export const CLIENT_CLOSED = 'client_closed'

/**
 * One socket with requests in both directions. Replies are written straight into pooled memory: `reserve`, write at
 * `outputEnd`, `commit`; all output of one turn of the event loop leaves in one socket write.
 */
export class Connection extends ConnectionOutput {
  readonly id: number
  /** "ip:port". */
  remoteAddress = ''
  /** The 4 or 16 bytes of the peer's ip. */
  remoteHost: Uint8Array = addressBytes('')
  remotePort = 0
  localAddress = ''
  /** The address it was asked for by, when we made it. */
  name = ''
  /** When bytes last came in (monotonic): how a half-open connection is told from a quiet one. */
  receivedMs: number

  // What follows is for this package.
  readonly input: ConnectionInput
  readonly requests: RequestsInFlight
  readonly openedMs: number
  /** Bits of Pause. */
  pauses = 0
  /** Requests read and not answered yet. */
  unanswered = 0
  /** What the loop has counted for it. */
  countedBytes = 0
  /** When the peer last took bytes. */
  sentMs: number
  /** When it last took bytes or had none to take. */
  takesMs: number
  closeReason = ''
  private takenBytes = 0
  private readonly host: ConnectionHost
  private readonly serializeType: SerializeType
  private isGone = false
  private closeListeners: (() => void)[] = []
  private establishedListeners: ((error: ApogeeError | null) => void)[] = []
  private takenListeners: ((error: ApogeeError | null) => void)[] = []

  /** `serializeType` is for requests of ours; answers go in the form of their request. */
  constructor(
    id: number,
    socket: Socket,
    established: boolean,
    serializeType: SerializeType,
    host: ConnectionHost,
  ) {
    super(socket, established, host.pool, host.limits)
    const nowMs = host.clock.monotonicMs()
    this.id = id
    this.host = host
    this.serializeType = serializeType
    this.openedMs = nowMs
    this.receivedMs = nowMs
    this.sentMs = nowMs
    this.takesMs = nowMs
    this.input = new ConnectionInput(host.limits, nowMs)
    this.requests = new RequestsInFlight((error) => host.callbackFailed(this, error))
    this.readAddresses()
    socket.events = {
      connected: () => this.connected(),
      data: (bytes) => host.received(this, bytes, false),
      lent: (bytes) => host.received(this, bytes, true),
      drained: () => this.drained(),
      closed: (error) => this.finish(error),
    }
  }

  get open(): boolean {
    return this.isOpen
  }

  get established(): boolean {
    return this.isEstablished
  }

  /** Whether frames of it may be handled now. */
  get handles(): boolean {
    if (this.pauses === 0) return this.isOpen
    if (!this.isOpen || (this.pauses & PAUSES_HANDLING) !== 0) return false
    return (this.pauses & Pause.TOTAL) === 0 || this.pendingOutput === 0
  }

  /** Answers a request. Mirror the `serializeType` of its frame. */
  answer(opaque: number, serializeType: number, answer: Answer): void {
    if (!this.isOpen) return
    const { language, limits } = this.host
    const { frameSizeMax } = limits
    const content = responseContent(opaque, language, serializeType, answer)
    const size = frameSize(content)
    if (size <= frameSizeMax) {
      this.writeFrame(content, size)
      return
    }
    const answerInstead = tooLarge(size, frameSizeMax)
    const refusal = responseContent(opaque, language, serializeType, answerInstead)
    this.writeFrame(refusal, frameSize(refusal))
  }

  /**
   * Sends a request. `done` is called exactly once, after this returned. Codes of its errors: REMOTING_TIMEOUT (the grain
   * is tickMs), REMOTING_CLOSED, REMOTING_TOO_MANY (requestsPerConnectionMax, or outputPauseBytes wait for the peer),
   * REMOTING_CONNECT_FAILED, REMOTING_RESPONSE_MALFORMED.
   */
  request(
    code: number,
    fields: ExtFields | null,
    body: Buffer | null,
    timeoutMs: number,
    done: RequestDone,
  ): void {
    const problem = this.requestProblem()
    if (problem !== null) {
      this.host.clock.soon(() => done(problem, null))
      return
    }
    const deadlineMs = this.host.clock.monotonicMs() + timeoutMs
    this.sendFrame(code, this.requests.add(code, deadlineMs, done), 0, fields, body)
  }

  /**
   * For hot requests, whose caller writes the frame itself, right after this, with the opaque returned: `reserve`, write at
   * `outputEnd`, `commit`. null when the request cannot be made; the reason is then given to `sink`, soon, as by `request`.
   */
  beginRequest(code: number, timeoutMs: number, sink: RequestSink): number | null {
    const problem = this.requestProblem()
    if (problem === null) {
      return this.requests.add(code, this.host.clock.monotonicMs() + timeoutMs, sink)
    }
    this.host.clock.soon(() => sink.failed(problem))
    return null
  }

  /** The same for a one-way frame: its opaque, null when it has to be dropped. */
  beginOneway(): number | null {
    if (!this.isOpen || this.pendingOutput > this.host.limits.outputPauseBytes) return null
    return this.requests.takeOpaque()
  }

  /** Writes a request begun by `beginRequest` or `beginOneway` for a caller that does not write it itself. */
  sendFrame(
    code: number,
    opaque: number,
    flag: number,
    fields: ExtFields | null,
    body: Buffer | null,
  ): void {
    const content = {
      code,
      opaque,
      flag,
      language: this.host.language,
      version: CURRENT_VERSION,
      serializeType: this.serializeType,
      fields,
      body,
    }
    this.writeFrame(content, frameSize(content))
  }

  /** Sends a request without a response. False: dropped, as it is closed, or outputPauseBytes wait for the peer. */
  oneway(code: number, fields: ExtFields | null, body: Buffer | null): boolean {
    if (!this.isOpen || this.pendingOutput > this.host.limits.outputPauseBytes) return false
    this.sendFrame(code, this.requests.takeOpaque(), FrameFlag.ONEWAY, fields, body)
    return true
  }

  /** Called once, when the socket is gone; soon, when it is already. */
  onClose(listener: () => void): void {
    if (this.isGone) this.host.clock.soon(listener)
    else this.closeListeners.push(listener)
  }

  /** Called when the connection is made, or cannot be. */
  onEstablished(listener: (error: ApogeeError | null) => void): void {
    if (this.isEstablished) listener(null)
    else if (this.isGone) listener(this.closedError(null))
    else this.establishedListeners.push(listener)
  }

  /** Called once, later, when the socket has taken everything written so far, or is gone before (the error). */
  onTaken(listener: (error: ApogeeError | null) => void): void {
    if (this.isGone) this.host.clock.soon(() => listener(this.closedError(null)))
    else if (this.pendingOutput > 0) this.takenListeners.push(listener)
    else this.host.clock.soon(() => listener(null))
  }

  /** Closes, after what is committed has been sent if the peer takes it. `reason` is for log and counters. */
  close(reason: string): void {
    this.flush()
    if (!this.isOpen) return
    const takes = this.isEstablished && (this.pauses & Pause.OUTPUT) === 0
    if (!takes) {
      this.abort(reason)
      return
    }
    this.isOpen = false
    this.closeReason = reason
    this.host.closing(reason)
    this.requests.failAll(this.closedError(null))
    // The end of the peer's stream is seen only by reading.
    if (this.pauses !== 0) this.socket.resume()
    this.socket.end()
  }

  /** Closes at once; what was not sent is lost. */
  abort(reason: string): void {
    if (this.isGone) return
    if (this.isOpen) {
      this.isOpen = false
      this.closeReason = reason
      this.host.closing(reason)
    }
    this.socket.destroy()
  }

  /**
   * A hot handler took a request that it answers later, one that makes progress by itself (a write on its way to the
   * disk). A held long poll is none: it would stop the heartbeats behind it; long polling has a limit of its own.
   */
  requestParked(): void {
    this.unanswered++
    this.host.unanswered++
    const { unansweredPerConnectionMax } = this.host.limits
    if (this.unanswered >= unansweredPerConnectionMax && this.host.pausesPeers) {
      this.pause(Pause.UNANSWERED)
    }
  }

  /** The counterpart, exactly once, also when the connection is gone. */
  requestFinished(): void {
    assert(this.unanswered > 0, 'request finished that was not parked', this.id)
    this.unanswered--
    this.host.unanswered--
    if ((this.pauses & Pause.UNANSWERED) === 0) return
    const { unansweredPerConnectionMax } = this.host.limits
    if (this.unanswered <= unansweredPerConnectionMax * 0.75) this.resume(Pause.UNANSWERED)
  }

  pause(reason: number): void {
    if (this.pauses === 0 && this.isOpen) this.socket.pause()
    this.pauses |= reason
  }

  resume(reason: number): void {
    if ((this.pauses & reason) === 0) return
    this.pauses &= ~reason
    if (!this.isOpen) return
    if (this.pauses === 0) this.socket.resume()
    this.host.wake(this)
  }

  /** Notes what the peer has taken, and goes on once it has taken enough. */
  observeOutput(nowMs: number): void {
    const pending = this.socket.pendingBytes
    const taken = this.writtenBytes - pending
    if (taken > this.takenBytes) {
      this.takenBytes = taken
      this.sentMs = nowMs
      this.takesMs = nowMs
    } else if (pending === 0) this.takesMs = nowMs
    if (this.takenListeners.length > 0 && this.pendingOutput === 0) this.tellTaken(null)
    if (this.pauses === 0) return
    if (pending <= this.host.limits.outputPauseBytes / 2) this.resume(Pause.OUTPUT)
    if (pending === 0 && (this.pauses & Pause.TOTAL) !== 0) this.host.wake(this)
  }

  protected override outputWaits(): void {
    this.host.outputWaits(this)
  }

  protected override outputSent(): void {
    const pending = this.socket.pendingBytes
    const { outputCloseBytes, outputPauseBytes } = this.host.limits
    if (pending > outputCloseBytes) this.abort('output_too_large')
    else if (pending > outputPauseBytes && this.host.pausesPeers) this.pause(Pause.OUTPUT)
    if (pending > 0 || this.countedBytes > 0) this.host.account(this)
  }

  private requestProblem(): ApogeeError | null {
    const { limits } = this.host
    const peer = this.peer
    if (!this.isOpen) return new ApogeeError(RemotingError.CLOSED, `${peer} is closed`)
    if (this.requests.size >= limits.requestsPerConnectionMax) {
      const text = `${this.requests.size} requests to ${peer} wait for a response`
      return new ApogeeError(RemotingError.TOO_MANY, text)
    }
    const pending = this.pendingOutput
    if (pending <= limits.outputPauseBytes) return null
    return new ApogeeError(RemotingError.TOO_MANY, `${peer} has not taken ${pending} bytes`)
  }

  private writeFrame(content: FrameContent, size: number): void {
    const buffer = this.reserve(size)
    writeFrameInto(buffer, this.outputEnd, content)
    this.commit(size)
  }

  private connected(): void {
    this.isEstablished = true
    this.readAddresses()
    this.takesMs = this.host.clock.monotonicMs()
    this.sendBacklog()
    this.flush()
    this.tellEstablished(null)
  }

  private drained(): void {
    this.observeOutput(this.host.clock.monotonicMs())
    this.host.account(this)
  }

  private finish(error: Error | null): void {
    if (this.isGone) return
    this.isGone = true
    if (this.isOpen) {
      this.isOpen = false
      this.closeReason = error === null ? 'peer_closed' : 'socket_error'
      this.host.closing(this.closeReason)
    }
    this.dropOutput()
    this.input.clear()
    const failure = this.closedError(error)
    this.requests.failAll(failure)
    this.tellEstablished(failure)
    this.tellTaken(failure)
    const listeners = this.closeListeners
    this.closeListeners = []
    this.host.gone(this)
    for (const listener of listeners) {
      try {
        listener()
      } catch (thrown) {
        this.host.callbackFailed(this, thrown)
      }
    }
  }

  private tellEstablished(error: ApogeeError | null): void {
    const listeners = this.establishedListeners
    this.establishedListeners = []
    for (const listener of listeners) listener(error)
  }

  private tellTaken(error: ApogeeError | null): void {
    const listeners = this.takenListeners
    this.takenListeners = []
    for (const listener of listeners) listener(error)
  }

  private closedError(error: Error | null): ApogeeError {
    const closed = this.isEstablished || this.closeReason === CLIENT_CLOSED
    const code = closed ? RemotingError.CLOSED : RemotingError.CONNECT_FAILED
    const text = error === null ? this.closeReason : error.message
    return new ApogeeError(code, `${this.peer}: ${text}`, error === null ? {} : { cause: error })
  }

  /** What errors call the other end. */
  private get peer(): string {
    return this.name === '' ? this.remoteAddress : this.name
  }

  private readAddresses(): void {
    const { remoteAddress, remotePort, localAddress, localPort } = this.socket
    this.remoteAddress = hostAndPort(remoteAddress, remotePort)
    this.remoteHost = addressBytes(remoteAddress)
    this.remotePort = remotePort
    this.localAddress = hostAndPort(localAddress, localPort)
  }
}
