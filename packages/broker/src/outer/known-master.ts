/** Where a slave's master is, as a NameServer answers a registration (Java: RegisterBrokerResult). */
export interface MasterAddresses {
  /** host:port of its main port. */
  readonly masterAddr: string
  /** host:port of its replication port. */
  readonly haServerAddr: string
}

/**
 * What NameServers say of a slave's master. They do not know of each other, so they may disagree for a while: the latest
 * news counts, and what a NameServer only repeats is no news. Nobody's silence takes away what is known: a master that was
 * there may come back to its address. Without I/O.
 */
export class KnownMaster {
  /** Last answer of each NameServer; null: it knows no master. */
  private readonly answers = new Map<string, MasterAddresses | null>()
  private current: MasterAddresses | null = null

  /** The last master that was named; null: none ever was. */
  get addresses(): MasterAddresses | null {
    return this.current
  }

  /** Some NameServer names a master now. */
  get isNamed(): boolean {
    for (const answer of this.answers.values()) if (answer !== null) return true
    return false
  }

  /** A NameServer has answered a registration. True: `addresses` or `isNamed` is another than before. */
  answered(nameServer: string, masterAddr: string | null, haServerAddr: string | null): boolean {
    const wasNamed = this.isNamed
    const before = this.current
    const last = this.answers.get(nameServer)
    const answer = masterAddr ? { masterAddr, haServerAddr: haServerAddr ?? '' } : null
    this.answers.set(nameServer, answer)
    if (answer !== null && !same(answer, last ?? null)) this.current = answer
    // Who is named by nobody any more gives way to whoever still is.
    if (!this.isNamedNow(this.current)) this.current = this.anyNamed() ?? this.current
    return !same(before, this.current) || wasNamed !== this.isNamed
  }

  private isNamedNow(master: MasterAddresses | null): boolean {
    for (const answer of this.answers.values()) if (same(answer, master)) return true
    return false
  }

  private anyNamed(): MasterAddresses | null {
    for (const answer of this.answers.values()) if (answer !== null) return answer
    return null
  }
}

function same(a: MasterAddresses | null, b: MasterAddresses | null): boolean {
  return a?.masterAddr === b?.masterAddr && a?.haServerAddr === b?.haServerAddr
}
