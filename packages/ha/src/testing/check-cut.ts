import { readInt32 } from '@apogee/base'
import { RECORD_TOTAL_SIZE } from '@apogee/protocol'
import { demand } from './history-error.ts'
import type { SimNode } from './sim-node.ts'

/** What a slave wants to cut off differs from the master's log, or is beyond it; what stays is the same. */
export function checkCut(
  node: SimNode,
  master: SimNode,
  { at, end }: { at: number; end: number },
  tailMax: number,
): void {
  const mine = node.log.held(false)
  demand(at >= mine.start && at <= end, `${node.name} is cut at no place of its log`, at, end)
  demand(end - at <= tailMax, `${node.name} is cut by too much`, at, end)
  const theirs = master.log.held(false)
  const from = Math.max(mine.start, theirs.start)
  if (!master.isServing || at > theirs.end || at <= from) return
  demand(mine.bytes(from, at).equals(theirs.bytes(from, at)), 'a cut leaves other bytes', at)
  const common = Math.min(end, theirs.end)
  if (at >= common) return
  const [a, b] = [mine.bytes(at, common), theirs.bytes(at, common)]
  let same = 0
  while (same < a.length && a[same] === b[same]) same++
  // Where only the slave's log goes on, nobody here knows how long the master's was when they were compared.
  // A crash may have left a hole, which no record fills.
  const size = readInt32(a, RECORD_TOTAL_SIZE)
  const isNeeded = same === a.length || size > same || size <= 0
  demand(isNeeded, `${node.name} is cut by a record that is the master's`, at, same)
}
