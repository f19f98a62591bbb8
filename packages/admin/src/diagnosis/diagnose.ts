// Why a group is behind: two snapshots in, causes out. Pure, so each cause has a test of its own.
import { queueKey } from '../operations/group-operations.ts'
import { findClients } from './find-clients.ts'
import { findOwnership } from './find-ownership.ts'
import { findProgress } from './find-progress.ts'
import { type Finding, FindingCode, type GroupSnapshot } from './snapshot.ts'

/** From when on something counts. */
export interface DiagnosisLimits {
  /** Mean time of a handler, milliseconds. Default 1,000. */
  readonly slowHandlerMs: number
  /** A queue whose owner has not pulled for this long is stuck at the client, milliseconds. Default 60,000. */
  readonly silentPullMs: number
}

export const diagnosisDefaults: DiagnosisLimits = { slowHandlerMs: 1_000, silentPullMs: 60_000 }

const ORDER: readonly string[] = Object.values(FindingCode)

/**
 * Names the causes of a group's lag, worst first. Empty when nothing is wrong: no lag, or lag that is being worked off.
 * `later` must be of the same group, taken after `first`; what stands still between them is stuck.
 */
export function diagnose(
  first: GroupSnapshot,
  later: GroupSnapshot,
  limits: Partial<DiagnosisLimits> = {},
): Finding[] {
  const all = { ...diagnosisDefaults, ...limits }
  const findings = [
    ...findClients(later, all),
    ...findOwnership(later),
    ...findProgress(first, later, all),
  ]
  return withoutSymptoms(findings).sort(byOrder)
}

/** Where nobody consumes, that queues have no owner or do not move says nothing more. */
function withoutSymptoms(findings: readonly Finding[]): Finding[] {
  const isIdle = findings.some(({ code }) => code === FindingCode.NO_CONSUMER)
  const unowned = new Set(
    findings.filter(({ code }) => code === FindingCode.QUEUE_WITHOUT_OWNER).map(placeOf),
  )
  return findings.filter((finding) => {
    if (isIdle && SYMPTOMS_OF_IDLE.has(finding.code)) return false
    return finding.code !== FindingCode.QUEUE_STUCK || !unowned.has(placeOf(finding))
  })
}

const SYMPTOMS_OF_IDLE: ReadonlySet<string> = new Set([
  FindingCode.QUEUE_WITHOUT_OWNER,
  FindingCode.QUEUE_STUCK,
])

function placeOf({ topic = '', brokerName = '', queueId = -1 }: Finding): string {
  return queueKey({ topic, brokerName, queueId })
}

function byOrder(a: Finding, b: Finding): number {
  return ORDER.indexOf(a.code) - ORDER.indexOf(b.code)
}
