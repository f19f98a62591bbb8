import { assert } from '@apogee/base'
import { HA_CHECK_MAX, type HaGreeting, type HaRefusal } from '@apogee/protocol'
import type { HaProtocol, HaSlaveOptions } from '../ha-options.ts'
import type { HaSlaveState } from '../ha-status.ts'
import { checkIdentity } from './identity-check.ts'
import { PrefixSearch } from './prefix-search.ts'

/** Where the master's replication port is, and how it speaks. */
export interface HaTarget {
  /** host:port. */
  readonly address: string
  readonly protocol: HaProtocol
}

/** Our log when a connection begins: all of it is stored, and nothing else writes to it. */
export interface SlaveLog {
  readonly minOffset: number
  readonly end: number
  /** It holds nothing, wherever it begins. */
  readonly isEmpty: boolean
  /** It holds nothing yet, but begins at its end: bytes have come that the store could not keep. */
  readonly isBegun: boolean
}

/** What the driver has to do. */
export type SlaveAction =
  | { readonly kind: 'connect'; readonly target: HaTarget }
  | { readonly kind: 'disconnect' }
  /** The magic of ours, or the first report to Apache's master. */
  | { readonly kind: 'open'; readonly offset: number }
  | { readonly kind: 'hello'; readonly minOffset: number; readonly endOffset: number }
  | { readonly kind: 'proof' }
  /** Ask the master for a range's hash and compare it with ours: `compared`. */
  | { readonly kind: 'compare'; readonly from: number; readonly length: number }
  /** Find the record boundary at or below: `boundaryFound`. */
  | { readonly kind: 'find-boundary'; readonly offset: number }
  /** The empty log begins here. */
  | { readonly kind: 'start-at'; readonly offset: number }
  | { readonly kind: 'follow'; readonly offset: number }
  | { readonly kind: 'diverged'; readonly at: number; readonly end: number }

/**
 * A slave's side of replication, without I/O. Inputs push what is to be done to `actions`, which the driver takes after
 * each; inputs of a connection that is no more must not come in.
 *
 *   idle ─ follow → connecting ─ connected → handshake ─ WELCOME → checking ─ FOLLOW, first frame → following
 *                       ↑                        │                    │                                 │
 *                       └──────── retryMs ───────┴─ refused ──────────┴─ diverged → stopped             │
 *                       └───────────────────────────── closed, silent ──────────────────────────────────┘
 */
export class SlaveCore {
  state: HaSlaveState = 'idle'
  target: HaTarget | null = null
  /** What keeps it from following, or kept it last time; null while it follows. */
  problem: HaRefusal | null = null
  /** End of the master's log as last heard. */
  masterOffset = 0
  /** What the master was told that is stored here. */
  acked = 0
  lastReadMs = 0
  lastWriteMs = 0
  readonly actions: SlaveAction[] = []
  private readonly options: HaSlaveOptions
  private readonly fileSize: number
  private log: SlaveLog = { minOffset: 0, end: 0, isEmpty: true, isBegun: false }
  /** A connection is being made. */
  private connecting = false
  private search: PrefixSearch | null = null
  /** First offset that both logs hold; only while checking. */
  private floor = 0
  /** A connection is wanted at this time; Infinity: none is, or there is one. */
  private connectAtMs = Number.POSITIVE_INFINITY
  private handshakeSinceMs = 0
  /** The driver reads nothing, since the store is full. */
  private paused = false

  constructor(options: HaSlaveOptions, fileSize: number) {
    this.options = options
    this.fileSize = fileSize
  }

  /** There is a connection, or one is being made. */
  get isConnected(): boolean {
    const { state } = this
    return state === 'handshake' || state === 'checking' || state === 'following' || this.connecting
  }

  follow(target: HaTarget | null, nowMs: number): void {
    if (this.state === 'stopped' || isSameTarget(target, this.target)) return
    this.disconnect()
    this.target = target
    this.problem = null
    this.masterOffset = 0
    this.state = target === null ? 'idle' : 'connecting'
    this.connectAtMs = target === null ? Number.POSITIVE_INFINITY : nowMs
  }

  stop(): void {
    if (this.state === 'stopped') return
    this.disconnect()
    this.state = 'stopped'
    this.connectAtMs = Number.POSITIVE_INFINITY
  }

  /** Whether a connection is to be made now. The driver then looks that the store is at rest, and calls `connect`. */
  wantsConnect(nowMs: number): boolean {
    return this.target !== null && !this.isConnected && nowMs >= this.connectAtMs
  }

  /** `log`: as it stands, everything of it stored. */
  connect(log: SlaveLog): void {
    assert(this.target !== null && !this.isConnected, 'a second connection', this.state)
    this.log = log
    this.connecting = true
    this.connectAtMs = Number.POSITIVE_INFINITY
    this.actions.push({ kind: 'connect', target: this.target })
  }

  connected(nowMs: number): void {
    assert(this.connecting, 'connected without a connect', this.state)
    this.connecting = false
    this.state = 'handshake'
    this.handshakeSinceMs = nowMs
    this.lastReadMs = nowMs
    this.lastWriteMs = nowMs
    this.paused = false
    this.acked = this.log.end
    const offset = this.log.isEmpty ? 0 : this.log.end
    this.actions.push({ kind: 'open', offset })
  }

  /** The connection is gone, or was not made. */
  closed(message: string, nowMs: number): void {
    if (this.state !== 'stopped') this.fail({ code: 'HA_CONNECTION_LOST', message }, nowMs)
  }

  /** It cannot go on like this: malformed bytes, a gap, a store that takes nothing. Tried again. */
  fail(problem: HaRefusal, nowMs: number): void {
    this.retry(problem, 'connecting', nowMs)
  }

  /** The master does not want us, or we do not want it. Tried again as well, since operators repair things. */
  refuse(problem: HaRefusal, nowMs: number): void {
    this.retry(problem, 'refused', nowMs)
  }

  /** Something came. */
  heard(nowMs: number): void {
    this.lastReadMs = nowMs
  }

  wrote(nowMs: number): void {
    this.lastWriteMs = nowMs
  }

  /** The driver stopped reading, or reads again: silence meanwhile is our own. */
  pausedReading(isPaused: boolean, nowMs: number): void {
    this.paused = isPaused
    this.lastReadMs = nowMs
  }

  /** The first bytes of the master; those of Apache's would be something else. */
  magicRead(isOurs: boolean, nowMs: number): void {
    if (isOurs) {
      const { minOffset, end } = this.log
      this.actions.push({ kind: 'hello', minOffset: Math.min(minOffset, end), endOffset: end })
    } else {
      const message = "the master does not answer as ours do: is it one of Apache's?"
      this.refuse({ code: 'HA_PROTOCOL_MISMATCH', message }, nowMs)
    }
  }

  welcomeRead(welcome: HaGreeting, proofIsRight: boolean, nowMs: number): void {
    if (this.state !== 'handshake') {
      this.fail({ code: 'HA_FRAME_MALFORMED', message: 'WELCOME out of turn' }, nowMs)
      return
    }
    if (!proofIsRight) {
      const message = 'the master does not know haSharedSecret'
      this.refuse({ code: 'HA_SECRET_WRONG', message }, nowMs)
      return
    }
    const { identity } = this.options
    const expected = { identity, fileSize: this.fileSize, role: 'master' as const }
    const refusal = checkIdentity(welcome, expected)
    if (refusal !== null) {
      this.refuse(refusal, nowMs)
      return
    }
    this.masterOffset = welcome.endOffset
    this.state = 'checking'
    this.actions.push({ kind: 'proof' })
    this.startCheck(welcome, nowMs)
  }

  /** The range of the last `compare`: null when the master has it no more. */
  compared(isSame: boolean | null, nowMs: number): void {
    const { search } = this
    assert(this.state === 'checking' && search !== null, 'compared out of turn', this.state)
    if (isSame === null) {
      const message = 'the master deleted what was to be compared'
      this.fail({ code: 'HA_LOG_GONE', message }, nowMs)
      return
    }
    search.answer(isSame)
    this.searchOn(search, nowMs)
  }

  /** A record begins, or the log ends, at `offset`, and none does between there and the first byte that differs. */
  boundaryFound(offset: number, nowMs: number): void {
    assert(this.state === 'checking', 'a boundary out of turn', this.state)
    const { end } = this.log
    if (offset <= this.floor || end - offset > this.options.divergedTailMax) {
      this.tooFar(nowMs)
      return
    }
    this.disconnect()
    this.state = 'stopped'
    const message = `the log differs from the master's from ${offset} on, to its end at ${end}`
    this.problem = { code: 'HA_DIVERGED', message }
    this.actions.push({ kind: 'diverged', at: offset, end })
  }

  /** The master sends the log, or says that it would: `masterOffset` is its end. */
  followed(masterOffset: number): void {
    this.masterOffset = Math.max(this.masterOffset, masterOffset)
    if (this.state === 'following') return
    this.state = 'following'
    this.problem = null
  }

  /** An Apache master's first bytes for an empty log: it begins there. Null when it may. */
  startAt(offset: number): HaRefusal | null {
    if (offset % this.fileSize !== 0) {
      const message = `the master's files do not begin at ${offset}: mappedFileSizeCommitLog differs`
      return { code: 'HA_FILE_SIZE_DIFFERS', message }
    }
    this.log = { minOffset: offset, end: offset, isEmpty: false, isBegun: true }
    if (offset > 0) this.actions.push({ kind: 'start-at', offset })
    return null
  }

  /** The first bytes of the log decide where it begins. */
  get awaitsStart(): boolean {
    return this.log.isEmpty
  }

  /** What to acknowledge now that `stored` is; −1 for nothing new. */
  ackOffset(stored: number): number {
    return this.state === 'following' && stored > this.acked ? stored : -1
  }

  acknowledged(offset: number, nowMs: number): void {
    this.acked = offset
    this.lastWriteMs = nowMs
  }

  /** A sign of life is due, or the master is silent for too long. */
  tick(nowMs: number): 'heartbeat' | 'connect' | null {
    if (this.wantsConnect(nowMs)) return 'connect'
    if (nowMs >= this.silentAtMs) {
      const message = `the master was silent for ${Math.round(nowMs - this.silentSinceMs)} ms`
      this.fail({ code: 'HA_PEER_SILENT', message }, nowMs)
      return null
    }
    const isDue = nowMs >= this.beatAtMs
    return isDue ? 'heartbeat' : null
  }

  /** When `tick` has something to do next; Infinity when never. */
  get nextDeadlineMs(): number {
    return Math.min(this.connectAtMs, this.silentAtMs, this.beatAtMs)
  }

  private get beatAtMs(): number {
    if (this.state !== 'following') return Number.POSITIVE_INFINITY
    return this.lastWriteMs + this.options.heartbeatMs
  }

  private get silentAtMs(): number {
    const { connectTimeoutMs, housekeepingMs } = this.options
    if (this.paused) return Number.POSITIVE_INFINITY
    if (this.state === 'following' || this.state === 'checking')
      return this.lastReadMs + housekeepingMs
    if (this.state !== 'handshake') return Number.POSITIVE_INFINITY
    // An Apache master speaks when it has something to say.
    const isOurs = this.target?.protocol === 'apogee'
    return this.handshakeSinceMs + (isOurs ? connectTimeoutMs : housekeepingMs)
  }

  private get silentSinceMs(): number {
    return this.state === 'handshake' ? this.handshakeSinceMs : this.lastReadMs
  }

  private startCheck(master: HaGreeting, nowMs: number): void {
    const { minOffset, end, isEmpty } = this.log
    if (isEmpty) {
      this.startEmpty(master, nowMs)
      return
    }
    const masterIsEmpty = master.endOffset === master.minOffset
    if (!masterIsEmpty && end <= master.minOffset) {
      this.logGone(master.minOffset, nowMs)
      return
    }
    this.floor = Math.max(minOffset, master.minOffset)
    const { divergedTailMax: tailMax } = this.options
    const bounds = { floor: this.floor, end, masterEnd: master.endOffset, tailMax }
    this.search = new PrefixSearch({ ...bounds, windowMax: HA_CHECK_MAX })
    this.searchOn(this.search, nowMs)
  }

  private startEmpty({ minOffset, endOffset }: HaGreeting, nowMs: number): void {
    const { end, isBegun } = this.log
    if (isBegun) {
      if (end < minOffset) this.logGone(minOffset, nowMs)
      else if (end > endOffset) this.tooFar(nowMs)
      else this.followFrom(end)
      return
    }
    const lastFile = endOffset - (endOffset % this.fileSize)
    const offset = this.options.fromLastFile ? Math.max(minOffset, lastFile) : minOffset
    if (offset !== end) this.actions.push({ kind: 'start-at', offset })
    this.followFrom(offset)
  }

  private searchOn(search: PrefixSearch, nowMs: number): void {
    const { step } = search
    switch (step.kind) {
      case 'compare':
        this.actions.push(step)
        break
      case 'agreed':
        this.followFrom(this.log.end)
        break
      case 'differs':
        this.actions.push({ kind: 'find-boundary', offset: step.at })
        break
      case 'too-far':
        this.tooFar(nowMs)
    }
  }

  private followFrom(offset: number): void {
    this.search = null
    this.acked = offset
    this.actions.push({ kind: 'follow', offset })
  }

  private logGone(masterMinOffset: number, nowMs: number): void {
    const message = `the log ends at ${this.log.end}, and the master's begins at ${masterMinOffset}: empty the slave's store`
    this.refuse({ code: 'HA_LOG_GONE', message }, nowMs)
  }

  private tooFar(nowMs: number): void {
    const { end } = this.log
    const message = `the log, which ends at ${end}, has too little in common with the master's, which ends at ${this.masterOffset}: empty the slave's store, or look for the right master`
    this.refuse({ code: 'HA_DIVERGED_TOO_FAR', message }, nowMs)
  }

  private retry(problem: HaRefusal, state: 'connecting' | 'refused', nowMs: number): void {
    if (this.target === null || this.state === 'stopped') return
    this.disconnect()
    this.state = state
    this.problem = problem
    this.connectAtMs = nowMs + this.options.retryMs
  }

  private disconnect(): void {
    if (this.isConnected) this.actions.push({ kind: 'disconnect' })
    this.connecting = false
    this.search = null
    this.paused = false
  }
}

function isSameTarget(a: HaTarget | null, b: HaTarget | null): boolean {
  return a?.address === b?.address && a?.protocol === b?.protocol
}
