import { isMalformed } from '@apogee/base'
import type { Clock, Timer } from '@apogee/env'
import type { HaProtocol, HaSlaveStatus, HaTarget } from '@apogee/ha'
import { decodeBody, KVTable, RequestCode, ResponseCode } from '@apogee/protocol'
import type { Logger, RemotingClient } from '@apogee/remoting'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { MasterAddresses } from '../outer/known-master.ts'
import { APOGEE_HA_VERSION } from '../replication/replication-info.ts'
import {
  decideTarget,
  type TargetDecision,
  type TargetProblem,
  targetProblems,
} from './core/ha-target.ts'

const ASK_TIMEOUT_MS = 3000
/** A master that has not said what it speaks is asked again after this. */
const ASK_AGAIN_MS = 1000
/** A replication port that cannot be connected to for this long may be another's now. */
const CONNECTING_MAX_MS = 10_000

/** What copies the log. */
export interface LogFollower {
  follow(target: HaTarget | null): void
  readonly status: Pick<HaSlaveStatus, 'state' | 'masterOffset'>
}

export interface MasterLinkDeps {
  client: Pick<RemotingClient, 'invoke'>
  clock: Clock
  log: Logger
  replication: LogFollower
  /** What NameServers say. */
  master: () => MasterAddresses | null
}

/**
 * Decides which replication port a slave copies from, and in which protocol. What the master speaks is asked again after
 * each lost connection: another broker may have come to its address. Java: BrokerController.updateMasterHAServerAddr…
 */
export class MasterLink {
  private readonly config: BrokerConfig
  private readonly deps: MasterLinkDeps
  /** What the master at this address said. */
  private answered: { masterAddr: string; protocol: HaProtocol; atMs: number } | null = null
  /** Replication was connected since then. */
  private wasConnected = false
  private asking = ''
  private current: TargetProblem | null = null
  private timer: Timer | null = null
  private isStopped = false

  constructor(config: BrokerConfig, deps: MasterLinkDeps) {
    this.config = config
    this.deps = deps
  }

  stop(): void {
    this.isStopped = true
    this.timer?.cancel()
  }

  /** Why there is nobody to follow, though there is a master; null when nothing is wrong. */
  get problem(): { code: string; message: string } | null {
    const { current: code } = this
    return code === null ? null : { code, message: targetProblems[code] }
  }

  /** NameServers have news, or replication has changed its state. */
  look(): void {
    if (this.isStopped) return
    this.doubt()
    const decision = this.decide()
    this.report(decision)
    if (decision.kind === 'follow') {
      const { address, protocol } = decision
      this.deps.replication.follow({ address, protocol })
      return
    }
    this.deps.replication.follow(null)
    if (decision.kind === 'ask') this.ask(decision.masterAddr)
  }

  /** Whether what the master said still holds. */
  private doubt(): void {
    if (this.answered === null) return
    const { state } = this.deps.replication.status
    if (state === 'handshake' || state === 'checking' || state === 'following') {
      this.wasConnected = true
    } else if (state === 'connecting') {
      const sinceMs = this.deps.clock.monotonicMs() - this.answered.atMs
      if (this.wasConnected || sinceMs > CONNECTING_MAX_MS) this.answered = null
    }
  }

  private decide(): TargetDecision {
    const { haMasterAddress, haPeerProtocol, haSharedSecret } = this.config.values
    const master = this.deps.master()
    const masterAddr = master?.masterAddr ?? null
    const isSame = this.answered !== null && this.answered.masterAddr === masterAddr
    return decideTarget({
      masterAddr,
      haServerAddr: master?.haServerAddr ?? '',
      haMasterAddress,
      haPeerProtocol,
      hasSecret: haSharedSecret !== '',
      answered: isSame ? this.answered!.protocol : null,
    })
  }

  private ask(masterAddr: string): void {
    if (this.asking === masterAddr) return
    this.asking = masterAddr
    this.timer?.cancel()
    const request = { code: RequestCode.GET_BROKER_RUNTIME_INFO }
    this.deps.client.invoke(masterAddr, request, ASK_TIMEOUT_MS).then(
      ({ body, code }) => {
        const info = code === ResponseCode.SUCCESS ? decodeBody(KVTable, body) : null
        if (info === null || isMalformed(info)) this.notAnswered(masterAddr, `answer ${code}`)
        else this.said(masterAddr, info.table.has(APOGEE_HA_VERSION) ? 'apogee' : 'apache')
      },
      (error: Error) => this.notAnswered(masterAddr, error.message),
    )
  }

  private said(masterAddr: string, protocol: HaProtocol): void {
    if (this.asking !== masterAddr) return
    this.asking = ''
    this.wasConnected = false
    this.answered = { masterAddr, protocol, atMs: this.deps.clock.monotonicMs() }
    this.look()
  }

  private notAnswered(masterAddr: string, reason: string): void {
    if (this.asking !== masterAddr || this.isStopped) return
    this.deps.log.debug({ event: 'master_not_identified', masterAddr, reason })
    this.timer = this.deps.clock.after(ASK_AGAIN_MS, () => {
      this.asking = ''
      this.look()
    })
  }

  private report(decision: TargetDecision): void {
    const problem = decision.kind === 'wait' ? decision.problem : null
    if (problem === this.current) return
    this.current = problem
    if (problem === null) return
    const text = targetProblems[problem]
    this.deps.log.error({ event: 'replication_not_possible', code: problem }, text)
  }
}
