// Every block of TypeScript that readers are shown, and every example, does what its page says.
import { deepEqual, equal } from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type Cluster, startCluster } from 'apogee'
import { composePrograms } from './snippets/compose.ts'
import { extractSnippets } from './snippets/extract.ts'
import { checkTypes, type PlacedProgram, placePrograms } from './snippets/place.ts'
import { problemOf, type RunOptions, runProgram } from './snippets/run.ts'

const root = join(import.meta.dirname, '..')
const guide = join(root, 'docs', 'guide')
const PAGES = [
  ...readdirSync(guide).map((name) => join('docs', 'guide', name)),
  'docs/testing.md',
  'scripts/build/readme/apogee.md',
  'scripts/build/readme/client.md',
]
/** A program connects, works and ends within a second; a machine under load takes longer. */
const LIMIT_MS = 30_000

const EXAMPLES: readonly (Pick<RunOptions, 'signal'> & { file: string; prints: string[] })[] = [
  {
    file: './examples/orders/main.ts',
    prints: ['2 orders shipped, 2 in the database'],
  },
  {
    file: './examples/workflow/main.ts',
    prints: [
      'A: created → paid → packed → shipped',
      'B: created → paid → packed → shipped',
      'D: created → paid → packed → shipped',
    ],
  },
  {
    file: './examples/worker/main.ts',
    prints: ['done: https://busy.example.com (attempt 2)', 'SIGTERM: finishing', 'stopped'],
    signal: { name: 'SIGTERM', after: '(attempt 2)' },
  },
]

let cluster: Cluster
let env: Record<string, string>

before(async () => {
  cluster = await startCluster({
    topics: ['questions'],
    config: { autoCreateTopicEnable: true, enablePropertyFilter: true, traceTopicEnable: true },
  })
  // Compiled once for all of them.
  const NODE_COMPILE_CACHE = join(root, 'node_modules', '.cache', 'apogee-pages')
  mkdirSync(NODE_COMPILE_CACHE, { recursive: true })
  env = { NAMESRV_ADDR: cluster.nameservers.join(';'), NODE_COMPILE_CACHE }
})
after(() => cluster.close())

const programs = PAGES.flatMap((page) =>
  composePrograms(extractSnippets(page, readFileSync(join(root, page), 'utf8'))),
)

describe('pages', () => {
  let folder: string
  let placed: readonly PlacedProgram[]
  before(() => {
    ;({ folder, placed } = placePrograms(root, programs, cluster.nameservers[0]!))
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  test('all blocks compile', () => {
    equal(
      checkTypes(
        root,
        folder,
        placed.map(({ file }) => file),
      ),
      '',
    )
  })

  for (const [index, { title, prints }] of programs.entries()) {
    test(title, async () => {
      const { file } = placed[index]!
      equal(problemOf(await runProgram({ file, env, limitMs: LIMIT_MS }), prints), null)
    })
  }
})

test('links of the pages lead to files that are there', () => {
  const lost = [...PAGES, 'examples/README.md'].flatMap((page) => {
    const text = readFileSync(join(root, page), 'utf8')
    const links = [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(([, link]) => link!)
    // Those of published pages are checked by the build, where they are published.
    if (page.startsWith('scripts/')) return []
    return links
      .filter((link) => !existsSync(join(root, dirname(page), link)))
      .map((link) => `${page}: ${link}`)
  })
  deepEqual(lost, [])
})

describe('examples', () => {
  test('all examples compile', () => {
    const { folder } = placePrograms(root, [], '')
    try {
      const files = EXAMPLES.map(({ file }) => join(root, file))
      equal(checkTypes(root, folder, files), '')
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  for (const { file, prints, signal } of EXAMPLES) {
    test(file, async () => {
      const options = { file: join(root, file), env, limitMs: LIMIT_MS }
      const result = await runProgram(signal === undefined ? options : { ...options, signal })
      equal(problemOf(result, prints), null)
    })
  }
})
