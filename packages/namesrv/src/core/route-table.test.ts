import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
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
    const actual = replay(expected)
    if (isRewrite) writeFileSync(path, actual)
    else assert.equal(actual, expected)
  })
}

function replay(script: string): string {
  const routes = new RouteScript()
  const blocks = script.trimEnd().split(/\n\n+/)
  return `${blocks.map((block) => replayBlock(block, routes)).join('\n\n')}\n`
}

function replayBlock(block: string, routes: RouteScript): string {
  const lines = block.split('\n')
  const end = lines.indexOf('----')
  const commands = end < 0 ? lines : lines.slice(0, end)
  if (commands.every((line) => line.startsWith('#'))) return commands.join('\n')
  const answers: string[] = []
  for (const line of commands) {
    if (!line.startsWith('#')) answers.push(...routes.run(line))
  }
  return [...commands, '----', ...answers].join('\n')
}
