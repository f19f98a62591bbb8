// Each rule is shown to pass on good code and to fail on bad code: a rule that cannot fail guards nothing.
import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { checkoutOf } from './tidy/checkout.ts'
import { formatFinding } from './tidy/finding.ts'
import { runRules } from './tidy/run-rules.ts'

type Files = Record<string, string>

const packageJson = (dependencies: readonly string[], exports: Files = {}): string =>
  JSON.stringify({
    exports: { '.': './src/mod.ts', ...exports },
    dependencies: Object.fromEntries(dependencies.map((name) => [`@apogee/${name}`, '*'])),
  })

const NODE_EXPORT = { './node': './src/node/mod.ts' }

/** A small checkout without a breach. */
const CLEAN: Files = {
  'packages/base/package.json': packageJson([]),
  'packages/base/README.md': '# base\n',
  'packages/base/tsconfig.json': '{}',
  'packages/base/src/mod.ts': "export { one } from './one.ts'\n",
  'packages/base/src/one.ts': "import { crc32 } from 'node:zlib'\nexport const one = crc32('1')\n",
  'packages/env/package.json': packageJson(['base'], NODE_EXPORT),
  'packages/env/README.md': '# env\n',
  'packages/env/tsconfig.json': '{}',
  'packages/env/src/mod.ts': "export { one } from '@apogee/base'\n",
  'packages/env/src/node/mod.ts': 'export const now = (): number => Date.now()\n',
  'packages/store/package.json': packageJson(['base', 'env']),
  'packages/store/README.md': '# store\n',
  'packages/store/tsconfig.json': '{}',
  'packages/store/src/mod.ts': "export { one } from '@apogee/base'\n",
}

/** What the rules say about the clean checkout with these files added or replaced, one `rule path:line` each. */
function said(files: Files): string[] {
  return runRules(checkoutOf({ ...CLEAN, ...files })).map(
    ({ rule, path, line, note }) => `${rule} ${path}:${line}${note === true ? ' (note)' : ''}`,
  )
}

/** What they say when this is the whole of the store package. */
const store = (text: string, more: Files = {}): string[] =>
  said({ 'packages/store/src/mod.ts': text, ...more }).map((line) =>
    line.replace('packages/store/src/', ''),
  )

const repeat = (line: string, count: number): string => `${line}\n`.repeat(count)

test('clean code passes', () => {
  deepEqual(said({}), [])
})

test('a package imports only what the layer table allows', () => {
  deepEqual(said({ 'packages/base/src/one.ts': "export { one } from '@apogee/store'\n" }), [
    'import-cycle packages/base/src/mod.ts:0',
    'layer packages/base/src/one.ts:1',
  ])
  deepEqual(said({ 'packages/base/src/one.ts': "export type { one } from '@apogee/store'\n" }), [
    'layer packages/base/src/one.ts:1',
  ])
  const unknown = { 'packages/extra/package.json': packageJson([]) }
  equal(said(unknown).includes('layer packages/extra/package.json:0'), true)
})

test('real disk and network reach only apogee and tests', () => {
  const user = "export { now } from '@apogee/env/node'\n"
  deepEqual(store(user), ['layer mod.ts:1'])
  deepEqual(store('export {}\n', { 'packages/store/src/a.test.ts': user }), [])
})

test('a package is entered through its declared exports', () => {
  deepEqual(store("export { one } from '@apogee/base/src/one.ts'\n"), ['package-edge mod.ts:1'])
  deepEqual(store("export { one } from '../../base/src/one.ts'\n"), ['package-edge mod.ts:1'])
  deepEqual(store("import type { one } from '@apogee/store'\n"), ['package-edge mod.ts:1'])
  deepEqual(said({ 'e2e/a.ts': "import '../packages/base/src/one.ts'\n" }), [
    'package-edge e2e/a.ts:1',
  ])
  deepEqual(said({ 'e2e/a.ts': "import { one } from '@apogee/base'\nexport { one }\n" }), [])
})

test('a package names its dependencies', () => {
  deepEqual(said({ 'packages/store/package.json': packageJson([]) }), [
    'dependency packages/store/src/mod.ts:1',
  ])
})

test('files that import one another in a circle are found, types aside', () => {
  const circle = (keyword: string): string[] =>
    store("export { a } from './a.ts'\n", {
      'packages/store/src/a.ts': `${keyword} { b } from './b.ts'\nexport const a = 1\n`,
      'packages/store/src/b.ts': "import { a } from './a.ts'\nexport const b = a\n",
    })
  deepEqual(circle('import'), ['import-cycle a.ts:0'])
  deepEqual(circle('import type'), [])
})

test('a file that nothing reaches is found; workers count as reached', () => {
  const file = { 'packages/store/src/lonely.ts': 'export const lonely = 1\n' }
  deepEqual(store('export {}\n', file), ['dead-file lonely.ts:0'])
  deepEqual(store("export const worker = new URL('./lonely.ts', import.meta.url)\n", file), [])
  const tested = { 'packages/store/src/a.test.ts': "import './lonely.ts'\n" }
  deepEqual(store('export {}\n', { ...file, ...tested }), ['dead-file lonely.ts:0 (note)'])
})

test('pure code imports nothing of Node but zlib and hashes', () => {
  const base = (text: string): string[] => said({ 'packages/base/src/one.ts': text })
  deepEqual(base("export { join as one } from 'node:path'\n"), [
    'pure-import packages/base/src/one.ts:1',
  ])
  deepEqual(base("import { createHash } from 'node:crypto'\nexport const one = createHash\n"), [])
  for (const names of ['* as one', '{ createHash, randomBytes as one }', '{ createHmac as one }']) {
    const text = `import ${names} from 'node:crypto'\nexport { one }\n`
    deepEqual(base(text), ['pure-import packages/base/src/one.ts:1'], names)
  }
  const core = { 'packages/store/src/core/a.ts': "export { join } from 'node:path'\n" }
  deepEqual(store("export { join } from './core/a.ts'\n", core), ['pure-import core/a.ts:1'])
  deepEqual(store("export { join } from 'node:path'\n"), [])
})

test('packages below apogee take no disk, network, chance or dependency', () => {
  for (const name of ['node:fs', 'node:net', 'node:timers', 'node:worker_threads', 'pino']) {
    deepEqual(store(`import '${name}'\n`), ['pure-import mod.ts:1'], name)
    deepEqual(store('export {}\n', { 'packages/store/src/a.test.ts': `import '${name}'\n` }), [])
  }
  deepEqual(store("export { createHash } from 'node:crypto'\n"), [])
  deepEqual(store("export { randomBytes } from 'node:crypto'\n"), ['pure-import mod.ts:1'])
})

test('packages below apogee read no clock, chance, process or console', () => {
  const worldly = [
    'Date.now()',
    'new Date()',
    'Date()',
    'Math.random()',
    'performance.now()',
    'process.pid',
    'console.log(1)',
    'setTimeout(() => {}, 1)',
    'setInterval(() => {}, 1)',
    'setImmediate(() => {})',
    'globalThis.process',
    'crypto.randomUUID()',
    '{ ...process.env }',
  ]
  for (const text of worldly) {
    deepEqual(store(`export const a = ${text}\n`), ['outside-world mod.ts:1'], text)
    const adapter = { 'packages/env/src/node/mod.ts': `export const now = ${text}\n` }
    deepEqual(said(adapter), [], text)
  }
})

test('names that only look like the outside world pass', () => {
  const innocent = [
    'export const a = new Date(0).getTime()',
    'export const a = Date.UTC(2020, 0)',
    'export const a = Math.floor(1.5)',
    'export const a = (process: number): number => process',
    'export const a = { process: 1 }.process',
    "export const a = 'process.exit' // console.log",
    'export interface Clock { setTimeout(performance: number): void }',
    'export type A = typeof process',
  ]
  for (const text of innocent) deepEqual(store(`${text}\n`), [], text)
})

test('long files are listed, longer ones fail', () => {
  deepEqual(store(repeat('', 400)), [])
  deepEqual(store(repeat('', 401)), ['file-length mod.ts:0 (note)'])
  deepEqual(store(repeat('', 600)), ['file-length mod.ts:0 (note)'])
  deepEqual(store(repeat('', 601)), ['file-length mod.ts:0'])
})

test('long functions are listed, longer ones fail, whatever their spelling', () => {
  const spellings = [
    (body: string) => `export function f(): void {\n${body}}\n`,
    (body: string) => `export const f = (): void => {\n${body}}\n`,
    (body: string) => `export const f = function (): void {\n${body}}\n`,
    (body: string) => `export class A { f(): void {\n${body}} }\n`,
    (body: string) => `export class A { constructor() {\n${body}} }\n`,
    (body: string) => `export class A { get f(): string {\n${body} return '}' } }\n`,
  ]
  for (const spelling of spellings) {
    deepEqual(store(spelling(repeat("'{'", 50))), [])
    deepEqual(store(spelling(repeat("'{'", 51))), ['function-length mod.ts:1 (note)'])
    deepEqual(store(spelling(repeat("'{'", 71))), ['function-length mod.ts:1'])
  }
})

test('comments are at most 124 columns wide', () => {
  deepEqual(store(`// ${'x'.repeat(121)}\nexport {}\n`), [])
  deepEqual(store(`// ${'x'.repeat(122)}\nexport {}\n`), ['comment-width mod.ts:1'])
  deepEqual(store(`/** ${'x'.repeat(122)} */\nexport {}\n`), ['comment-width mod.ts:1'])
  deepEqual(store(`export const a = 1 // ${'x'.repeat(122)}\n`), ['comment-width mod.ts:1'])
  deepEqual(store(`export const a = '${'x'.repeat(200)}'\n`), [])
})

test('files and folders are kebab-case', () => {
  for (const name of ['Lonely.ts', 'two_words.ts', 'camelCase.ts', 'deepFolder/a.ts']) {
    const file = { [`packages/store/src/${name}`]: 'export {}\n' }
    deepEqual(store(`import './${name}'\n`, file), [`file-name ${name}:0`])
  }
})

test('nothing is exported by default, but configuration', () => {
  deepEqual(store('export default 1\n'), ['default-export mod.ts:1'])
  deepEqual(store('export default function f(): void {}\n'), ['default-export mod.ts:1'])
  const config = { 'packages/store/src/a.config.ts': 'export default {}\n' }
  deepEqual(store("export {}\nimport './a.config.ts'\n", config), [])
  deepEqual(store('switch (1 as number) {\n  default:\n}\nexport {}\n'), [])
})

test('nothing is left unfinished', () => {
  for (const word of [
    ['TO', 'DO'],
    ['FIX', 'ME'],
  ].map((halves) => halves.join(''))) {
    deepEqual(store(`// ${word}: later\nexport {}\n`), ['unfinished mod.ts:1'])
    deepEqual(said({ 'docs/a.md': `${word}\n` }), ['unfinished docs/a.md:1'])
  }
})

test('no test keeps the others from running', () => {
  const one = (text: string): string[] =>
    store('export {}\n', { 'packages/store/src/a.test.ts': text })
  deepEqual(one("import { test } from 'node:test'\ntest.only('a', () => {})\n"), [
    'only-test a.test.ts:2',
  ])
  deepEqual(one("import { test } from 'node:test'\ntest('a', { only: true }, () => {})\n"), [
    'only-test a.test.ts:2',
  ])
})

test('no debugging is left behind', () => {
  deepEqual(store('debugger\nexport {}\n'), ['debug mod.ts:1'])
  const inTest = { 'packages/store/src/a.test.ts': 'console.log(1)\n' }
  deepEqual(store('export {}\n', inTest), ['debug a.test.ts:1'])
})

test('no path of one machine is named', () => {
  const folders = [
    ['wo', 'rk'],
    ['ro', 'ot'],
    ['ho', 'me/ann'],
  ].map((halves) => halves.join(''))
  for (const folder of folders) {
    deepEqual(store(`export const a = '/${folder}/x'\n`), ['machine-path mod.ts:1'])
  }
  const innocent = "export const a = ['/home/user/store', 'net/work/x', '/homework/']\n"
  deepEqual(store(innocent), [])
})

test('each package has a short README and its own tsconfig', () => {
  const { 'packages/store/README.md': _, ...rest } = CLEAN
  const missing = runRules(checkoutOf(rest)).map(formatFinding)
  deepEqual(missing, ['packages/store/README.md  package-shape: is missing'])
  deepEqual(said({ 'packages/store/README.md': repeat('x', 41) }), [
    'package-shape packages/store/README.md:0',
  ])
})
