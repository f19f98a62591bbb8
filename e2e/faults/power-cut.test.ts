// Power cuts: FAULTS_CYCLES (8) of each kind from FAULTS_SEED. `power-cut.ts` has no upper limit.
import assert from 'node:assert/strict'
import { before, suite, test } from 'node:test'
import { type PowerCutOptions, powerCutRun } from './power-cut.ts'
import { requireTools } from './tools.ts'
import { fileSystems } from './volume.ts'

const cycles = Number(process.env['FAULTS_CYCLES'] ?? '8')
const seed = Number(process.env['FAULTS_SEED'] ?? String(Date.now() % 1_000_000))
const log = (line: string): void => console.log(line)

suite(`power cuts (seed ${seed})`, () => {
  before(requireTools)

  for (const fileSystem of fileSystems) {
    test(`SYNC_FLUSH keeps every promise over ${cycles} power cuts on ${fileSystem}`, async () => {
      const options: PowerCutOptions = { fileSystem, flush: 'SYNC_FLUSH', cycles, seed, log }
      const report = await powerCutRun(options)
      assert.deepEqual(report.problems, [])
      assert.ok(report.acknowledged > 50 * cycles, 'the broker was under load')
    })

    test(`the same check finds what ASYNC_FLUSH loses on ${fileSystem}, which is only the newest`, async () => {
      const few = Math.max(3, Math.ceil(cycles / 3))
      const options: PowerCutOptions = { fileSystem, flush: 'ASYNC_FLUSH', cycles: few, seed, log }
      const report = await powerCutRun(options)
      assert.deepEqual(report.problems, [])
      assert.ok(report.lost > 0, 'a check that cannot fail proves nothing')
    })
  }
})
