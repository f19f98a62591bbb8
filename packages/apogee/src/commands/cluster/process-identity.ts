import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** A process as its system tells it apart from every other one that had, or will have, its number. */
export interface RunningProcess {
  /** When it was started and its command line: a process that got the same number later differs in one of them. */
  readonly identity: string
  /** SIGSTOP has stopped it. */
  readonly isPaused: boolean
}

const PS_LIMIT_MS = 5000
/** Fields of /proc/PID/stat behind the command's closing parenthesis: state is the 3rd of all, the start time the 22nd. */
const STATE_AT = 0
const START_AT = 19

/** Null when no process has this number, or only its exit code is left of it. */
export function runningProcess(pid: number): RunningProcess | null {
  if (!Number.isInteger(pid) || pid <= 0) return null
  return process.platform === 'linux' ? fromProc(pid) : fromPs(pid)
}

function fromProc(pid: number): RunningProcess | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const state = fields[STATE_AT] ?? ''
    if (isGone(state)) return null
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
    return { identity: `${fields[START_AT]} ${command}`, isPaused: isStopped(state) }
  } catch {
    // It has ended, meanwhile perhaps.
    return null
  }
}

/** macOS and other systems without /proc. */
function fromPs(pid: number): RunningProcess | null {
  try {
    const args = ['-p', String(pid), '-o', 'state=', '-o', 'lstart=', '-o', 'command=']
    const text = execFileSync('ps', args, { encoding: 'utf8', timeout: PS_LIMIT_MS }).trim()
    const [state = '', ...rest] = text.split(/\s+/)
    if (text === '' || isGone(state)) return null
    return { identity: rest.join(' '), isPaused: isStopped(state) }
  } catch {
    return null
  }
}

function isGone(state: string): boolean {
  return state.startsWith('Z') || state.startsWith('X')
}

function isStopped(state: string): boolean {
  return state.startsWith('T')
}
