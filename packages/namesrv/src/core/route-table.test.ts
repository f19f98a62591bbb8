import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { replayScript } from '@apogee/base/testing'
import { RouteScript } from '../testing/route-script.ts'

// Each file in testdata is a script: commands, `----`, what they answer; blocks end at an empty
// line. Lines with # are kept. `node route-table.test.ts --rewrite` writes the answers anew, to be
// read before they are committed.

const folder = new URL('testdata/', import.meta.url)
const isRewrite = process.argv.includes('--rewrite')

for (const name of readdirSync(folder)) {
  if (!name.endsWith('.txt')) continue
  test(`route table: ${name.slice(0, -4).replaceAll('-', ' ')}`, () => {
    const path = new URL(name, folder)
    const expected = readFileSync(path, 'utf8')
    const routes = new RouteScript()
    const actual = replayScript(expected, (command) => routes.run(command))
    if (isRewrite) writeFileSync(path, actual)
    else assert.equal(actual, expected)
  })
}
