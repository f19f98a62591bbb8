import type { StoreLogger } from '../store-logger.ts'

export interface RetentionOptions {
  /** Hours of the day, local time, at which expired files go: `deleteWhen`, "04" or "04;16". */
  deleteWhen: readonly number[]
  /** Age from which a file is expired, ms (fileReservedTime hours). */
  reservedMs: number
  /** Share of the device above which expired files go at any hour (diskMaxUsedSpaceRatio, 0.75). */
  usedRatioMax: number
  /** Share above which the oldest files go whatever their age, if `forcibly` (diskSpaceCleanForciblyRatio, 0.85). */
  forcedRatio: number
  /** Share above which writes are refused (diskSpaceWarningLevelRatio, 0.90). */
  fullRatio: number
  /** Whether unexpired, perhaps unconsumed, messages may be deleted to free space (cleanFileForciblyEnable; off here). */
  forcibly: boolean
  /** Most files removed in one pass, so that deleting does not starve writing. */
  filesPerPassMax: number
}

export interface RetentionState {
  now: number
  /** Hour of the day, local time. */
  hour: number
  /** Used share of the device, 0 to 1. */
  usedRatio: number
  /** Files from the oldest, without the newest: its last change, ms. */
  files: readonly { start: number; modifiedMs: number }[]
  /** Somebody asked for it (code 329). */
  asked: boolean
  /** Replicas need the log from this offset on; Infinity: none does. */
  keepFrom: number
  /** Bytes of one file. */
  fileSize: number
}

export interface RetentionDecision {
  /** How many of the oldest files go. */
  remove: number
  forced: boolean
  refuseWrites: boolean
}

/** What to delete (CleanCommitLogService), decided without touching anything. */
export function decideRetention(
  options: RetentionOptions,
  state: RetentionState,
): RetentionDecision {
  const refuseWrites = state.usedRatio > options.fullRatio
  const forced = options.forcibly && state.usedRatio > options.forcedRatio
  const due =
    state.asked ||
    forced ||
    options.deleteWhen.includes(state.hour) ||
    state.usedRatio > options.usedRatioMax
  let remove = 0
  if (due) {
    for (const file of state.files) {
      const expired = state.now - file.modifiedMs >= options.reservedMs
      const kept = file.start + state.fileSize > state.keepFrom && !forced && !refuseWrites
      if (kept || (!expired && !forced) || remove >= options.filesPerPassMax) break
      remove++
    }
  }
  return { remove, forced, refuseWrites }
}

/** Logs a change of the write permission once, not on every pass. */
export function logRefusal(log: StoreLogger, refusing: boolean, usedRatio: number): void {
  const fields = { event: refusing ? 'disk_full' : 'disk_space_back', usedRatio }
  if (refusing) log.error(fields, 'the disk is nearly full: messages are refused')
  else log.info(fields, 'the disk has space again')
}
