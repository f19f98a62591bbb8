// What becomes of each transaction of the test, by its body alone: so the producer that decides, the one that is asked
// after a restart, and the judge agree.
import { javaHash } from '@apogee/base'
import type { TransactionOutcome } from '@apogee/client'

export interface Plan {
  /** What the local transaction answers. */
  first: TransactionOutcome
  /** What a check answers. */
  checked: 'commit' | 'rollback'
}

/** Of a hundred: 45 commits, 25 rollbacks, 15 without an end that turn out committed and 15 that turn out rolled back. */
export function planOf(body: string): Plan {
  const dice = (Math.imul(javaHash(body), 0x9e3779b1) >>> 0) % 100
  if (dice < 45) return { first: 'commit', checked: 'commit' }
  if (dice < 70) return { first: 'rollback', checked: 'rollback' }
  return { first: 'unknown', checked: dice < 85 ? 'commit' : 'rollback' }
}
