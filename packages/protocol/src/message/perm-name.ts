/** Bits of a topic's or a broker's permission (Java PermName). */
export const PermName = { INHERIT: 1, WRITE: 2, READ: 4, PRIORITY: 8 } as const

export function isReadable(perm: number): boolean {
  return (perm & PermName.READ) !== 0
}

export function isWriteable(perm: number): boolean {
  return (perm & PermName.WRITE) !== 0
}

export function isInherited(perm: number): boolean {
  return (perm & PermName.INHERIT) !== 0
}

/** A permission that an operator may set: read, write and inherit in any mix. */
export function isValidPerm(perm: number): boolean {
  return Number.isInteger(perm) && perm >= 0 && perm < PermName.PRIORITY
}

/** `RWX`, with `-` for what is missing. */
export function formatPerm(perm: number): string {
  return `${isReadable(perm) ? 'R' : '-'}${isWriteable(perm) ? 'W' : '-'}${isInherited(perm) ? 'X' : '-'}`
}
