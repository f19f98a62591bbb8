import { deepEqual, equal } from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { ResponseCode } from '@apogee/protocol'
import { ApogeeProcess, testFolder } from '../testing/apogee-process.ts'
import { RawClient } from '../testing/raw-client.ts'

// The clusters of two masters that Apache's distribution has files for. All of these say the same seven things; the broker
// of 2m-noslave that is meant for traces says one more.

type Shape = readonly (readonly [
  file: string,
  brokerName: string,
  brokerId: number,
  role: string,
])[]

const NO_SLAVE: Shape = [
  ['broker-a.properties', 'broker-a', 0, 'ASYNC_MASTER'],
  ['broker-b.properties', 'broker-b', 0, 'ASYNC_MASTER'],
  ['broker-trace.properties', 'broker-trace', 0, 'ASYNC_MASTER'],
]

function withSlaves(role: string): Shape {
  return [
    ['broker-a.properties', 'broker-a', 0, role],
    ['broker-b.properties', 'broker-b', 0, role],
    ['broker-a-s.properties', 'broker-a', 1, 'SLAVE'],
    ['broker-b-s.properties', 'broker-b', 1, 'SLAVE'],
  ]
}

function textOf([file, brokerName, brokerId, role]: Shape[number]): string {
  const lines = [
    '',
    'brokerClusterName=DefaultCluster',
    `brokerName=${brokerName}`,
    `brokerId=${brokerId}`,
    'deleteWhen=04',
    'fileReservedTime=48',
    `brokerRole=${role}`,
    'flushDiskType=ASYNC_FLUSH',
    ...(file === 'broker-trace.properties' ? ['autoTraceBrokerEnable=true'] : []),
  ]
  return `${lines.join('\n')}\n`
}

/** Starts each file as it is; only where it listens, where it stores and whom it tells are said besides. */
async function start(t: TestContext, shape: Shape): Promise<Map<string, ApogeeProcess>> {
  const folder = testFolder(t)
  const namesrv = await ApogeeProcess.serve(t, ['namesrv', '--port', '0'])
  const running = new Map([['namesrv', namesrv]])
  for (const one of shape) {
    const [file] = one
    const path = join(folder, file)
    writeFileSync(path, textOf(one))
    const place = ['-n', `127.0.0.1:${namesrv.ports.namesrv}`, '--port', '0']
    const store = ['--store', join(folder, `${file}.store`)]
    running.set(file, await ApogeeProcess.serve(t, ['broker', '-c', path, ...place, ...store]))
  }
  return running
}

const portOf = (run: ApogeeProcess | undefined): string => `127.0.0.1:${run?.ports.broker}`

test("Apache's 2m-noslave starts unchanged", async (t) => {
  const running = await start(t, NO_SLAVE)
  const client = new RawClient()
  t.after(() => client.close())
  for (const [file, , , role] of NO_SLAVE) {
    const run = running.get(file)
    equal((await client.send(portOf(run), 'orders', file)).code, ResponseCode.SUCCESS, role)
    const known = run!.events('config_problem').map((line) => line['key'])
    deepEqual(known, file === 'broker-trace.properties' ? ['autoTraceBrokerEnable'] : [], file)
  }
})

for (const [name, role] of [
  ['2m-2s-async', 'ASYNC_MASTER'],
  ['2m-2s-sync', 'SYNC_MASTER'],
] as const) {
  test(`Apache's ${name} starts unchanged, and slaves find their masters`, async (t) => {
    const running = await start(t, withSlaves(role))
    const client = new RawClient()
    t.after(() => client.close())
    for (const broker of ['broker-a', 'broker-b']) {
      const slave = running.get(`${broker}-s.properties`)!
      await slave.event('ha_follows')
      deepEqual(slave.events('config_problem'), [])
      const master = portOf(running.get(`${broker}.properties`))
      equal((await client.send(master, 'orders', broker)).code, ResponseCode.SUCCESS)
      const refused = await client.send(portOf(slave), 'orders', broker)
      equal(refused.code, ResponseCode.SERVICE_NOT_AVAILABLE)
    }
  })
}
