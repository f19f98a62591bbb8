import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { unsupportedRole } from '../broker-role.ts'
import { BrokerConfig } from '../config/broker-config.ts'
import { haMasterOptions, haSlaveOptions } from './ha-options.ts'

// The files that Apache ships in conf/2m-noslave, 2m-2s-async and 2m-2s-sync, which differ in these three lines.

const SHIPPED: readonly (readonly [file: string, name: string, id: string, role: string])[] = [
  ['2m-noslave/broker-a.properties', 'broker-a', '0', 'ASYNC_MASTER'],
  ['2m-noslave/broker-b.properties', 'broker-b', '0', 'ASYNC_MASTER'],
  ['2m-noslave/broker-trace.properties', 'broker-trace', '0', 'ASYNC_MASTER'],
  ['2m-2s-async/broker-a.properties', 'broker-a', '0', 'ASYNC_MASTER'],
  ['2m-2s-async/broker-a-s.properties', 'broker-a', '1', 'SLAVE'],
  ['2m-2s-async/broker-b.properties', 'broker-b', '0', 'ASYNC_MASTER'],
  ['2m-2s-async/broker-b-s.properties', 'broker-b', '1', 'SLAVE'],
  ['2m-2s-sync/broker-a.properties', 'broker-a', '0', 'SYNC_MASTER'],
  ['2m-2s-sync/broker-a-s.properties', 'broker-a', '1', 'SLAVE'],
  ['2m-2s-sync/broker-b.properties', 'broker-b', '0', 'SYNC_MASTER'],
  ['2m-2s-sync/broker-b-s.properties', 'broker-b', '1', 'SLAVE'],
]

type Loaded = ReturnType<typeof BrokerConfig.from>

function from(entries: Record<string, string>): Loaded {
  return BrokerConfig.from(new Map(Object.entries(entries)), { home: '/home/me' })
}

test("all of Apache's files for masters and slaves are taken whole, without a word", () => {
  for (const [file, brokerName, brokerId, brokerRole] of SHIPPED) {
    const { config, problems } = from({
      brokerClusterName: 'DefaultCluster',
      brokerName,
      brokerId,
      deleteWhen: '04',
      fileReservedTime: '48',
      brokerRole,
      flushDiskType: 'ASYNC_FLUSH',
    })
    deepEqual(problems, [], file)
    equal(unsupportedRole(config), null, file)
    equal(config.values.brokerRole, brokerRole)
  }
})

test('a synchronous master waits for one slave without being told to; others wait for none', () => {
  const sync = from({ brokerRole: 'SYNC_MASTER' }).config.values
  equal(haMasterOptions(sync).inSyncReplicas, 2)
  const asked = from({ brokerRole: 'SYNC_MASTER', inSyncReplicas: '1' }).config.values
  equal(haMasterOptions(asked).inSyncReplicas, 1)
  equal(haMasterOptions(from({ inSyncReplicas: '3' }).config.values).inSyncReplicas, 1)
})

test('a role that contradicts the brokerId is refused, and so is what this version has not', () => {
  const problemOf = (entries: Record<string, string>): string | null => {
    const found = unsupportedRole(from(entries).config)
    return found === null ? null : `${found.code} ${found.key}=${found.value}`
  }
  equal(problemOf({ brokerRole: 'SLAVE' }), 'BROKER_ROLE_INVALID brokerId=0')
  equal(problemOf({ brokerId: '1' }), 'BROKER_ROLE_INVALID brokerId=1')
  equal(problemOf({ brokerRole: 'SYNC_MASTER', brokerId: '2' }), 'BROKER_ROLE_INVALID brokerId=2')
  equal(problemOf({ brokerRole: 'SLAVE', brokerId: '2' }), null)
  const dledger = problemOf({ enableDLegerCommitLog: 'true', brokerRole: 'SLAVE' })
  equal(dledger, 'BROKER_ROLE_UNSUPPORTED enableDLegerCommitLog=true')
  equal(
    problemOf({ enableControllerMode: 'true' }),
    'BROKER_ROLE_UNSUPPORTED enableControllerMode=true',
  )
})

test('the shared secret is in use, and shown to nobody', () => {
  const secret = 'swordfish'
  const { config } = from({ haSharedSecret: secret })
  equal(haMasterOptions(config.values).sharedSecret, secret)
  equal(haSlaveOptions(config.values).sharedSecret, secret)
  equal(config.dump().get('haSharedSecret'), '******')
  equal(from({}).config.dump().get('haSharedSecret'), '')
  const refused = config.update(new Map([['haSharedSecret', secret]]))
  equal(refused[0]?.code, 'CONFIG_NOT_RELOADABLE')
  const misspelt = from({ haSharedSecre: secret }).problems
  equal(misspelt[0]?.suggestion, 'haSharedSecret')
  for (const text of [refused, misspelt, [...config.dump()]]) {
    ok(!JSON.stringify(text).includes(secret), JSON.stringify(text))
  }
})

test('peers, limits and the port come from their keys', () => {
  const { config, problems } = from({
    haAllowedPeers: '10.0.0.0/8; ::1,,192.168.1.7 ',
    haFlowControlEnable: 'true',
    maxHaTransferByteInSecond: '4096',
    listenPort: '20911',
  })
  deepEqual(problems, [])
  const options = haMasterOptions(config.values)
  deepEqual(options.allowedPeers, ['10.0.0.0/8', '::1', '192.168.1.7'])
  equal(options.bytesPerSecondMax, 4096)
  equal(options.port, 20_912)
  const any = from({ listenPort: '0' }).config.values
  equal(haMasterOptions(any).port, 0)
  equal(haMasterOptions(any).bytesPerSecondMax, Number.POSITIVE_INFINITY)
  deepEqual(haMasterOptions(any).allowedPeers, ['127.0.0.0/8', '::1'])
})
