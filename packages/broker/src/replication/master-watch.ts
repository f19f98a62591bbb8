import type { HaServices } from './ha-services.ts'

/**
 * Whether a slave's master is there: it decides where readers are sent. Replication says so while it copies, or else the
 * service that asks the master's main port; a master that leaves a request unanswered hangs, whatever stands of its
 * connections. On a master itself, always.
 */
export class MasterWatch {
  /** The last request to the master's main port was answered. Set by whoever asks it. */
  isAnswering = false
  /** The last request was not answered in time. */
  isSilent = false
  private readonly ha: HaServices

  constructor(ha: HaServices) {
    this.ha = ha
  }

  get isAlive(): boolean {
    const { slave } = this.ha
    if (slave === null || this.isAnswering) return true
    if (this.isSilent) return false
    const { state } = slave.status
    return state === 'following' || state === 'checking'
  }
}
