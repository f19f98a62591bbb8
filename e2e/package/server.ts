// The installed broker on free ports, by the program that `npx apogee` runs: npx itself does not pass signals on.
import { deepEqual, doesNotMatch } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { RunningProcess, temporaryFolder } from '../harness/processes.ts'
import { type NodeVersion, nodeEnvironment } from './tools.ts'

const START_LIMIT_MS = 60_000
/** pino's levels of errors: a broker can end with code 0 although its store did not close well. */
const ERROR_LINE = /"level":[56]0/
const FREE_PORTS = ['--port', '0', '--namesrv-port', '0', '--http-port', '0']

export interface InstalledServer extends AsyncDisposable {
  /** "host:port" of its NameServer. */
  readonly nameserver: string
}

/** Disposing ends it with SIGTERM and wants a clean exit, and a log without an error. */
export async function startInstalled(
  version: NodeVersion,
  folder: string,
  store: string = join(temporaryFolder('store'), 'store'),
): Promise<InstalledServer> {
  const run = temporaryFolder('run')
  const portsFile = join(run, 'ports.json')
  const logFile = join(run, 'log')
  const server = new RunningProcess({
    name: `apogee on Node ${version}`,
    command: join(folder, 'node_modules', '.bin', 'apogee'),
    args: ['start', ...FREE_PORTS, '--store', store, '--ports-file', portsFile],
    cwd: folder,
    env: await nodeEnvironment(version),
    logFile,
  })
  // The ports file is written before this line.
  await server.waitForLine(/boot success/, START_LIMIT_MS)
  const { namesrv } = JSON.parse(readFileSync(portsFile, 'utf8')) as { namesrv: number }
  return {
    nameserver: `127.0.0.1:${namesrv}`,
    async [Symbol.asyncDispose](): Promise<void> {
      const exit = await server.stop()
      const log = readFileSync(logFile, 'utf8')
      deepEqual(exit, { code: 0, signal: null }, log)
      doesNotMatch(log, ERROR_LINE)
    },
  }
}
