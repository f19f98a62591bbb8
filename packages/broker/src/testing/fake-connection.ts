import { ApogeeError } from '@apogee/base'
import type { ExtFields } from '@apogee/protocol'
import type { Response } from '@apogee/remoting'
import type { ClientConnection } from '../client/client-channel.ts'

let nextId = 1

/** A request that the broker sent to the client. */
export interface SentRequest {
  code: number
  fields: ExtFields | null
  body: Buffer | null
  oneway: boolean
}

/** A connection without a socket: remembers what was sent, answers requests with `answerWith`. */
export class FakeConnection implements ClientConnection {
  readonly id: number = nextId++
  readonly remoteAddress: string
  open = true
  readonly sent: SentRequest[] = []
  /** What requests get; null = a time-out. */
  answerWith: Response | null = null
  private listeners: (() => void)[] = []

  constructor(remoteAddress = '127.0.0.1:50000') {
    this.remoteAddress = remoteAddress
  }

  oneway(code: number, fields: ExtFields | null, body: Buffer | null): boolean {
    this.sent.push({ code, fields, body, oneway: true })
    return true
  }

  request(
    code: number,
    fields: ExtFields | null,
    body: Buffer | null,
    _timeoutMs: number,
    done: (error: ApogeeError | null, response: Response | null) => void,
  ): void {
    this.sent.push({ code, fields, body, oneway: false })
    if (this.answerWith === null) done(new ApogeeError('REMOTING_TIMEOUT', 'no answer'), null)
    else done(null, this.answerWith)
  }

  onClose(listener: () => void): void {
    this.listeners.push(listener)
  }

  close(_reason = ''): void {
    if (!this.open) return
    this.open = false
    for (const listener of this.listeners) listener()
    this.listeners = []
  }
}
