// CPU time and memory of another process, from /proc.
import { readFileSync } from 'node:fs'

const CLOCK_TICKS_PER_SECOND = 100 // USER_HZ is 100 on every Linux that Node runs on.

export interface ProcessUsage {
  cpuSeconds: number
  /** Resident set, MiB. */
  rssMiB: number
}

/** User and system time of all threads, and resident memory. Throws when there is no such process. */
export function processUsage(pid: number): ProcessUsage {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The second field is the program's name in parentheses and may hold anything: count from its end.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const ticks = Number(fields[11]) + Number(fields[12])
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const rssKiB = Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0)
  return { cpuSeconds: ticks / CLOCK_TICKS_PER_SECOND, rssMiB: Math.round(rssKiB / 102.4) / 10 }
}
