import type { Env } from '@apogee/env'
import type { ClientRequest, Response } from '@apogee/remoting'
import { ErrorCode, RocketMQError } from '../api/errors.ts'
import type { Remote, StatusSink } from './contract.ts'

export interface NameServersDeps {
  remote: Pick<Remote, 'invoke'>
  env: Pick<Env, 'clock' | 'random'>
  status?: StatusSink
}

/**
 * The NameServers of a client. Each client begins with a random one, stays with it while it answers, and then takes the
 * next; one that fails is not asked again before the others were.
 */
export class NameServers {
  readonly addresses: readonly string[]
  private readonly deps: NameServersDeps
  private readonly known: ReadonlySet<string>
  private index: number

  /** `addresses` are "host:port", one at least. */
  constructor(addresses: readonly string[], deps: NameServersDeps) {
    this.addresses = addresses
    this.deps = deps
    this.known = new Set(addresses)
    this.index = deps.env.random.below(addresses.length)
  }

  /** The one that is asked first. */
  get current(): string {
    return this.addresses[this.index]!
  }

  has(address: string): boolean {
    return this.known.has(address)
  }

  /**
   * Asks one NameServer after the other until one answers, with whatever code. All have their turn within `timeoutMs`: each
   * gets an equal share of what is left. Rejects with RMQ_NAMESERVER_UNREACHABLE, RMQ_CLOSED.
   */
  async invoke(request: ClientRequest, timeoutMs: number): Promise<Response> {
    const { clock } = this.deps.env
    const deadlineMs = clock.monotonicMs() + timeoutMs
    const attempts: RocketMQError[] = []
    const first = this.index
    for (let i = 0; i < this.addresses.length; i++) {
      const index = (first + i) % this.addresses.length
      const shareMs = (deadlineMs - clock.monotonicMs()) / (this.addresses.length - i)
      try {
        const response = await this.deps.remote.invoke(this.addresses[index]!, request, shareMs)
        this.stayWith(index)
        return response
      } catch (error) {
        if (!(error instanceof RocketMQError) || error.code === ErrorCode.CLOSED) throw error
        attempts.push(error)
      }
    }
    const text = `no NameServer of ${this.addresses.join(', ')} answered`
    const cause = attempts.at(-1)
    const details = { retriable: true, cause, attempts }
    throw new RocketMQError(ErrorCode.NAMESERVER_UNREACHABLE, text, details)
  }

  private stayWith(index: number): void {
    if (index === this.index) return
    this.index = index
    this.deps.status?.emit({ type: 'nameserver-changed', address: this.current })
  }
}
