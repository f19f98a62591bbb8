// The recipes of docs/testing.md, as a reader would use them: a copy of each is installed from its lockfile, gets the
// packed apogee (of APOGEE_TARBALL, or built here), and runs its own tests.
import { equal, ok } from 'node:assert/strict'
import { copyFileSync, cpSync, readFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { test } from 'node:test'
import { mustRun, temporaryFolder } from '../harness/processes.ts'
import { builtPackage } from '../package/built.ts'

const INSTALL_LIMIT_MS = 300_000
/** A recipe takes some seconds. One whose cluster leaves something behind never ends by itself. */
const RUN_LIMIT_MS = 60_000
const TESTS = 5

/** How each runner says that all tests have passed. */
const recipes: Readonly<Record<string, RegExp>> = {
  'node-test': new RegExp(`pass ${TESTS}\\n.*fail 0`),
  vitest: new RegExp(`Tests\\s+${TESTS} passed`),
  jest: new RegExp(`Tests:\\s+${TESTS} passed`),
}

for (const [name, passed] of Object.entries(recipes)) {
  test(`the recipe for ${name} works and ends by itself`, async () => {
    const folder = temporaryFolder(`recipe-${name}`)
    cpSync(join(import.meta.dirname, name), folder, { recursive: true })
    copyFileSync(join(import.meta.dirname, 'shop.js'), join(folder, 'shop.js'))
    const tarball = process.env['APOGEE_TARBALL'] ?? builtPackage('apogee').packed.file
    const quiet = ['--no-audit', '--no-fund']
    await npm(folder, ['ci', ...quiet], INSTALL_LIMIT_MS)
    await npm(folder, ['install', '--no-save', ...quiet, tarball], INSTALL_LIMIT_MS)
    const said = await npm(folder, ['test'], RUN_LIMIT_MS)
    ok(passed.test(said.replaceAll('\r', '')), said)
  })
}

test('what the page shows is what runs', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/testing.md'), 'utf8')
  const shown = [...page.matchAll(/<!-- file: (\S+) -->\n+```js\n(.*?)```/gs)]
  equal(shown.length, 1 + Object.keys(recipes).length)
  for (const [, path, code] of shown) {
    const file = readFileSync(join(import.meta.dirname, path!), 'utf8')
    ok(file.includes(code!), `${path} is not what the page shows`)
  }
})

/** With this Node, and none of what a test runner leaves in the environment. Both streams: Jest reports to stderr. */
function npm(folder: string, args: readonly string[], timeoutMs: number): Promise<string> {
  const rest = (process.env['PATH'] ?? '').split(delimiter)
  const path = [
    dirname(process.execPath),
    ...rest.filter((one) => !one.includes('node_modules')),
  ].join(delimiter)
  const env = { PATH: path, NODE_OPTIONS: '', NO_COLOR: '1' }
  const command = ['npm', ...args].map((word) => JSON.stringify(word)).join(' ')
  // Whoever finds this variable takes itself for a test of ours, even when it is empty.
  const script = `unset NODE_TEST_CONTEXT; ${command} 2>&1`
  return mustRun({ command: 'sh', args: ['-c', script], cwd: folder, env, timeoutMs })
}
