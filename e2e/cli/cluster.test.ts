// `apogee cluster status -o json` follows its schema, while nodes run, after one was killed, and when all have stopped.
import { deepEqual, equal } from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { temporaryFolder } from '../harness/processes.ts'
import { bin } from './cli-target.ts'
import { schemaProblems } from './json-schema.ts'

const dir = join(temporaryFolder('cli-cluster'), 'cluster')
const BASE_PORT = '24500'

interface Run {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

function cluster(...words: string[]): Promise<Run> {
  const args = [bin, 'cluster', ...words, '--dir', dir]
  return new Promise((resolve) => {
    execFile(process.execPath, args, (error, stdout, stderr) => {
      resolve({ code: Number(error?.code ?? 0), stdout, stderr })
    })
  })
}

after(() => cluster('stop'))

async function states(): Promise<string[]> {
  const { code, stdout, stderr } = await cluster('status', '-o', 'json')
  equal(code, 0, stderr)
  const value = JSON.parse(stdout) as { items: { node: string; state: string }[] }
  deepEqual(schemaProblems('cluster', value), [], stdout)
  return value.items.map(({ node, state }) => `${node} ${state}`)
}

test('the status of a cluster on this machine follows its schema', async () => {
  const shape = ['--mode', 'async-replica', '--masters', '1', '--base-port', BASE_PORT]
  const started = await cluster(...shape, '--detach')
  equal(started.code, 0, started.stderr)
  deepEqual(await states(), ['namesrv-1 running', 'broker-a running', 'broker-a-1 running'])
  equal((await cluster('kill', 'broker-a')).code, 0)
  deepEqual(await states(), ['namesrv-1 running', 'broker-a killed', 'broker-a-1 running'])
  equal((await cluster('stop')).code, 0)
  deepEqual(await states(), ['namesrv-1 stopped', 'broker-a stopped', 'broker-a-1 stopped'])
})
