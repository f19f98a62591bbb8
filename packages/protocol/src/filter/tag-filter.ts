import { isTagType } from './expression-type.ts'
import { SUB_ALL, type SubscriptionData } from './subscription.ts'

/**
 * Lets a message through by the hash of its tag, as a consume queue entry holds it (Java ExpressionMessageFilter). A hash
 * can be that of another tag; clients compare the text once more.
 */
export class TagFilter {
  private readonly all: boolean
  /** Most groups want one tag. */
  private readonly only: number
  private readonly codes: ReadonlySet<number> | null

  constructor(subscription: SubscriptionData) {
    this.all =
      subscription.classFilterMode ||
      subscription.subString === SUB_ALL ||
      !isTagType(subscription.expressionType)
    const codes = new Set<number>()
    for (const code of subscription.codeSet) codes.add(code | 0)
    this.only = codes.size === 1 ? subscription.codeSet[0]! | 0 : 0
    this.codes = codes.size === 1 ? null : codes
  }

  /** Whether every message passes, so that no entry needs a look. */
  get matchesAll(): boolean {
    return this.all
  }

  /** `tagsCode` is the low 32 bits of the entry's tagsCode, signed. */
  matches(tagsCode: number): boolean {
    if (this.all) return true
    return this.codes === null ? tagsCode === this.only : this.codes.has(tagsCode)
  }
}
