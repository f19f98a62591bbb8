// What a broker says about itself (GET_BROKER_RUNTIME_INFO), judged.
import { type Check, ok, problem, skipped, warning } from './check.ts'

export type RuntimeInfo = ReadonlyMap<string, string>

/** `[ 1 days, 2 hours, 3 minutes, 4 seconds. ]` has whole seconds; the rest is the way of the request. */
const CLOCK_GRAIN_MS = 1_500
const CLOCK_WARNING_MS = 5_000
const CLOCK_PROBLEM_MS = 60_000
/** Apache's and our broker delete old files from here on (diskMaxUsedSpaceRatio). */
const DISK_WARNING = 0.75
/** And stop taking messages here (diskSpaceWarningLevelRatio). */
const DISK_PROBLEM = 0.9

/**
 * A broker does not tell its time, but when it started and since how long it runs. `nowMs` is the middle of the
 * request. Null when it tells neither.
 */
export function clockDifferenceMs(runtime: RuntimeInfo, nowMs: number): number | null {
  const startedMs = Number(runtime.get('bootTimestamp') ?? Number.NaN)
  const match = /(\d+) days, (\d+) hours, (\d+) minutes, (\d+) seconds/.exec(
    runtime.get('runtime') ?? '',
  )
  if (match === null || !Number.isFinite(startedMs)) return null
  const [days, hours, minutes, seconds] = match.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
  ]
  const ranMs = (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1_000
  // The seconds are cut off: on average half of one is missing.
  return startedMs + ranMs + 500 - nowMs
}

export function checkClock(target: string, runtime: RuntimeInfo, nowMs: number): Check {
  const difference = clockDifferenceMs(runtime, nowMs)
  if (difference === null) return skipped('clock', target, 'does not tell since when it runs')
  const size = Math.abs(difference)
  if (size <= CLOCK_GRAIN_MS)
    return ok('clock', target, 'clock agrees with this machine, to about a second')
  const text = `clock is ${(size / 1_000).toFixed(1)} s ${difference > 0 ? 'ahead of' : 'behind'} this machine's`
  const hint = 'delays, retention and searches by time go by it: keep clocks together with NTP'
  if (size >= CLOCK_PROBLEM_MS) return problem('clock', target, text, hint)
  return size >= CLOCK_WARNING_MS ? warning('clock', target, text, hint) : ok('clock', target, text)
}

/** Both ratios, of the folders that are there; Apache says `-1` for one that it cannot look at. */
export function checkDisk(target: string, runtime: RuntimeInfo): Check {
  const used = diskUsed(runtime)
  if (used === null) return skipped('disk', target, 'does not tell how full its disk is')
  const capacity = runtime.get('commitLogDirCapacity')
  const text = `disk is ${(used * 100).toFixed(0)} % full${capacity === undefined ? '' : ` (${capacity.replace(/\.$/, '')})`}`
  if (used >= DISK_PROBLEM) {
    return problem(
      'disk',
      target,
      text,
      'from about 90 % on it takes no messages: free space, or lower fileReservedTime',
    )
  }
  if (used >= DISK_WARNING) {
    return warning(
      'disk',
      target,
      text,
      'from about 75 % on it deletes files that fileReservedTime would keep',
    )
  }
  return ok('disk', target, text)
}

function diskUsed(runtime: RuntimeInfo): number | null {
  const ratios: number[] = []
  for (const [key, value] of runtime) {
    if (!/^(?:commitLogDiskRatio|consumeQueueDiskRatio)/.test(key)) continue
    const ratio = Number(value)
    if (value !== '' && Number.isFinite(ratio) && ratio >= 0) ratios.push(ratio)
  }
  return ratios.length === 0 ? null : Math.max(...ratios)
}

/** Brokers of one cluster should be alike. */
export function checkVersions(versions: ReadonlyMap<string, string>): Check | null {
  const distinct = new Set(versions.values())
  if (versions.size < 2) return null
  const [first] = distinct
  if (distinct.size === 1) return ok('versions', 'cluster', `all brokers are ${first}`)
  const list = [...versions].map(([broker, version]) => `${broker} ${version}`).join(', ')
  return warning('versions', 'cluster', `brokers differ: ${list}`)
}
