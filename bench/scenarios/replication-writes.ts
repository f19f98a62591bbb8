// Synchronous double write: what a master acknowledges per second when each message must be on its slave too, beside
// Apache's pair with inSyncReplicas=2, at either flush mode on both nodes.
import { join } from 'node:path'
import type { FlushMode } from '../candidates/candidate.ts'
import { BrokerGroup, pairNames } from '../candidates/pair.ts'
import { type Goal, type Row, rowOf, type Samples } from '../report/result.ts'
import { interleaveGroups, PIN_NOTE, warmUpGroup } from './replication-groups.ts'
import type { BenchOptions, Outcome, Scenario } from './scenario.ts'
import { measureSends, SHAPES } from './send.ts'

const LIMITS: Readonly<Record<string, readonly [number, number]>> = {
  '1x64': [2, 4],
  '16x4': [2, 4],
  '1x1': [1, 2],
}

function syncScenario(flush: FlushMode, name: string): Scenario {
  const run = async (options: BenchOptions, samples: Samples): Promise<Outcome> => {
    const groups: BrokerGroup[] = []
    try {
      for (const house of pairNames.filter((one) => options.candidates.includes(one))) {
        const folder = join(options.folder, `${house}-${flush}-${Date.now()}`)
        const role = 'SYNC_MASTER'
        const given = { folder, flush, role, pin: options.pin, masters: 1, slaves: true } as const
        groups.push(await BrokerGroup.start(house, given))
      }
      const load = { topic: 'BenchTopic', queues: 4, seconds: options.seconds }
      for (const group of groups) await warmUpGroup(group, options, load)
      for (const { shape, connections, inflight } of SHAPES) {
        await interleaveGroups(groups, options.rounds, async (group, round) => {
          const shaped = { ...load, warmup: options.warmupSeconds, connections, inflight }
          samples.add(group.name, shape, round, await measureSends(group.master, shaped, options))
        })
      }
    } finally {
      for (const group of groups) await group.end()
    }
    return { rows: rows(flush, samples), notes: options.pin ? [PIN_NOTE] : [] }
  }
  return { name, summary: `synchronous double write, ${flush} flush on both nodes`, run }
}

function rows(flush: FlushMode, samples: Samples): (Row | null)[] {
  // One in flight has a goal with asynchronous flush only: with the other it measures the disk.
  const shapes = SHAPES.filter(({ shape }) => shape !== '1x1' || flush === 'async')
  return shapes.map(({ shape }) => {
    const [atLeast = 0, aim = 0] = LIMITS[shape] ?? []
    const measure = `sync double write, ${flush} flush, ${shape}, against apache`
    const goal: Goal = { measure, unit: '/s', atLeast, aim, better: 'higher' }
    const rate = (name: string): number | null => samples.median(name, shape, 'perSecond')
    return rowOf(goal, rate('apogee'), rate('apache'))
  })
}

export const replicationSync: Scenario = syncScenario('async', 'replication-sync')
export const replicationSyncFlush: Scenario = syncScenario('sync', 'replication-sync-flush')
