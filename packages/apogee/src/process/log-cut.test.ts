import { deepEqual, equal, ok } from 'node:assert/strict'
import { cpSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ApogeeProcess, testFolder } from '../testing/apogee-process.ts'
import { RawClient } from '../testing/raw-client.ts'

test('a slave whose log was cut starts anew in its process: same ports, same configuration, told in the log', async (t) => {
  const folder = testFolder(t)
  const client = new RawClient()
  t.after(() => client.close())
  const namesrv = await ApogeeProcess.serve(t, ['namesrv', '--port', '0'])
  const common = ['-n', `127.0.0.1:${namesrv.ports.namesrv}`, '--port', '0']
  const small = [
    'mappedFileSizeCommitLog=1048576',
    'messageIndexEnable=false',
    'haMetadataIntervalMs=100',
  ].flatMap((setting) => ['--set', setting])
  const store = join(folder, 'master')
  const startMaster = (): Promise<ApogeeProcess> =>
    ApogeeProcess.serve(t, ['broker', ...common, ...small, '--store', store])
  const conf = join(folder, 'slave.conf')
  writeFileSync(conf, 'brokerRole = SLAVE\nbrokerId = 1\nfileReservedTime = 48\n')
  const slaveStore = ['--store', join(folder, 'slave')]
  const all = async (run: ApogeeProcess): Promise<string[]> =>
    await client.pullAll(`127.0.0.1:${run.ports.broker}`, 'orders')
  const has = async (run: ApogeeProcess, wanted: string[]): Promise<void> => {
    const endMs = performance.now() + 20_000
    const isSo = async (): Promise<boolean> => (await all(run)).join() === wanted.join()
    while (!(await isSo()) && performance.now() < endMs) await sleep(20)
    deepEqual(await all(run), wanted)
  }

  let master = await startMaster()
  const slave = await ApogeeProcess.serve(t, [
    'broker',
    '-c',
    conf,
    ...common,
    ...small,
    ...slaveStore,
  ])
  const send = (body: string): Promise<unknown> =>
    client.send(`127.0.0.1:${master.ports.broker}`, 'orders', body)
  await send('kept')
  await has(slave, ['kept'])
  master.kill('SIGTERM')
  equal(await master.ended, 0)
  cpSync(store, join(folder, 'aside'), { recursive: true })
  master = await startMaster()
  await send('lost')
  await has(slave, ['kept', 'lost'])
  master.kill('SIGKILL')
  await master.ended
  rmSync(store, { recursive: true })
  cpSync(join(folder, 'aside'), store, { recursive: true })

  master = await startMaster()
  const { port } = await slave.event('broker_restarted')
  equal(port, slave.ports.broker)
  await send('new')
  await has(slave, ['kept', 'new'])
  equal(readdirSync(join(folder, 'slave', 'diverged')).length, 1)
  ok((await fetch(`http://127.0.0.1:${slave.ports.http}/readyz`)).ok)

  writeFileSync(conf, 'brokerRole = SLAVE\nbrokerId = 1\nfileReservedTime = 12\n')
  slave.kill('SIGHUP')
  deepEqual((await slave.event('config_reloaded'))['changes'], { fileReservedTime: '12' })
  slave.kill('SIGTERM')
  equal(await slave.ended, 0)
  equal(slave.events('shutdown_finished')[0]!['clean'], true)
})
