import type { Clock, Socket } from '@apogee/env'
import { CURRENT_VERSION, encodeFrame, FrameFlag, LanguageCode } from '@apogee/protocol'
import { ForwardingSocket } from '../forwarding-socket.ts'
import type { FaultAction, FaultRules } from './fault-rules.ts'
import { FrameCutter } from './frame-cutter.ts'
import { type FrameFacts, frameFacts } from './request-facts.ts'

type ReplyAction = Extract<FaultAction, { kind: 'drop-reply' | 'delay-reply' }>

interface Written {
  readonly size: number
  readonly sent: (() => void) | undefined
  isHandedOn: boolean
}

/**
 * An accepted connection on which planned faults happen, between the socket and the server. Requests of either side are
 * judged: clients' as they come, the server's own (transaction checks, notices) as they leave. While no fault is planned,
 * bytes pass as they are; only the frames' lengths are followed.
 */
export class FaultSocket extends ForwardingSocket {
  private readonly node: string
  private readonly rules: FaultRules
  private readonly clock: Clock
  private readonly input: FrameCutter
  private readonly output: FrameCutter
  /** What is to happen to the replies of requests by opaque. */
  private readonly replies = new Map<number, ReplyAction>()
  /** Frames that wait for their time: none behind them may pass in pieces. */
  private inputDelayed = 0
  private outputDelayed = 0
  /** Replies made up here, until a frame of the server's own has gone out whole. */
  private madeUp: Buffer[] = []
  /** Of the chunk that has just come. */
  private isLent = false
  private isGone = false
  /** The call of `write` under way. */
  private written: Written | null = null

  constructor(socket: Socket, node: string, rules: FaultRules, clock: Clock) {
    super(socket)
    this.node = node
    this.rules = rules
    this.clock = clock
    this.input = new FrameCutter(
      {
        pass: (bytes) => this.deliver(bytes, this.isLent),
        frame: (bytes) => this.requestCame(bytes),
      },
      () => rules.isActive || this.inputDelayed > 0,
    )
    this.output = new FrameCutter(
      { pass: (bytes) => this.sendPart(bytes), frame: (bytes) => this.frameLeaves(bytes) },
      () => rules.isActive || this.replies.size > 0 || this.outputDelayed > 0,
    )
  }

  override write(bytes: Uint8Array, sent?: () => void): boolean {
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    const written: Written = { size: chunk.length, sent, isHandedOn: false }
    this.written = written
    this.output.push(chunk)
    this.written = null
    // What did not go as it came went as copies, or not at all: the memory is free.
    if (!written.isHandedOn && sent !== undefined) this.clock.soon(sent)
    this.sendMadeUp()
    return true
  }

  protected override closed(error: Error | null): void {
    this.isGone = true
    super.closed(error)
  }

  protected override came(bytes: Buffer, isLent: boolean): void {
    this.isLent = isLent
    this.input.push(bytes)
  }

  private requestCame(bytes: Buffer): void {
    const facts = frameFacts(bytes)
    const action = this.judge(facts)
    if (facts === null || action === null) this.events.data(bytes)
    else this.carryOut(action, facts, bytes)
  }

  private judge(facts: FrameFacts | null): FaultAction | null {
    if (facts === null || facts.isResponse) return null
    return this.rules.judge({ node: this.node, ...facts })
  }

  private carryOut(action: FaultAction, facts: FrameFacts, bytes: Buffer): void {
    switch (action.kind) {
      case 'drop':
        break
      case 'drop-reply':
      case 'delay-reply':
        if (!facts.isOneway) this.replies.set(facts.opaque, action)
        this.events.data(bytes)
        break
      case 'delay':
        this.inputDelayed++
        this.later(action.delayMs, () => {
          this.inputDelayed--
          this.events.data(bytes)
        })
        break
      case 'refuse':
        if (!facts.isOneway) this.madeUp.push(refusalFrame(action, facts))
        this.sendMadeUp()
        break
      case 'disconnect':
        this.inner.destroy()
        break
    }
  }

  /** A whole frame of the server: the reply to something, or a request of its own. */
  private frameLeaves(bytes: Buffer): void {
    const facts = frameFacts(bytes)
    const action = facts?.isResponse ? this.replyAction(facts.opaque) : this.judge(facts)
    switch (action?.kind) {
      case 'drop':
      case 'drop-reply':
      // Who asks the client hears nothing, as if the client had not.
      case 'refuse':
        return
      case 'disconnect':
        this.inner.destroy()
        return
      case 'delay':
      case 'delay-reply':
        this.outputDelayed++
        this.later(action.delayMs, () => {
          this.outputDelayed--
          this.madeUp.push(bytes)
          this.sendMadeUp()
        })
        return
      case undefined:
        this.inner.write(bytes)
    }
  }

  private replyAction(opaque: number): ReplyAction | null {
    const action = this.replies.get(opaque) ?? null
    this.replies.delete(opaque)
    return action
  }

  private later(delayMs: number, task: () => void): void {
    this.clock.after(delayMs, () => {
      if (!this.isGone) task()
    })
  }

  /** A part of the chunk that is being written; the whole of it, mostly. */
  private sendPart(bytes: Buffer): void {
    const written = this.written
    if (written?.size !== bytes.length) {
      this.inner.write(Buffer.from(bytes))
      return
    }
    written.isHandedOn = true
    this.inner.write(bytes, written.sent)
  }

  private sendMadeUp(): void {
    if (!this.output.isBetweenFrames) return
    const frames = this.madeUp
    this.madeUp = []
    for (const frame of frames) this.inner.write(frame)
  }
}

function refusalFrame(
  { code, remark }: Extract<FaultAction, { kind: 'refuse' }>,
  { opaque, serializeType }: FrameFacts,
): Buffer {
  return encodeFrame({
    code,
    opaque,
    flag: FrameFlag.RESPONSE,
    language: LanguageCode.JAVA,
    version: CURRENT_VERSION,
    serializeType,
    remark,
  })
}
