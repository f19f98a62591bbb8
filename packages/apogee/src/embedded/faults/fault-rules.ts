import { ApogeeError } from '@apogee/base'
import type { ResponseCodeName } from '@apogee/protocol'
import { RequestCode, type RequestCodeName, ResponseCode } from '@apogee/protocol'

/** Which requests a fault is for: those of which all that is given here is true. Of nothing given: all. */
export interface FaultMatch {
  /** The request code by RocketMQ's name (`'SEND_MESSAGE_V2'`) or number. */
  code?: RequestCodeName | number
  /** The topic in the header. Requests without one (heartbeats, say) do not match. */
  topic?: string
  /** The producer or consumer group in the header. */
  group?: string
  /** The queue id in the header. */
  queueId?: number
  /** The node it reaches: `'broker-a'`, `'namesrv-1'`. */
  broker?: string
  /** How many requests it is for; the rule is spent after them. Default: all. */
  times?: number
  /** So many matching requests go through before it begins. Default 0. */
  after?: number
}

/** A fault that has been planned. */
export interface FaultRule {
  /** Requests that it has hit so far. */
  readonly hits: number
  /** Nothing more happens by it. */
  remove(): void
}

/** What a request gets from a broker that refuses it. */
export interface Refusal {
  /** The response code by RocketMQ's name or number. Default SYSTEM_BUSY. */
  code?: ResponseCodeName | number
  remark?: string
}

/** What happens to a request. */
export type FaultAction =
  | { readonly kind: 'drop' }
  | { readonly kind: 'drop-reply' }
  | { readonly kind: 'delay'; readonly delayMs: number }
  | { readonly kind: 'delay-reply'; readonly delayMs: number }
  | { readonly kind: 'refuse'; readonly code: number; readonly remark: string }
  | { readonly kind: 'disconnect' }

/** What rules look at. */
export interface RequestFacts {
  readonly node: string
  readonly code: number
  readonly topic: string | undefined
  readonly group: string | undefined
  readonly queueId: number | undefined
}

/** The planned faults of a cluster, in the order they were planned. */
export class FaultRules {
  private rules: Rule[] = []

  /** Whether requests must be looked at. */
  get isActive(): boolean {
    return this.rules.length > 0
  }

  /** Throws CLUSTER_OPTION_INVALID for a code that RocketMQ does not have. */
  add(match: FaultMatch, action: FaultAction): FaultRule {
    const rule = new Rule(match, action, () => {
      this.rules = this.rules.filter((other) => other !== rule)
    })
    this.rules.push(rule)
    return rule
  }

  clear(): void {
    this.rules = []
  }

  /** What the first rule that matches says; null when none does. */
  judge(facts: RequestFacts): FaultAction | null {
    for (const rule of this.rules) if (rule.takes(facts)) return rule.action
    return null
  }
}

class Rule implements FaultRule {
  readonly action: FaultAction
  hits = 0
  readonly remove: () => void
  private readonly match: FaultMatch
  private readonly code: number | undefined
  private skip: number

  constructor(match: FaultMatch, action: FaultAction, remove: () => void) {
    this.match = match
    this.action = action
    this.remove = remove
    this.code = match.code === undefined ? undefined : codeOf(RequestCode, match.code)
    this.skip = match.after ?? 0
  }

  takes(facts: RequestFacts): boolean {
    const { broker, group, queueId, times, topic } = this.match
    if (this.code !== undefined && this.code !== facts.code) return false
    if (topic !== undefined && topic !== facts.topic) return false
    if (group !== undefined && group !== facts.group) return false
    if (queueId !== undefined && queueId !== facts.queueId) return false
    if (broker !== undefined && broker !== facts.node) return false
    if (this.skip > 0) {
      this.skip--
      return false
    }
    this.hits++
    if (this.hits >= (times ?? Number.POSITIVE_INFINITY)) this.remove()
    return true
  }
}

export function refusal({ code = 'SYSTEM_BUSY', remark }: Refusal): FaultAction {
  const number = codeOf(ResponseCode, code)
  return { kind: 'refuse', code: number, remark: remark ?? `refused by a fault of the test` }
}

function codeOf(table: Readonly<Record<string, number>>, code: string | number): number {
  if (typeof code === 'number') return code
  const number = table[code]
  if (number !== undefined) return number
  throw new ApogeeError('CLUSTER_OPTION_INVALID', `${code} is no code of RocketMQ`)
}
