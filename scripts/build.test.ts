import { deepEqual, equal, throws } from 'node:assert/strict'
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
  bins: {},
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

test('the own code goes to dist, what it needs of the others to lib, nothing else anywhere', (t) => {
  const { files, externals } = assembled(t, {
    'product/src/mod.js': `/** import { a } from '@apogee/base' */\nexport { a } from '@apogee/base'\n`,
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
    'lib/base/deep/a.js',
    'lib/base/mod.js',
    'lib/env/node/mod.js',
  ])
  equal(
    files.get('dist/mod.js'),
    `/** import { a } from '@apogee/base' */\nexport { a } from '../lib/base/mod.js'\n`,
  )
  equal(
    files.get('lib/env/node/mod.js'),
    `import { a } from "../../base/mod.js"\nimport 'node:fs'\n`,
  )
  deepEqual([...externals].sort(), ['@s/p', 'pino'])
})

test('declarations follow types alone, and name .js files', (t) => {
  const { files } = assembled(t, {
    'product/src/mod.d.ts': `import type { A } from './a.ts'\nexport declare const x: import("@apogee/base").B\n`,
    'product/src/a.d.ts': `export interface A {}\n`,
    'product/src/a.js': EMPTY,
    'base/src/mod.d.ts': `export interface B {}\n`,
  })
  equal(
    files.get('dist/mod.d.ts'),
    `/// <reference types="node" />\nimport type { A } from './a.js'\nexport declare const x: import("../lib/base/mod.js").B\n`,
  )
  equal(files.has('dist/a.d.ts'), true)
  equal(files.has('dist/a.js'), false)
})

test('workers and manifests named at run time are found in their new places', (t) => {
  const { files } = assembled(t, {
    'product/src/main.js':
      `import { createRequire } from 'node:module'\n` +
      `createRequire(import.meta.url)('../package.json')\n` +
      `new Worker(new URL('./worker.ts', import.meta.url))\n` +
      `const suffix = import.meta.url.endsWith('.ts') ? 'ts' : 'js'\n` +
      `new Worker(new URL(\`./other-worker.\${suffix}\`, import.meta.url))\n`,
    'product/src/worker.js': EMPTY,
    'product/src/other-worker.js': EMPTY,
    'product/src/process/deep.js': EMPTY,
  })
  const text = files.get('dist/main.js') ?? ''
  equal(text.includes(`createRequire(import.meta.url)('../package.json')`), true)
  equal(text.includes(`new URL('./worker.js', import.meta.url)`), true)
  equal(files.has('dist/worker.js') && files.has('dist/other-worker.js'), true)
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
    published: { ...published, bins: { product: 'bin/product.js' } },
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
