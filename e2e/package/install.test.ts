import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import { type CommandResult, mustRun, runCommand, temporaryFolder } from '../harness/processes.ts'
import { builtPackage, installed, type PublishedName, placeProgram } from './built.ts'
import { startInstalled } from './server.ts'
import { type NodeVersion, nodeEnvironment, nodeVersions } from './tools.ts'

const LIMIT_MS = 60_000
const names: readonly PublishedName[] = ['apogee', '@apogee/client']

interface Tree {
  /** Missing of an optional peer that is not there. */
  version?: string
  dependencies?: Record<string, Tree>
}

/** Somebody who has installed each package into an empty folder. */
class User {
  readonly version: NodeVersion
  readonly #folders = new Map<PublishedName, string>()

  constructor(version: NodeVersion) {
    this.version = version
  }

  async install(): Promise<void> {
    const env = await nodeEnvironment(this.version)
    const said = await mustRun({ command: 'node', args: ['-v'], env, timeoutMs: LIMIT_MS })
    match(said, new RegExp(`^v${this.version}\\.`))
    for (const name of names) this.#folders.set(name, await installed(this.version, [name]))
  }

  folder(name: PublishedName): string {
    return this.#folders.get(name)!
  }

  async run(name: PublishedName, command: string, ...args: string[]): Promise<CommandResult> {
    const env = await nodeEnvironment(this.version)
    return runCommand({ command, args, cwd: this.folder(name), env, timeoutMs: LIMIT_MS })
  }

  /** What a command prints that succeeds and does not complain. */
  async says(name: PublishedName, command: string, ...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(name, command, ...args)
    deepEqual({ code, stderr }, { code: 0, stderr: '' }, `${command} ${args.join(' ')}: ${stdout}`)
    return stdout
  }
}

function importTest(user: User, name: PublishedName): void {
  test(`${name} can be imported and required, without a word`, async () => {
    const list = `console.log(JSON.stringify(Object.keys(all).sort()))`
    const importing = `import * as all from '${name}'; ${list}`
    const requiring = `const all = require('${name}'); ${list}`
    const imported = await user.says(name, 'node', '--input-type=module', '-e', importing)
    const required = await user.says(name, 'node', '--input-type=commonjs', '-e', requiring)
    equal(required, imported)
    ok((JSON.parse(imported) as string[]).length > 0)
  })
}

function treeTest(user: User): void {
  test('the client brings nothing else', async () => {
    const args = ['ls', '--all', '--omit=dev', '--json']
    const { code, stdout } = await user.run('@apogee/client', 'npm', ...args)
    equal(code, 0)
    const tree = JSON.parse(stdout) as Tree
    deepEqual(Object.keys(tree.dependencies ?? {}), ['@apogee/client'])
    const below = Object.values(tree.dependencies?.['@apogee/client']?.dependencies ?? {})
    deepEqual(
      below.filter(({ version }) => version !== undefined),
      [],
    )
  })
}

function programTest(user: User): void {
  test('the program says its version and helps, under all its names', async () => {
    const manifest = readFileSync(join(builtPackage('apogee').folder, 'package.json'), 'utf8')
    const { version } = JSON.parse(manifest) as { version: string }
    const run = async (...args: string[]): Promise<string> => {
      const { code, stdout } = await user.run('apogee', 'npx', ...args)
      equal(code, 0)
      return stdout
    }
    equal((await run('apogee', '--version')).trim(), version)
    match(await run('apogee', 'start', '--help'), /--ports-file/)
    match(await run('mqbroker', '--help'), /Usage/)
    match(await run('mqnamesrv', '--help'), /Usage/)
    match(await run('mqadmin', '--help'), /topicList/)
  })
}

function messageTests(user: User): void {
  test('messages go through the installed broker, with the installed client', async () => {
    await using server = await startInstalled(user.version, user.folder('apogee'))
    placeProgram(user.folder('@apogee/client'), 'round-trip.mjs')
    const said = await user.says('@apogee/client', 'node', 'round-trip.mjs', server.nameserver)
    match(said, /20 of 20 messages came back/)
    const topics = ['mqadmin', 'topicList', '-n', server.nameserver]
    match((await user.run('apogee', 'npx', ...topics)).stdout, /package-test/)
  })

  test('startCluster() of the installed package takes and gives messages', async () => {
    placeProgram(user.folder('apogee'), 'embedded.mjs')
    match(await user.says('apogee', 'node', 'embedded.mjs'), /20 of 20 messages came back/)
  })

  test('a store that was written through the worker thread is opened again', async () => {
    const store = temporaryFolder('store')
    placeProgram(user.folder('@apogee/client'), 'many-queues.mjs')
    {
      await using server = await startInstalled(user.version, user.folder('apogee'), store)
      const said = await user.says('@apogee/client', 'node', 'many-queues.mjs', server.nameserver)
      match(said, /stored/)
    }
    ok(existsSync(join(store, 'commitlog')))
    await using server = await startInstalled(user.version, user.folder('apogee'), store)
    ok(server.nameserver.length > 0)
  })
}

for (const version of nodeVersions) {
  describe(`Node ${version}`, () => {
    const user = new User(version)
    before(() => user.install())
    for (const name of names) importTest(user, name)
    treeTest(user)
    programTest(user)
    messageTests(user)
  })
}
