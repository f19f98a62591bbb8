/** What decides over a half message. Times are wall times, ms. */
export interface Half {
  /** Place of its newest copy in the half queue. */
  readonly offset: number
  /** Where that copy stands in the log. */
  readonly physicalOffset: number
  /** Place of the first copy: all copies of one transaction share it. */
  readonly identity: number
  /** When the producer made it; never later than it was stored, whatever the producer's clock says. */
  readonly bornMs: number
  /** How long its producer is not asked, ms; −1: the broker's transactionTimeOut. */
  readonly immunityMs: number
  /** How often its producer has been asked. */
  readonly checkTimes: number
  /** Producer group, which is asked. */
  readonly group: string
  /** The topic that it is for. */
  readonly topic: string
}

/** What is to be done with an undecided half message now. */
export type HalfAction =
  /** Nothing yet. */
  | 'wait'
  /** A new copy that counts one check more, then ask the producer. */
  | 'check'
  /** A new copy that counts no check: it stands in the way of the others. */
  | 'renew'
  /** To TRANS_CHECK_MAX_TIME_TOPIC: asked too often, or too old. */
  | 'discard'

export interface HalfPolicy {
  readonly nowMs: number
  /** Default immunity, ms. */
  readonly timeOutMs: number
  readonly checkMax: number
  /** Half messages older than this are given up. */
  readonly reservedMs: number
  /** Whether a producer of the group is there to be asked. */
  readonly hasProducer: (group: string) => boolean
}

/** What `policy` wants done with a half; `blocking`: others wait for its place in memory. */
export function actionFor(half: Half, policy: HalfPolicy, blocking: boolean): HalfAction {
  const ageMs = policy.nowMs - half.bornMs
  if (ageMs > policy.reservedMs || half.checkTimes >= policy.checkMax) return 'discard'
  const immunityMs = half.immunityMs < 0 ? policy.timeOutMs : half.immunityMs
  // A check that reaches nobody is none: a producer that is away for an hour does not lose its transactions.
  if (ageMs > immunityMs && policy.hasProducer(half.group)) return 'check'
  return blocking ? 'renew' : 'wait'
}
