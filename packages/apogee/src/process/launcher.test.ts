import { equal, ok } from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ApogeeProcess } from '../testing/apogee-process.ts'

/** A Node on the PATH that cannot run sources: then the launcher has work to do. */
function oldNode(): string | null {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const node = join(folder, 'node')
    if (!existsSync(node)) continue
    const kind = execFileSync(node, ['-p', 'process.features.typescript'], { encoding: 'utf8' })
    if (kind.trim() === 'undefined') return node
  }
  return null
}

const node = oldNode()
const options = { skip: node === null && 'no Node on the PATH is too old for the sources' }

test('under an old Node the pinned one runs, and signals reach it', options, async (t) => {
  const run = await ApogeeProcess.serve(t, ['namesrv', '--port', '0'], { node: node! })
  run.kill('SIGHUP')
  await run.event('reload')
  run.kill('SIGTERM')
  equal(await run.ended, 0)
})

test('the program ends when its launcher is killed', options, async (t) => {
  const run = await ApogeeProcess.serve(t, ['namesrv', '--port', '0'], { node: node! })
  const url = `http://127.0.0.1:${run.ports.http}/livez`
  ok((await fetch(url)).ok)
  run.kill('SIGKILL')
  // Its output ends only with the program itself.
  equal(await run.ended, 'SIGKILL')
  await run.event('shutdown_finished')
  await sleep(10)
  await fetch(url).then(
    () => ok(false, 'still answers'),
    () => ok(true),
  )
})
