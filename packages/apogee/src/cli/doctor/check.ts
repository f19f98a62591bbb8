/** How a check ended. `skipped`: what it needs could not be had. */
export type CheckStatus = 'ok' | 'warning' | 'problem' | 'skipped'

/** One thing that was looked at. */
export interface Check {
  /** Stable: what kind of check it is. */
  readonly id: CheckId
  readonly status: CheckStatus
  /** Whom it is about: an address, a broker, a topic. */
  readonly target: string
  readonly message: string
  /** What to do about it. */
  readonly hint?: string
}

export const CHECK_IDS = [
  'context-file',
  'nameserver',
  'nameservers-agree',
  'cluster',
  'master',
  'broker-address',
  'fast-port',
  'clock',
  'disk',
  'write-permission',
  'topic-queues',
  'versions',
  'replication',
] as const
export type CheckId = (typeof CHECK_IDS)[number]

type Make = (id: CheckId, target: string, message: string, hint?: string) => Check

function maker(status: CheckStatus): Make {
  return (id, target, message, hint) => {
    const check = { id, status, target, message }
    return hint === undefined ? check : { ...check, hint }
  }
}
export const ok: Make = maker('ok')
export const warning: Make = maker('warning')
export const problem: Make = maker('problem')
export const skipped: Make = maker('skipped')
