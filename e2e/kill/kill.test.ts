// kill -9 under full load: KILL_CYCLES cycles (35) from KILL_SEED against INTEROP_TARGET. `run.ts` has no upper limit.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chosenTarget } from '../harness/target.ts'
import { type KillOptions, killRun, showReport } from './run.ts'

const cycles = Number(process.env['KILL_CYCLES'] ?? '35')
const seed = Number(process.env['KILL_SEED'] ?? String(Date.now() % 1_000_000))

test(`nothing acknowledged or consumed is lost in ${cycles} kills (seed ${seed})`, async () => {
  const options: KillOptions = {
    cycles,
    seed,
    kind: chosenTarget(),
    flush: 'both',
    log: (line) => console.log(line),
  }
  const report = await killRun(options)
  showReport(report, options)
  assert.deepEqual(report.problems, [])
  assert.ok(report.counts.acknowledged > cycles, 'the broker was under load')
  assert.ok(report.counts.consumed > 0, 'a consumer read along')
})
