import { deepEqual, equal, match, throws } from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Assembled, assemble, type WorkspaceExports } from './build/assemble.ts'
import { readEmitted } from './build/emitted.ts'
import { manifestOf } from './build/manifest.ts'
import type { PublishedPackage } from './build/published.ts'

const published: PublishedPackage = {
  name: 'product',
  source: 'product',
  description: 'It.',
  keywords: [],
  exports: { '.': 'src/mod.ts' },
  programs: ['src/main.ts'],
  folders: [],
  readme: 'readme/product.md',
}
const workspace: WorkspaceExports = new Map([
  ['@apogee/base', 'base/src/mod.ts'],
  ['@apogee/env/node', 'env/src/node/mod.ts'],
])
const EMPTY = 'export {}\n'
const product = {
  'product/src/mod.js': EMPTY,
  'product/src/mod.d.ts': EMPTY,
  'product/src/main.js': EMPTY,
}

function assembled(t: TestContext, files: Readonly<Record<string, string>>): Assembled {
  const folder = mkdtempSync(join(tmpdir(), 'build-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  for (const [path, text] of Object.entries({ ...product, ...files })) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  return assemble(published, readEmitted(folder), workspace)
}

/** What the assembled package exports, when it really runs. */
async function run(t: TestContext, files: Readonly<Record<string, string>>): Promise<object> {
  const folder = mkdtempSync(join(tmpdir(), 'built-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module", "version": "1.2.3" }')
  for (const [path, text] of assembled(t, files).files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  return (await import(join(folder, 'dist', 'mod.js'))) as object
}

test('every form of import and export means in the bundle what it meant before', async (t) => {
  const all = await run(t, {
    'product/src/mod.js': `
import { sep as separator } from 'node:path'
import * as path from 'node:path'
import fs, { existsSync } from 'node:fs'
import 'node:os'
import { a, make as build } from '@apogee/base'
import * as base from '@apogee/base'
export { a as first, default_ } from '@apogee/base'
export * from './more.js'
export const same = base.a === a && path.sep === separator && fs.existsSync === existsSync
export class Box { static made = build(20) }
export async function later() { return (await import('./later.js')).late }
function hidden() { return hoisted() }
export { hidden as shown }
function hoisted() { return 'hoisted' }
`,
    'product/src/more.js': `export const more = 'more', most = 'most'\n`,
    'product/src/later.js': `import { make } from '@apogee/base'\nexport const late = make(1)\n`,
    'base/src/mod.js': `export { a, make, default_ } from './deep/a.js'\n`,
    'base/src/deep/a.js': `export const a = 1\nexport const default_ = 2\nexport function make(n) { return n + a }\n`,
  })
  const { later, shown, Box, ...values } = all as {
    later: () => Promise<number>
    shown: () => string
    Box: { made: number }
  }
  deepEqual(values, { first: 1, default_: 2, more: 'more', most: 'most', same: true })
  deepEqual([await later(), shown(), Box.made], [2, 'hoisted', 21])
})

test('what is loaded together is one file; what several load is shared; nothing else is there', (t) => {
  const { files, externals } = assembled(t, {
    'product/src/mod.js': `export { a } from '@apogee/base'\nimport './own.js'\n`,
    'product/src/own.js': `export const own = 1\n`,
    'product/src/main.js': `await import('@apogee/env/node')\nimport 'pino/file'\nimport '@s/p/q'\n`,
    'base/src/mod.js': `export { a } from './deep/a.js'\n`,
    'base/src/deep/a.js': `export const a = 1\n`,
    'base/src/deep/unused.js': `export const b = 1\n`,
    'env/src/node/mod.js': `import { a } from "@apogee/base"\nimport 'node:fs'\n`,
  })
  deepEqual([...files.keys()].sort(), [
    'dist/main.js',
    'dist/mod.d.ts',
    'dist/mod.js',
    'lib/env/node/mod.js',
    'lib/shared-1.js',
  ])
  match(files.get('lib/env/node/mod.js') ?? '', /from '\.\.\/\.\.\/shared-1\.js'/)
  match(files.get('dist/main.js') ?? '', /await import\('\.\.\/lib\/env\/node\/mod\.js'\)/)
  deepEqual([...externals].sort(), ['@s/p', 'pino'])
})

test('a module runs once, whoever loads it first', async (t) => {
  const all = await run(t, {
    'product/src/mod.js': `
import { count } from './counter.js'
export async function counts() {
  const one = await import('./one.js')
  const two = await import('./two.js')
  return [count(), one.count(), two.count()]
}
`,
    'product/src/one.js': `export { count } from './counter.js'\n`,
    'product/src/two.js': `export { count } from './counter.js'\n`,
    'product/src/counter.js': `let n = 0\nexport function count() { return ++n }\n`,
  })
  deepEqual(await (all as { counts: () => Promise<number[]> }).counts(), [1, 2, 3])
})

test('declarations follow types alone, and name .js files', (t) => {
  const { files } = assembled(t, {
    'product/src/mod.d.ts': `/** import { a } from '@apogee/base' */\nimport type { A } from './a.ts'\nexport declare const x: import("@apogee/base").B\n`,
    'product/src/a.d.ts': `export interface A {}\n`,
    'product/src/a.js': EMPTY,
    'base/src/mod.d.ts': `export interface B {}\n`,
  })
  equal(
    files.get('dist/mod.d.ts'),
    `/// <reference types="node" />\n/** import { a } from '@apogee/base' */\nimport type { A } from './a.js'\nexport declare const x: import("../lib/base/mod.js").B\n`,
  )
  equal(files.has('dist/a.d.ts') && files.has('lib/base/mod.d.ts'), true)
  equal(files.has('dist/a.js'), false)
})

test('workers and manifests named at run time are found in their new places', async (t) => {
  const all = await run(t, {
    'product/src/mod.js': `export { version, place, otherPlace } from './process/deep.js'\n`,
    'product/src/process/deep.js':
      `import { createRequire } from 'node:module'\n` +
      `import { existsSync } from 'node:fs'\n` +
      `export const version = createRequire(import.meta.url)('../../package.json').version\n` +
      `export const place = existsSync(new URL('./worker.ts', import.meta.url))\n` +
      `const suffix = import.meta.url.endsWith('.ts') ? 'ts' : 'js'\n` +
      `export const otherPlace = existsSync(new URL(\`./other-worker.\${suffix}\`, import.meta.url))\n`,
    'product/src/process/worker.js': EMPTY,
    'product/src/process/other-worker.js': EMPTY,
  })
  deepEqual({ ...all }, { version: '1.2.3', place: true, otherPlace: true })
})

test('what a bundle would change stops the build', (t) => {
  const changed: [string, RegExp][] = [
    ['export let n = 0\n', /can change/],
    ['export default 1\n', /default export/],
    ['const $m1 = 1\nexport { $m1 }\n', /name that the bundle needs/],
    [`export * as all from 'node:fs'\n`, /under a name|passes on names/],
  ]
  for (const [text, wanted] of changed) {
    throws(() => assembled(t, { 'product/src/main.js': text }), wanted, text)
  }
  const circle = {
    'product/src/main.js': `import './a.js'\n`,
    'product/src/a.js': `import './main.js'\n`,
  }
  throws(() => assembled(t, circle), /a circle/)
})

test('a file named in a way that nobody can follow stops the build', (t) => {
  const ways = [
    `await import(name)\n`,
    `new URL(name, import.meta.url)\n`,
    `read(import.meta.dirname)\n`,
    `fileURLToPath(import.meta.url)\n`,
  ]
  for (const way of ways) {
    throws(() => assembled(t, { 'product/src/main.js': way }), /does not know/, way)
  }
  throws(() => assembled(t, { 'product/src/main.js': `import './gone.js'\n` }), /was not compiled/)
  throws(() => assembled(t, { 'product/src/main.js': `import '@apogee/no'\n` }), /not an export/)
})

test('code of tests is not shipped', (t) => {
  const files = {
    'product/src/main.js': `import './testing/world.js'\n`,
    'product/src/testing/world.js': EMPTY,
  }
  throws(() => assembled(t, files), /for tests/)
})

test('a manifest lists what is imported, with types first and nothing to run', () => {
  const input = {
    published,
    bins: { product: 'bin/product.js' },
    version: '1.2.3',
    dependencies: { pino: '10.4.0', unused: '1.0.0' },
    externals: new Set(['pino']),
    contents: ['dist'],
  }
  const manifest = manifestOf(input)
  deepEqual(manifest['dependencies'], { pino: '10.4.0' })
  deepEqual(manifest['bin'], { product: 'bin/product.js' })
  equal(manifest['scripts'], undefined)
  equal(
    JSON.stringify(manifest['exports']),
    '{".":{"types":"./dist/mod.d.ts","default":"./dist/mod.js"},"./package.json":"./package.json"}',
  )
  throws(() => manifestOf({ ...input, externals: new Set(['left-pad']) }), /not a dependency/)
  equal(manifestOf({ ...input, externals: new Set() })['dependencies'], undefined)
})
