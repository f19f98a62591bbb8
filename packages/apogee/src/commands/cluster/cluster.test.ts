import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ApogeeProcess, runToEnd, testFolder } from '../../testing/apogee-process.ts'
import { RawClient } from '../../testing/raw-client.ts'
import type { NodeStatus } from './cluster-status.ts'
import { readNodes } from './node-folders.ts'
import { NodeProcess } from './node-process.ts'

interface Run {
  readonly code: number | NodeJS.Signals
  readonly text: string
}

/** A folder whose cluster is gone when the test is over, whatever happened. */
function clusterFolder(t: TestContext): {
  dir: string
  run: (...words: string[]) => Promise<Run>
  status: () => Promise<NodeStatus[]>
} {
  let dir = ''
  // Before the folder goes, which tells who runs.
  t.after(async () => {
    const processes = readNodes(dir).map((node) => new NodeProcess(node))
    await Promise.all(processes.filter(({ pid }) => pid !== null).map((one) => one.kill()))
  })
  dir = join(testFolder(t), 'cluster')
  const run = (...words: string[]): Promise<Run> => runToEnd(['cluster', ...words, '--dir', dir])
  const status = async (): Promise<NodeStatus[]> => {
    const { text } = await run('status', '-o', 'json')
    return (JSON.parse(text) as { items: NodeStatus[] }).items
  }
  return { dir, run, status }
}

/** Below the ports that systems give away; tests of other processes run beside this one. */
function basePort(): string {
  return String(21_000 + (process.pid % 100) * 100)
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + 20_000
  while (!(await isSo())) {
    ok(performance.now() < endMs, 'it did not come to that')
    await sleep(50)
  }
}

const seen = (items: readonly NodeStatus[]): string[] =>
  items.map(({ inSync, node, role, serves, state }) =>
    [node, role, state, ...(inSync === null ? [] : [`inSync=${inSync}`]), ...serves].join(' '),
  )

test('a detached cluster of double writes stays, loses a master, gets it back, and stops in order', async (t) => {
  const { dir, run, status } = clusterFolder(t)
  const shape = ['--mode', 'sync-replica', '--masters', '1', '--base-port', basePort()]
  const started = await run(...shape, '--set', 'slaveTimeout=1000', '--detach')
  equal(started.code, 0, started.text)
  deepEqual(seen(await status()), [
    'namesrv-1 NAMESRV running',
    'broker-a SYNC_MASTER running write read',
    'broker-a-1 SLAVE running inSync=true',
  ])
  match(readFileSync(join(dir, 'broker-a', 'broker.conf'), 'utf8'), /^slaveTimeout = 1000$/m)
  const [, master, slave] = await status()
  const client = new RawClient()
  equal((await client.send(master!.address, 'orders', 'both')).code, 0)
  // The topic is as new as the message, and comes to the slave with the next look at its master's tables.
  await until(async () => (await client.pullAll(slave!.address, 'orders')).length > 0)

  equal((await run('kill', 'broker-a')).code, 0)
  deepEqual(seen(await status()).slice(1), [
    'broker-a SYNC_MASTER killed',
    'broker-a-1 SLAVE running read',
  ])
  deepEqual(await client.pullAll(slave!.address, 'orders'), ['both'])
  match((await run('kill', 'broker-a')).text, /broker-a does not run \[CLUSTER_NODE_STATE\]/)

  equal((await run('start', 'broker-a')).code, 0)
  equal((await client.send(master!.address, 'orders', 'again')).code, 0)
  const [, again, copy] = await status()
  deepEqual([copy?.offset, copy?.lag, copy?.inSync], [again?.offset, 0, true])
  ok(again!.offset! > 0)
  await client.close()

  equal((await run('stop')).code, 0)
  deepEqual(
    (await status()).map(({ state }) => state),
    ['stopped', 'stopped', 'stopped'],
  )
  const log = readFileSync(join(dir, 'broker-a', 'broker.log'), 'utf8')
  match(log, /"event":"shutdown_finished","clean":true/)
  equal(existsSync(join(dir, 'broker-a', 'pid')), false)
})

test('in the foreground a signal ends all nodes; what is in the folder starts again as it is', async (t) => {
  const { dir, run, status } = clusterFolder(t)
  const first = ['cluster', 'start', '--mode', 'multi-master', '--base-port', basePort()]
  const command = new ApogeeProcess([...first, '--dir', dir])
  t.after(() => command.kill('SIGKILL'))
  const line = await command.event('boot_success')
  match(String(line['msg']), /cluster multi-master boot success, ready in \d+ ms/)
  equal((await run('pause', 'broker-b')).code, 0)
  deepEqual(seen(await status()).slice(1), [
    'broker-a ASYNC_MASTER running write read',
    'broker-b ASYNC_MASTER paused',
  ])
  equal((await command.event('node_state'))['state'], 'paused')
  equal((await run('resume', 'broker-b')).code, 0)
  const twice = await run('start', 'broker-b')
  match(twice.text, /broker-b is running \[CLUSTER_NODE_STATE\]/)
  command.kill('SIGINT')
  equal(await command.ended, 0)
  deepEqual(seen(await status()), [
    'namesrv-1 NAMESRV stopped',
    'broker-a ASYNC_MASTER stopped',
    'broker-b ASYNC_MASTER stopped',
  ])

  const conf = join(dir, 'broker-b', 'broker.conf')
  writeFileSync(conf, `${readFileSync(conf, 'utf8')}# mine\n`)
  match((await run('start', '--mode', 'sync-replica')).text, /it is multi-master/)
  match((await run('start', '--masters', '3')).text, /--masters 3, but it is 2/)
  equal((await run('start', '--detach')).code, 0)
  match(readFileSync(conf, 'utf8'), /# mine\n$/)
  equal((await run('stop', 'broker-b')).code, 0)
  deepEqual(
    (await status()).map(({ state }) => state),
    ['running', 'running', 'stopped'],
  )
})

test('the nodes of a command in the foreground end when it is killed', async (t) => {
  const { dir, status } = clusterFolder(t)
  const words = ['cluster', 'start', '--mode', 'single', '--base-port', basePort(), '--dir', dir]
  const command = new ApogeeProcess(words)
  await command.event('boot_success')
  command.kill('SIGKILL')
  await command.ended
  await until(async () => (await status()).every(({ state }) => state !== 'running'))
})

test('a node that cannot start is told with its reason, and nothing is left running', async (t) => {
  const { dir, run, status } = clusterFolder(t)
  const shape = ['--mode', 'multi-master', '--base-port', basePort()]
  const { code, text } = await run(...shape, '--set', 'listenPort=many', '--detach')
  equal(code, 3, text)
  match(text, /broker-[ab]: .*cannot be used.* \[CLUSTER_NODE_FAILED\]\n {2}hint: its log: /)
  deepEqual(
    (await status()).map(({ state }) => state),
    ['stopped', 'stopped', 'stopped'],
  )
  ok(existsSync(join(dir, 'broker-a', 'broker.log')))
})

test('a pid file is believed only while it names the very process that was started', async (t) => {
  const { dir, run, status } = clusterFolder(t)
  const started = await run('--mode', 'single', '--base-port', basePort(), '--detach')
  equal(started.code, 0, started.text)
  const path = join(dir, 'broker-a', 'pid')
  const own = readFileSync(path, 'utf8')
  // Somebody else, as if he had been given the number of a broker that is gone.
  const stranger = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
  t.after(() => stranger.kill('SIGKILL'))
  writeFileSync(path, JSON.stringify({ ...JSON.parse(own), pid: stranger.pid }))
  try {
    equal((await status())[1]!.state, 'killed')
    match((await run('kill', 'broker-a')).text, /does not run/)
    match((await run('pause', 'broker-a')).text, /does not run/)
    equal((await run('stop', 'broker-a')).code, 0)
    deepEqual([stranger.exitCode, stranger.signalCode], [null, null])
  } finally {
    // Whatever was found: the broker itself runs, and must end with the test.
    writeFileSync(path, own)
  }
  equal((await status())[1]!.state, 'running')
})

test('modes, nodes and folders that there are not are told with what there is', async (t) => {
  const { run } = clusterFolder(t)
  const cases: [words: string[], code: number, text: RegExp][] = [
    [['start', '--mode', 'dledger'], 3, /no dledger clusters yet \[CLUSTER_MODE_UNSUPPORTED\]/],
    [['start'], 2, /there is no cluster in .* yet \[CLUSTER_OPTION_INVALID\]\n {2}hint: --mode/],
    [['start', '--mode', 'single', '--masters', '2'], 2, /single has one master/],
    [['start', '--mode', 'raft'], 2, /Allowed choices are single/],
    [['start', '--mode', 'single', '--base-port', '65535'], 2, /the last port would be/],
    [['status'], 3, /there is no cluster in .* \[CLUSTER_FOLDER\]/],
    [['stop', 'broker-a'], 3, /there is no cluster/],
    [['kill'], 2, /missing required argument 'node'/],
  ]
  for (const [words, code, text] of cases) {
    const result = await run(...words)
    equal(result.code, code, result.text)
    match(result.text, text)
  }
})
