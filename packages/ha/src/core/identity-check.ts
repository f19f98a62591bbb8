import { HA_VERSION, type HaGreeting, type HaRefusal } from '@apogee/protocol'
import type { HaIdentity } from '../ha-options.ts'

/** What one side expects of the other. */
export interface ExpectedPeer {
  readonly identity: HaIdentity
  readonly fileSize: number
  /** Whether the other side is the master (brokerId 0) or a slave (1 and above). */
  readonly role: 'master' | 'slave'
}

/** Why the other side cannot be ours; null when it can. The text names nothing of ours: it may go to a stranger. */
export function checkIdentity(greeting: HaGreeting, expected: ExpectedPeer): HaRefusal | null {
  const { identity, role } = expected
  if (greeting.version !== HA_VERSION) {
    const message = `version ${greeting.version} of the replication protocol is not ${HA_VERSION}`
    return { code: 'HA_PROTOCOL_MISMATCH', message }
  }
  const sameNames =
    greeting.clusterName === identity.clusterName && greeting.brokerName === identity.brokerName
  if (!sameNames) {
    const message = `brokerClusterName ${greeting.clusterName} or brokerName ${greeting.brokerName} differs from here`
    return { code: 'HA_IDENTITY_WRONG', message }
  }
  if (role === 'master' ? greeting.brokerId !== 0 : greeting.brokerId < 1) {
    const message = `brokerId ${greeting.brokerId} is not that of a ${role}`
    return { code: 'HA_IDENTITY_WRONG', message }
  }
  if (greeting.fileSize !== expected.fileSize) {
    const message = `mappedFileSizeCommitLog ${greeting.fileSize} differs from here`
    return { code: 'HA_FILE_SIZE_DIFFERS', message }
  }
  return null
}
