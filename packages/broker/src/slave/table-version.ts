import { ResponseCode } from '@apogee/protocol'
import type { Answer } from '@apogee/remoting'
import type { DataVersionFields } from '../data-version.ts'

// Request codes 21, 43, 45 and 201 between brokers of ours: the slave says which version of the table it holds, in a field
// that Apache ignores; the master says which one it has, and sends no body when they are the same.

/** Request: the version that the slave holds, empty for none. */
export const KNOWN_VERSION_FIELD = 'knownDataVersion'
/** Answer: the version sent, or held already. Only masters of ours have it. */
export const TABLE_VERSION_FIELD = 'tableVersion'
/** Answer: the end of the master's log at that moment: a topic that the table lacks has no living message below it. */
export const LOG_END_FIELD = 'logEnd'

/** Request code 15 from a slave: an offset that is not higher than the master's is not taken. Apache's do not know it. */
export const FORWARD_ONLY_FIELD = 'forwardOnly'

export interface VersionedTable {
  /** Changes with the table. */
  readonly version: string
  readonly logEnd: number
  /** What who does not say what it holds gets, and whoever holds another version. */
  whole(): Answer
}

/** The answer to one of these codes. Whoever does not speak of versions gets what Apache answers. */
export function answerTable(
  fields: { get(name: string): string | undefined },
  table: VersionedTable,
): Answer {
  const known = fields.get(KNOWN_VERSION_FIELD)
  if (known === undefined) return table.whole()
  const { logEnd, version } = table
  const answer = known === version ? { code: ResponseCode.SUCCESS } : table.whole()
  const versioned = new Map(answer.fields)
  versioned.set(TABLE_VERSION_FIELD, version)
  versioned.set(LOG_END_FIELD, String(logEnd))
  return { ...answer, fields: versioned }
}

export function versionText({ counter, stateVersion, timestamp }: DataVersionFields): string {
  return `${stateVersion}.${timestamp}.${counter}`
}
