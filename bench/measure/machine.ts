// The facts of the machine that a result was measured on: a figure without them compares with nothing.
import { spawnSync } from 'node:child_process'
import { readFileSync, statfsSync } from 'node:fs'
import { cpus, release, totalmem, type } from 'node:os'

export interface Machine {
  cpuModel: string
  cores: number
  memoryGiB: number
  kernel: string
  node: string
  java: string | null
  /** File system and device of the folder that held the stores. */
  disk: string
  commit: string
  /** The checkout had changes that no commit holds. */
  dirty: boolean
}

function said(command: string, args: readonly string[]): string | null {
  const result = spawnSync(command, args, { encoding: 'utf8' })
  return result.status === 0 ? `${result.stdout}${result.stderr}`.trim() : null
}

/** The longest mount point that holds the folder, from /proc/mounts. */
function diskOf(folder: string): string {
  const mounts = readFileSync('/proc/mounts', 'utf8').trim().split('\n')
  const best = mounts
    .map((line) => line.split(' '))
    .filter(([, point = '']) => point === '/' || folder === point || folder.startsWith(`${point}/`))
    .toSorted(([, a = ''], [, b = '']) => b.length - a.length)[0]
  return best === undefined ? 'unknown' : `${best[2]} on ${best[0]}`
}

export function machineFacts(storeFolder: string): Machine {
  const all = cpus()
  return {
    cpuModel: all[0]?.model ?? 'unknown',
    cores: all.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: `${type()} ${release()}`,
    node: process.version,
    java: said('java', ['-version'])?.split('\n')[0] ?? null,
    disk: diskOf(storeFolder),
    commit: said('git', ['rev-parse', '--short', 'HEAD']) ?? 'unknown',
    dirty: (said('git', ['status', '--porcelain', 'packages', 'bench']) ?? '') !== '',
  }
}

export function freeGiB(folder: string): number {
  const { bavail, bsize } = statfsSync(folder)
  return (bavail * bsize) / 2 ** 30
}
