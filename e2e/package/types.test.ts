import { equal, match, notEqual } from 'node:assert/strict'
import { cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import { runCommand } from '../harness/processes.ts'
import { installed } from './built.ts'
import { compilerProgram, compilerVersions, toolsFolder } from './tools.ts'

const LIMIT_MS = 120_000
const assertions = ['./types/messages.ts', './types/consumers.ts', './types/errors.ts']
const helper = './types/expect-type.ts'

const resolutions = {
  nodenext: { module: 'nodenext', moduleResolution: 'nodenext' },
  bundler: { module: 'esnext', moduleResolution: 'bundler' },
} as const

/** A project that has installed both packages, as a user's: strict, and with the declarations of others checked too. */
async function consumerProject(): Promise<string> {
  const folder = await installed('26', ['apogee', '@apogee/client'])
  // Types of Node as a user would have them, beside what was installed.
  const types = join(folder, 'node_modules', '@types')
  mkdirSync(types, { recursive: true })
  const tools = join(await toolsFolder(), 'node_modules')
  rmSync(join(types, 'node'), { recursive: true, force: true })
  symlinkSync(join(tools, '@types', 'node'), join(types, 'node'))
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }))
  for (const file of [...assertions, helper]) {
    cpSync(join(import.meta.dirname, file), join(folder, file))
  }
  return folder
}

function configuration(
  folder: string,
  name: string,
  options: object,
  files: readonly string[],
): string {
  const compilerOptions = {
    target: 'es2024',
    lib: ['es2024', 'esnext.disposable'],
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
    noEmit: true,
    allowImportingTsExtensions: true,
    types: [],
    ...options,
  }
  const file = join(folder, `${name}.json`)
  writeFileSync(file, JSON.stringify({ compilerOptions, files }))
  return file
}

for (const version of compilerVersions) {
  describe(`TypeScript ${version}`, () => {
    let folder: string
    before(async () => {
      folder = await consumerProject()
    })
    const compile = async (project: string) => {
      const compiler = await compilerProgram(version)
      const args = [compiler, '-p', project, '--pretty', 'false']
      return runCommand({ command: process.execPath, args, cwd: folder, timeoutMs: LIMIT_MS })
    }

    for (const [name, options] of Object.entries(resolutions)) {
      test(`what may be written compiles, what may not does not (${name})`, async () => {
        const { code, stdout } = await compile(configuration(folder, name, options, assertions))
        equal(stdout, '')
        equal(code, 0)
      })
    }

    test('an assertion that does not hold is an error', async () => {
      const wrong = './types/wrong.ts'
      writeFileSync(
        join(folder, wrong),
        `import type { SendResult } from '@apogee/client'
import { expectType } from './expect-type.ts'
export function f(result: SendResult): void {
  expectType<string>()(result.queueOffset)
  expectType<any>()(result.queueOffset)
  // @ts-expect-error: nothing is wrong here
  expectType<number>()(result.queueOffset)
}
`,
      )
      const options = resolutions.nodenext
      const { code, stdout } = await compile(configuration(folder, 'wrong', options, [wrong]))
      notEqual(code, 0)
      match(stdout, /wrong\.ts\(4,/)
      match(stdout, /wrong\.ts\(5,/)
      match(stdout, /wrong\.ts\(6,.*TS2578/)
    })
  })
}
