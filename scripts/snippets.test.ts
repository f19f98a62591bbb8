import { deepEqual, equal, match, ok, throws } from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { composePrograms, mergeImports, type SnippetProgram } from './snippets/compose.ts'
import { extractSnippets } from './snippets/extract.ts'
import { checkTypes, placePrograms } from './snippets/place.ts'
import { problemOf, runProgram } from './snippets/run.ts'

const root = join(import.meta.dirname, '..')
const LIMIT_MS = 20_000

const PAGE = `# Title

<!-- snippet: name=connect -->

\`\`\`ts
import { connect } from 'node:net'
const a: number = 1
\`\`\`

\`\`\`sh
npm ci
\`\`\`

<!-- snippet: name=end
console.log('end')
-->

<!-- snippet: setup=connect after=end -->
\`\`\`ts
import { connect, type Socket } from 'node:net'
console.log(a + 1) // → 2
\`\`\`
`

function programs(t: TestContext, ...codes: string[]): { folder: string; files: string[] } {
  const made = codes.map(
    (code, index): SnippetProgram => ({ title: `page.md:${index}`, code, prints: [] }),
  )
  const { folder, placed } = placePrograms(root, made, '127.0.0.1:1')
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return { folder, files: placed.map(({ file }) => file) }
}

test('blocks become programs with their setup before and their end after them', () => {
  const made = composePrograms(extractSnippets('page.md', PAGE))
  deepEqual(
    made.map(({ title, prints }) => ({ title, prints })),
    [
      { title: 'page.md:6', prints: [] },
      { title: 'page.md:20', prints: ['2'] },
    ],
  )
  const lines = made[1]?.code.trimEnd().split('\n')
  deepEqual(lines, [
    `import { untilPrinted } from './until-printed.ts'`,
    `import { connect, type Socket } from 'node:net'`,
    'const a: number = 1',
    'console.log(a + 1) // → 2',
    `console.log('end')`,
    'await untilPrinted(["2"])',
    'export {}',
  ])
})

test('a comment that names nothing, or stands nowhere, is refused', () => {
  const block = '\n```ts\n1\n```\n'
  const refused: [string, RegExp][] = [
    [`<!-- snippet: setup=gone -->${block}`, /no block is named gone/],
    [`<!-- snippet: skip=yes -->${block}`, /skip=yes is none of/],
    [`<!-- snippet: name=a -->${block}<!-- snippet: name=a -->${block}`, /a is there twice/],
    [`<!-- snippet: name=a -->\ntext\n${block}`, /right before its block/],
    ['```ts\n1\n', /has no end/],
  ]
  for (const [text, wanted] of refused) throws(() => extractSnippets('p.md', text), wanted)
})

test('imports are merged, and a value is not imported as a type too', () => {
  const code = `import { a } from 'x'\nimport type { a, B } from 'x'\nimport * as all from 'y'\nuse(a)\n`
  equal(
    mergeImports(code),
    `import * as all from 'y'\nimport { a, type B } from 'x'\nuse(a)\nexport {}\n`,
  )
})

test('a snippet with an error of types is told with its page', (t) => {
  const { folder, files } = programs(
    t,
    `const a: number = 1\nexport { a }\n`,
    `const b: number = ''\n`,
  )
  const said = checkTypes(root, folder, files)
  match(said, /page-md-1\.ts\(1,7\): error TS2322/)
  ok(!said.includes('page-md-0'))
})

test('a program that prints stays open until it has printed all, in order', async (t) => {
  const page =
    "```ts\nsetTimeout(() => console.log('one'))\nsetTimeout(() => console.log('two', 2), 5)\n// → one\n// → two 2\n```\n"
  const [made] = composePrograms(extractSnippets('p.md', page))
  const { files } = programs(t, made!.code)
  const result = await runProgram({ file: files[0]!, env: {}, limitMs: LIMIT_MS })
  equal(problemOf(result, made!.prints), null)
})

test('what a program does is told: its failure, its output, and that it does not end', async (t) => {
  const { files } = programs(
    t,
    `console.log('one'); console.log('two')\n`,
    `throw new Error('broken')\n`,
    `console.log('waits'); setInterval(() => {}, 1000)\n`,
  )
  const [good, bad, hanging] = files as [string, string, string]
  const run = (file: string, limitMs = LIMIT_MS) => runProgram({ file, env: {}, limitMs })
  const result = await run(good)
  equal(problemOf(result, ['one', 'two']), null)
  match(problemOf(result, ['two', 'one']) ?? '', /did not print "one"/)
  match(problemOf(await run(bad), []) ?? '', /ended with 1[\s\S]*broken/)
  match(problemOf(await run(hanging, 500), []) ?? '', /did not end in time/)
  const signal = { name: 'SIGTERM', after: 'waits' } as const
  const ended = await runProgram({ file: hanging, env: {}, limitMs: LIMIT_MS, signal })
  equal(ended.timedOut, false)
})
