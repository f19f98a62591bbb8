// Where the time of a measured broker went: V8's sampling profile, summed by function.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

interface ProfileNode {
  id: number
  callFrame: { functionName: string; url: string; lineNumber: number }
}

interface CpuProfile {
  nodes: ProfileNode[]
  samples: number[]
  timeDeltas: number[]
}

export interface HotFunction {
  name: string
  /** Share of the time that was not idle. */
  share: number
}

/** Own time of each function over all profiles, largest first. Idle time counts for nobody. */
export function hotFunctions(profiles: readonly CpuProfile[]): HotFunction[] {
  const times = new Map<string, number>()
  let total = 0
  for (const { nodes, samples, timeDeltas } of profiles) {
    const names = new Map(nodes.map((node) => [node.id, nameOf(node)]))
    samples.forEach((id, index) => {
      const name = names.get(id)
      if (name === undefined || name === '(idle)' || name === '(root)') return
      const time = timeDeltas[index] ?? 0
      total += time
      times.set(name, (times.get(name) ?? 0) + time)
    })
  }
  return [...times]
    .map(([name, time]) => ({ name, share: time / total }))
    .toSorted((a, b) => b.share - a.share)
}

function nameOf({ callFrame }: ProfileNode): string {
  const { functionName, url, lineNumber } = callFrame
  const name = functionName === '' ? '(anonymous)' : functionName
  if (url === '') return name
  const place = url.replace(/^.*\/(?=(?:packages|bench|node_modules)\/)/, '')
  return `${name} ${place}:${lineNumber + 1}`
}

/** The profiles that Node wrote into a folder with --cpu-prof-dir. */
export function readProfiles(folder: string): CpuProfile[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.cpuprofile'))
    .map((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as CpuProfile)
}

export function printHotFunctions(functions: readonly HotFunction[], count: number): void {
  for (const { name, share } of functions.slice(0, count)) {
    console.log(`  ${(share * 100).toFixed(1).padStart(5)} %  ${name}`)
  }
}
