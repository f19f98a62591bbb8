// Masters and slaves under random faults, with producers and consumers of several kinds: what was acknowledged is
// accounted for on every replica. CLUSTER_SEED repeats a run; CLUSTER_SECONDS (25) makes it longer; CLUSTER_JAVA=true
// adds Java's and Go's.
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { temporaryFolder } from '../harness/processes.ts'
import { FaultRun, showReport } from './fault-run.ts'

const SEED = Number(process.env['CLUSTER_SEED'] ?? Date.now() % 1_000_000)
const SECONDS = Number(process.env['CLUSTER_SECONDS'] ?? 25)
const OTHERS = process.env['CLUSTER_JAVA'] === 'true'

describe(`three masters and three slaves, seed ${SEED}`, () => {
  it(`${SECONDS} s of random faults: nothing acknowledged is lost, moved, doubled or altered`, async (t: TestContext) => {
    const run = new FaultRun({
      seed: SEED,
      seconds: SECONDS,
      others: OTHERS,
      dir: temporaryFolder('cluster-faults'),
      log: (line) => t.diagnostic(line),
    })
    const report = await run.run()
    showReport(report, (line) => t.diagnostic(line))
    assert.deepEqual(report.problems, [], `seed ${SEED}`)
    assert.ok(report.faults.size >= 3, 'several kinds of faults happened')
    for (const { acknowledged, brokerName } of report.masters) {
      assert.ok(acknowledged > SECONDS * 10, `${brokerName} was under load`)
    }
  })
})
