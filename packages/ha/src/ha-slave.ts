import { unreachable } from '@apogee/base'
import type { Timer } from '@apogee/env'
import type { HaRefusal } from '@apogee/protocol'
import { ApacheSession } from './apache-session.ts'
import { ApogeeSession } from './apogee-session.ts'
import { RateMeter } from './core/rate-meter.ts'
import { type HaTarget, type SlaveAction, SlaveCore } from './core/slave-core.ts'
import type { HaDeps } from './ha-deps.ts'
import type { HaSlaveOptions } from './ha-options.ts'
import type { HaSlaveState, HaSlaveStatus } from './ha-status.ts'
import type { SlaveSession, SlaveSessionHost } from './slave-session.ts'

export type { HaTarget } from './core/slave-core.ts'

export interface HaSlaveDeps extends HaDeps {
  /**
   * The log differs from the master's from `at` on (a record boundary) to its `end`. Called once; the slave has stopped.
   * The owner closes the store, cuts it with `cutClosedLog` of the store, and starts anew.
   */
  onDiverged(cut: { at: number; end: number }): void
  /** The state, the target or the problem changed. */
  onChange?(status: HaSlaveStatus): void
}

/**
 * Copies a master's log into this store (Java: DefaultHAClient). It connects, compares the logs, follows, and does so again
 * whenever the connection is lost; it acknowledges what is stored here.
 */
export class HaSlave {
  private readonly deps: HaSlaveDeps
  private readonly core: SlaveCore
  private readonly host: SlaveSessionHost
  private readonly rate: RateMeter
  private readonly endProgress: () => void
  private session: SlaveSession | null = null
  private timer: Timer | null = null
  private timerDueMs = Number.POSITIVE_INFINITY
  /** Where an empty log was told to begin; it is still empty while it ends there. */
  private startedAt = 0
  /** Bytes have come since the log was told where to begin. */
  private hasReceived = false
  private running = false
  private lastReadTimestamp = 0
  private lastWriteTimestamp = 0
  // What was told last.
  private toldState: HaSlaveState = 'idle'
  private toldTarget: HaTarget | null = null
  private toldProblem: HaRefusal | null = null

  constructor(options: HaSlaveOptions, deps: HaSlaveDeps) {
    const { env, replication } = deps
    this.deps = deps
    this.core = new SlaveCore(options, replication.fileSize)
    this.rate = new RateMeter(env.clock.monotonicMs())
    this.host = {
      options,
      core: this.core,
      env,
      replication,
      run: () => this.run(),
      received: (bytes) => {
        this.hasReceived = true
        this.rate.add(bytes, env.clock.monotonicMs())
      },
      mayAcknowledge: () => this.acknowledge(),
    }
    this.endProgress = replication.onProgress(() => this.progressed())
  }

  /** Follows this master from now on, or nobody. The same target again changes nothing. */
  follow(target: HaTarget | null): void {
    this.core.follow(target, this.nowMs)
    this.run()
  }

  /** Ends the connection for good. */
  stop(): void {
    this.core.stop()
    this.endProgress()
    this.run()
    this.timer?.cancel()
  }

  get status(): HaSlaveStatus {
    const { state, target, masterOffset, problem } = this.core
    return {
      state,
      masterAddress: target?.address ?? '',
      protocol: target?.protocol ?? 'apogee',
      masterOffset,
      maxOffset: this.deps.replication.appended,
      bytesPerSecond: this.rate.perSecond(this.nowMs),
      lastReadTimestamp: this.lastReadTimestamp,
      lastWriteTimestamp: this.lastWriteTimestamp,
      problem,
    }
  }

  private get nowMs(): number {
    return this.deps.env.clock.monotonicMs()
  }

  /** Does what the core wants done, until nothing is left; then sees to timer and listeners. */
  private run(): void {
    // What is done at once puts in new wishes from in here.
    if (this.running) return
    this.running = true
    for (;;) {
      const action = this.core.actions.shift()
      if (action !== undefined) this.perform(action)
      else if (!this.startConnect()) break
    }
    this.running = false
    this.arm()
    this.tell()
  }

  private perform(action: SlaveAction): void {
    switch (action.kind) {
      case 'connect':
        this.connect(action.target)
        break
      case 'disconnect':
        this.disconnect()
        break
      case 'open':
        this.session?.open(action.offset)
        break
      case 'start-at':
        this.startedAt = action.offset
        this.hasReceived = false
        this.deps.replication.replica.startAt(action.offset)
        break
      case 'diverged':
        this.diverged(action.at, action.end)
        break
      case 'find-boundary':
        this.findBoundary(action.offset)
        break
      case 'hello':
      case 'proof':
      case 'compare':
      case 'follow':
        if (this.session instanceof ApogeeSession) performOn(this.session, action)
        break
      default:
        unreachable(action)
    }
  }

  /** Connects once the store is at rest, so that the end of the log is the end of what is stored, and can be compared. */
  private startConnect(): boolean {
    const { replication } = this.deps
    if (!this.core.wantsConnect(this.nowMs)) return false
    replication.replica.reset()
    const { appended, minOffset, stored, written } = replication
    if (written !== appended || stored !== appended) return false
    const isEmpty = appended === minOffset || appended === this.startedAt
    this.core.connect({ minOffset, end: appended, isEmpty, isBegun: this.hasReceived })
    return true
  }

  private connect({ address, protocol }: HaTarget): void {
    const { env } = this.deps
    const { connectTimeoutMs } = this.host.options
    const endpoint = parseAddress(address)
    if (endpoint === null) {
      const message = `${address} is not host:port`
      this.core.fail({ code: 'HA_ADDRESS_INVALID', message }, this.nowMs)
      return
    }
    const socket = env.net.connect({ ...endpoint, timeoutMs: connectTimeoutMs })
    const session =
      protocol === 'apache'
        ? new ApacheSession(socket, this.host)
        : new ApogeeSession(socket, this.host)
    this.session = session
    socket.events = {
      connected: () => this.ifCurrent(session, () => this.core.connected(this.nowMs)),
      data: (bytes) => {
        this.lastReadTimestamp = env.clock.wallMs()
        session.read(bytes)
      },
      drained() {},
      closed: (error) => {
        const message = error?.message ?? 'the master closed the connection'
        this.ifCurrent(session, () => this.core.closed(message, this.nowMs))
      },
    }
  }

  private ifCurrent(session: SlaveSession, input: () => void): void {
    if (this.session !== session) return
    input()
    this.run()
  }

  private disconnect(): void {
    this.session?.end()
    this.session = null
    this.deps.replication.replica.reset()
  }

  private diverged(at: number, end: number): void {
    const fields = { at, end, bytes: end - at, master: this.core.target?.address }
    this.deps.log.warn({ event: 'ha_diverged', code: 'HA_DIVERGED', ...fields })
    this.endProgress()
    this.deps.onDiverged({ at, end })
  }

  private findBoundary(offset: number): void {
    const { session } = this
    this.deps.replication.boundaryAtOrBelow(offset).then(
      (boundary) => {
        if (session !== null) {
          this.ifCurrent(session, () => this.core.boundaryFound(boundary, this.nowMs))
        }
      },
      (error: unknown) => {
        const message = `no record boundary was found at or below ${offset}: ${String(error)}`
        const problem = { code: 'HA_READ_FAILED', message }
        if (session !== null) this.ifCurrent(session, () => this.core.fail(problem, this.nowMs))
      },
    )
  }

  /** The store stored something, or has room again. */
  private progressed(): void {
    if (this.core.state === 'following') this.acknowledge()
    this.session?.checkKept()
    this.session?.resume()
    if (!this.core.isConnected) this.run()
  }

  private acknowledge(): void {
    const offset = this.core.ackOffset(this.storedOffset)
    if (offset >= 0) this.sendAck(offset)
  }

  /**
   * What may be acknowledged. A blank record is stored to the end of its file once its head has come, but nobody may
   * acknowledge bytes that the master has not sent yet.
   */
  private get storedOffset(): number {
    const { stored, replica } = this.deps.replication
    return Math.min(stored, replica.received)
  }

  private sendAck(offset: number): void {
    if (this.session?.acknowledge(offset) !== true) return
    this.lastWriteTimestamp = this.deps.env.clock.wallMs()
    this.core.acknowledged(offset, this.nowMs)
  }

  private arm(): void {
    const nowMs = this.nowMs
    // A connection that waits for the store is made when that says that it is at rest.
    const dueMs = this.core.wantsConnect(nowMs)
      ? Number.POSITIVE_INFINITY
      : this.core.nextDeadlineMs
    if (dueMs >= this.timerDueMs) return
    this.timer?.cancel()
    this.timerDueMs = dueMs
    const delayMs = Math.max(0, dueMs - nowMs)
    this.timer = this.deps.env.clock.after(delayMs, () => this.tick())
  }

  private tick(): void {
    this.timerDueMs = Number.POSITIVE_INFINITY
    this.session?.checkKept()
    if (this.core.tick(this.nowMs) === 'heartbeat') {
      this.core.wrote(this.nowMs)
      this.sendAck(this.storedOffset)
    }
    this.run()
  }

  private tell(): void {
    const { state, target, problem } = this.core
    const isSame =
      state === this.toldState &&
      target === this.toldTarget &&
      isSameProblem(problem, this.toldProblem)
    if (isSame) return
    this.log(state, problem)
    this.toldState = state
    this.toldTarget = target
    this.toldProblem = problem
    this.deps.onChange?.(this.status)
  }

  /** People are told when it follows, and of each new problem once: the same one comes again with every try. */
  private log(state: HaSlaveState, problem: HaRefusal | null): void {
    const { log, replication } = this.deps
    const master = this.core.target?.address ?? ''
    if (state === 'following' && this.toldState !== 'following') {
      log.info({ event: 'ha_follows', master, offset: replication.appended })
    }
    if (problem === null || isSameProblem(problem, this.toldProblem)) return
    const fields = {
      event: 'ha_not_following',
      code: problem.code,
      reason: problem.message,
      master,
    }
    if (problem.code === this.toldProblem?.code) log.debug(fields)
    else log.warn(fields)
  }
}

/** A master that is away gives the same problem with every try. */
function isSameProblem(a: HaRefusal | null, b: HaRefusal | null): boolean {
  return a?.code === b?.code && a?.message === b?.message
}

type ApogeeAction = Extract<SlaveAction, { kind: 'hello' | 'proof' | 'compare' | 'follow' }>

function performOn(session: ApogeeSession, action: ApogeeAction): void {
  switch (action.kind) {
    case 'hello':
      session.sendHello(action.minOffset, action.endOffset)
      break
    case 'proof':
      session.sendProof()
      break
    case 'compare':
      session.compare(action.from, action.length)
      break
    case 'follow':
      session.sendFollow(action.offset)
  }
}

function parseAddress(address: string): { host: string; port: number } | null {
  const colon = address.lastIndexOf(':')
  const port = Number(address.slice(colon + 1))
  const host = address.slice(0, Math.max(0, colon)).replace(/^\[(.*)\]$/, '$1')
  return host !== '' && Number.isInteger(port) && port > 0 && port < 65_536 ? { host, port } : null
}
