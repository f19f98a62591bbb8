import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { silentLogger } from '@apogee/remoting'
import type { PlacedProblem } from './placed-problem.ts'
import { ConfigReload } from './reload.ts'

interface Bench {
  file: Map<string, string>
  problems: PlacedProblem[]
  updates: Record<string, string>[]
  warnings: unknown[]
  reload: () => void
}

/** `live…` keys may change; what has no entry has the value `default`. */
function bench(file: Record<string, string>): Bench {
  const bench: Bench = {
    file: new Map(Object.entries(file)),
    problems: [],
    updates: [],
    warnings: [],
    reload: () => reload.reload(),
  }
  const values = (): Map<string, string> =>
    new Map(['live', 'live2', 'fixed'].map((key) => [key, bench.file.get(key) ?? 'default']))
  const target = {
    name: 'broker',
    read: () => ({ entries: new Map(bench.file), problems: bench.problems, values: values() }),
    isReloadable: (key: string) => key.startsWith('live'),
    update: (changes: ReadonlyMap<string, string>) => {
      bench.updates.push(Object.fromEntries(changes))
      return null
    },
  }
  const log = {
    ...silentLogger,
    warn: (fields: object) => {
      bench.warnings.push(fields)
    },
  }
  const reload = new ConfigReload(target, new Map(bench.file), log)
  return bench
}

test('what changed in the file is taken over, what is gone from it has its default again', () => {
  const { file, reload, updates } = bench({ live: '1', live2: '2' })
  reload()
  file.set('live', '3')
  file.delete('live2')
  reload()
  reload()
  deepEqual(updates, [{ live: '3', live2: 'default' }])
})

test('what cannot change at runtime is told and left alone; the rest is taken', () => {
  const { file, reload, updates, warnings } = bench({ fixed: '1' })
  file.set('fixed', '2').set('live', '5').set('unknown', 'x')
  reload()
  deepEqual(updates, [{ live: '5' }])
  deepEqual(warnings, [{ event: 'config_change_waits_for_restart', part: 'broker', key: 'fixed' }])
})

test('a file with an error changes nothing, and is taken once it is mended', () => {
  const { file, problems, reload, updates } = bench({ live: '1' })
  file.set('live', 'x')
  const problem = { key: 'live', value: 'x', message: 'must be a whole number', origin: null }
  problems.push({ code: 'CONFIG_BAD_VALUE', severity: 'error', ...problem })
  reload()
  deepEqual(updates, [])
  problems.pop()
  file.set('live', '2')
  reload()
  deepEqual(updates, [{ live: '2' }])
})
