// A broker under strace: attached after the start, so that only what matters is traced.
import { closeSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { RunningProcess, temporaryFolder } from '../harness/processes.ts'

const CALLS = 'pwrite64,pwritev,pwritev2,fdatasync,fsync,write,writev,sendto,sendmsg'
/**
 * Longer than the replies of one batch to one socket; strace cuts what is longer, and an acknowledgement would be
 * missed.
 */
const STRING_BYTES_MAX = 1 << 17
const ATTACH_TIMEOUT_MS = 10_000

export interface Trace {
  running: RunningProcess
  file: string
}

/** Traces a process until it ends. `inject` is a strace expression: `fdatasync:error=EIO:when=5`. */
export async function attachTrace(pid: number, inject?: string): Promise<Trace> {
  const dir = temporaryFolder('trace')
  const file = join(dir, 'trace')
  const args = ['-f', '-y', '-ttt', '-s', String(STRING_BYTES_MAX), '-o', file]
  args.push('-e', `trace=${CALLS}`, ...(inject === undefined ? [] : ['-e', `inject=${inject}`]))
  // strace says on its error output that it is attached; the shell makes that the output that is watched.
  const command = ['-c', 'exec strace "$@" 2>&1', 'sh', ...args, '-p', String(pid)]
  const logFile = join(dir, 'strace.out')
  const running = new RunningProcess({ name: 'strace', command: 'sh', args: command, logFile })
  await running.waitForLine(/Process \d+ attached/, ATTACH_TIMEOUT_MS)
  return { running, file }
}

const BLOCK_SIZE = 1 << 20

/** The lines of a file of any length. */
export function* linesOf(file: string): Generator<string> {
  const descriptor = openSync(file, 'r')
  try {
    const block = Buffer.alloc(BLOCK_SIZE)
    let rest = ''
    for (;;) {
      const count = readSync(descriptor, block)
      if (count === 0) break
      const lines = (rest + block.toString('latin1', 0, count)).split('\n')
      rest = lines.pop() ?? ''
      yield* lines
    }
    if (rest !== '') yield rest
  } finally {
    closeSync(descriptor)
  }
}
