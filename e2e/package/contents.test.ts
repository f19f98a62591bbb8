import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { mustRun } from '../harness/processes.ts'
import { builtPackages } from './built.ts'
import { toolProgram } from './tools.ts'

const LIMIT_MS = 120_000

interface PackageJson {
  name: string
  version: string
  type: string
  scripts?: object
  bin?: Record<string, string>
  engines: { node: string }
  dependencies?: Record<string, string>
  exports: Record<string, unknown>
}

for (const { name, folder, packed } of builtPackages()) {
  describe(name, () => {
    const text = (path: string): string => readFileSync(join(folder, path), 'utf8')
    const manifest = JSON.parse(text('package.json')) as PackageJson

    test('publint has nothing to say', async () => {
      const args = ['run', folder, '--strict', '--pack', 'npm']
      const said = await mustRun({
        command: await toolProgram('publint'),
        args,
        timeoutMs: LIMIT_MS,
      })
      match(said, /All good/)
    })

    test('attw finds its types wherever modules are', async () => {
      const args = [packed.file, '--profile', 'esm-only', '--no-color', '--no-emoji']
      const said = await mustRun({ command: await toolProgram('attw'), args, timeoutMs: LIMIT_MS })
      match(said, /node16 \(from ESM\)[^\n]*OK \(ESM\)/)
    })

    test('nothing runs at install, and the manifest says for whom it is', () => {
      equal(manifest.name, name)
      equal(manifest.scripts, undefined)
      equal(manifest.type, 'module')
      equal(manifest.engines.node, '>=22.15')
      for (const range of Object.values(manifest.dependencies ?? {}))
        match(range, /^\d+\.\d+\.\d+$/)
    })

    test('only what users need is inside', () => {
      const places =
        /^(?:(?:dist|lib)\/.+\.(?:js|d\.ts)|bin\/\w+\.js|conf\/[\w-]+\.conf|package\.json|README\.md|LICENSE|CHANGELOG\.md)$/
      deepEqual(
        packed.paths.filter((path) => !places.test(path)),
        [],
      )
      const tests = /\.test\.|(?:^|\/)(?:testing|testdata)\/|fixture/
      deepEqual(
        packed.paths.filter((path) => tests.test(path)),
        [],
      )
      for (const path of [
        'package.json',
        'README.md',
        'LICENSE',
        'CHANGELOG.md',
        'dist/mod.d.ts',
      ]) {
        ok(packed.paths.includes(path), `${path} is missing`)
      }
    })

    test('no file of the workspace and no source is named', () => {
      const statement = /^(?:import|export)\b[^;'"`]*?\bfrom ['"]([^'"]+)['"]/gm
      for (const path of packed.paths.filter((one) => /\.(?:js|d\.ts)$/.test(one))) {
        for (const [, specifier] of text(path).matchAll(statement)) {
          const fine = /^(?:\.{1,2}\/.+\.js|node:[\w/]+|(?!@apogee\/)[@\w][\w./-]*)$/.test(
            specifier!,
          )
          ok(fine, `${path} imports ${specifier}`)
        }
      }
    })
  })
}

test('the client depends on nothing', () => {
  const client = builtPackages().find(({ name }) => name === '@apogee/client')
  ok(client !== undefined)
  const text = readFileSync(join(client.folder, 'package.json'), 'utf8')
  equal((JSON.parse(text) as PackageJson).dependencies, undefined)
})
