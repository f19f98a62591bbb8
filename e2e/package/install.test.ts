import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { mustRun, RunningProcess, runCommand, temporaryFolder } from '../harness/processes.ts'
import { builtPackage, installed, type PublishedName, placeProgram } from './built.ts'
import { type NodeVersion, nodeEnvironment, nodeVersions } from './tools.ts'

const LIMIT_MS = 60_000
const names: readonly PublishedName[] = ['apogee', '@apogee/client']

interface Tree {
  dependencies?: Record<string, Tree>
}

interface Ports {
  namesrv: number
  broker: number
}

for (const version of nodeVersions) {
  describe(`Node ${version}`, () => {
    const folders = new Map<PublishedName, string>()
    let env: Record<string, string>
    before(async () => {
      env = await nodeEnvironment(version)
      const said = await mustRun({ command: 'node', args: ['-v'], env, timeoutMs: LIMIT_MS })
      match(said, new RegExp(`^v${version}\\.`))
      for (const name of names) folders.set(name, await installed(version, [name]))
    })
    const inFolder = (name: PublishedName, command: string, ...args: string[]): Promise<string> =>
      mustRun({ command, args, cwd: folders.get(name)!, env, timeoutMs: LIMIT_MS })

    for (const name of names) {
      test(`${name} can be imported and required, without a word`, async () => {
        const list = `console.log(JSON.stringify(Object.keys(all).sort()))`
        const importing = `import * as all from '${name}'; ${list}`
        const requiring = `const all = require('${name}'); ${list}`
        const run = (type: string, code: string) =>
          runCommand({
            command: 'node',
            args: [`--input-type=${type}`, '-e', code],
            cwd: folders.get(name)!,
            env,
            timeoutMs: LIMIT_MS,
          })
        const imported = await run('module', importing)
        deepEqual({ code: imported.code, stderr: imported.stderr }, { code: 0, stderr: '' })
        const required = await run('commonjs', requiring)
        deepEqual({ code: required.code, stderr: required.stderr }, { code: 0, stderr: '' })
        equal(required.stdout, imported.stdout)
        ok((JSON.parse(imported.stdout) as string[]).length > 0)
      })
    }

    test('the client brings nothing else', async () => {
      const said = await inFolder('@apogee/client', 'npm', 'ls', '--all', '--omit=dev', '--json')
      const tree = JSON.parse(said) as Tree
      deepEqual(Object.keys(tree.dependencies ?? {}), ['@apogee/client'])
      equal(tree.dependencies?.['@apogee/client']?.dependencies, undefined)
    })

    test('the program says its version and helps, under all its names', async () => {
      const { version: wanted } = JSON.parse(
        readFileSync(join(builtPackage('apogee').folder, 'package.json'), 'utf8'),
      ) as { version: string }
      equal((await inFolder('apogee', 'npx', 'apogee', '--version')).trim(), wanted)
      match(await inFolder('apogee', 'npx', 'apogee', 'start', '--help'), /--ports-file/)
      match(await inFolder('apogee', 'npx', 'mqbroker', '--help'), /Usage/)
      match(await inFolder('apogee', 'npx', 'mqnamesrv', '--help'), /Usage/)
    })

    test('messages go through a broker that npx started, with the client that was installed', async () => {
      await using server = await startServer(version, folders.get('apogee')!)
      placeProgram(folders.get('@apogee/client')!, 'round-trip.mjs')
      const address = `127.0.0.1:${server.ports.namesrv}`
      const said = await inFolder('@apogee/client', 'node', 'round-trip.mjs', address)
      match(said, /20 of 20 messages came back/)
    })

    test('startCluster() of the installed package takes and gives messages', async () => {
      placeProgram(folders.get('apogee')!, 'embedded.mjs')
      match(await inFolder('apogee', 'node', 'embedded.mjs'), /20 of 20 messages came back/)
    })

    test('a store on disk is written through the worker and read after a restart', async () => {
      const store = temporaryFolder('store')
      const folder = folders.get('apogee')!
      placeProgram(folders.get('@apogee/client')!, 'many-queues.mjs')
      {
        await using server = await startServer(version, folder, store)
        const address = `127.0.0.1:${server.ports.namesrv}`
        match(await inFolder('@apogee/client', 'node', 'many-queues.mjs', address), /stored/)
      }
      await using server = await startServer(version, folder, store)
      ok(server.ports.broker > 0)
      ok(existsSync(join(store, 'commitlog')))
    })
  })
}

interface Server extends AsyncDisposable {
  readonly ports: Ports
}

/** `npx apogee start` on free ports; disposing ends it with SIGTERM and asks for a clean exit. */
async function startServer(
  version: NodeVersion,
  folder: string,
  store = join(temporaryFolder('store'), 'store'),
): Promise<Server> {
  const run = temporaryFolder('run')
  const portsFile = join(run, 'ports.json')
  const server = new RunningProcess({
    name: `apogee on Node ${version}`,
    command: 'npx',
    args: [
      ...['apogee', 'start', '--port', '0', '--namesrv-port', '0', '--http-port', '0'],
      ...['--store', store, '--ports-file', portsFile, '--log-format', 'json'],
    ],
    cwd: folder,
    env: await nodeEnvironment(version),
    logFile: join(run, 'log'),
  })
  await server.waitForLine(/boot success/, LIMIT_MS)
  for (let wait = 0; !existsSync(portsFile) && wait < 100; wait++) await sleep(20)
  const ports = JSON.parse(readFileSync(portsFile, 'utf8')) as Ports
  return {
    ports,
    async [Symbol.asyncDispose](): Promise<void> {
      const exit = await server.stop()
      deepEqual(exit, { code: 0, signal: null }, readFileSync(join(run, 'log'), 'utf8'))
    },
  }
}
