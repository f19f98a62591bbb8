// Frames and bodies carry a version as its ordinal in MQVersion. From 4.0.0 on these are regular: a snapshot and a
// release of each patch, ten patches a minor version, ten minor versions a major one.

/** Ordinal of V4_0_0_SNAPSHOT. */
const REGULAR_FROM = 212
/** Ordinal of HIGHER_VERSION: whatever came after V5_9_9. */
const HIGHER = 612

/** `V5_3_3` as mqadmin prints it; `#37` for versions before 4.0. */
export function versionName(ordinal: number): string {
  if (ordinal < REGULAR_FROM) return `#${ordinal}`
  if (ordinal >= HIGHER) return 'HIGHER_VERSION'
  const place = ordinal - REGULAR_FROM
  const minor = Math.floor(place / 20)
  const patch = Math.floor((place % 20) / 2)
  const snapshot = place % 2 === 0 ? '_SNAPSHOT' : ''
  return `V${4 + Math.floor(minor / 10)}_${minor % 10}_${patch}${snapshot}`
}
