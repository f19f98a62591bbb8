import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { BrokerConfig, configKey } from './broker-config.ts'
import { brokerConfigTable } from './config-table.ts'

const from = (entries: Record<string, string>): ReturnType<typeof BrokerConfig.from> =>
  BrokerConfig.from(new Map(Object.entries(entries)), { home: '/home/me', hostAddress: '10.0.0.7' })

test('the broker.conf that Apache ships is taken whole', () => {
  const { config, problems } = from({
    brokerClusterName: 'DefaultCluster',
    brokerName: 'broker-a',
    brokerId: '0',
    deleteWhen: '04',
    fileReservedTime: '48',
    brokerRole: 'ASYNC_MASTER',
    flushDiskType: 'ASYNC_FLUSH',
  })
  deepEqual(problems, [])
  equal(config.values.fileReservedTime, 48)
  equal(config.values.brokerIP1, '127.0.0.1')
  equal(config.values.storePathCommitLog, '/home/me/store/commitlog')
})

test('the table has every key once, and defaults that are values of their row', () => {
  const seen = new Set<string>()
  for (const row of brokerConfigTable) {
    ok(!seen.has(row.key), `twice: ${row.key}`)
    seen.add(row.key)
    ok(row.help.length > 0, row.key)
    if (typeof row.default === 'number' && row.effect === 'used') {
      ok(row.default >= row.min! && row.default <= row.max!, row.key)
    }
  }
  ok(seen.size > 400, String(seen.size))
})

test('no key that may change at runtime names a path, program, address or port', () => {
  const forbidden = /path|dir|home|addr|ip\d|port$|plugin|class|command|namesrv|whitelist/i
  for (const row of brokerConfigTable) {
    if (row.reloadable) ok(!forbidden.test(row.key), row.key)
  }
})

test('an unknown key is a warning with the key that was meant', () => {
  const { problems } = from({ brokerNam: 'x', flushDiskTyp: 'SYNC_FLUSH', zzzzqqqq: '1' })
  deepEqual(
    problems.map((problem) => [problem.code, problem.severity, problem.suggestion]),
    [
      ['CONFIG_UNKNOWN_KEY', 'warning', 'brokerName'],
      ['CONFIG_UNKNOWN_KEY', 'warning', 'flushDiskType'],
      ['CONFIG_UNKNOWN_KEY', 'warning', undefined],
    ],
  )
})

test('a bad value is an error and the default stays', () => {
  const { config, problems } = from({
    listenPort: '70000',
    fileReservedTime: 'soon',
    longPollingEnable: 'yes',
    flushDiskType: 'SYNC',
  })
  deepEqual(
    problems.map((problem) => problem.code),
    Array(4).fill('CONFIG_BAD_VALUE'),
  )
  equal(config.values.listenPort, 10911)
  equal(config.values.flushDiskType, 'ASYNC_FLUSH')
})

test('keys without effect are listed as such; a feature that is wanted but missing is a warning', () => {
  const { problems } = from({
    sendMessageThreadPoolNums: '16',
    aclEnable: 'true',
    enableDLegerCommitLog: 'false',
  })
  deepEqual(
    problems.map((problem) => [problem.code, problem.severity]),
    [
      ['CONFIG_KEY_IGNORED', 'info'],
      ['CONFIG_KEY_LATER', 'warning'],
      ['CONFIG_KEY_LATER', 'info'],
    ],
  )
})

test('a broker that listens everywhere tells clients the address of the machine', () => {
  equal(from({ bindAddress: '0.0.0.0' }).config.values.brokerIP1, '10.0.0.7')
  equal(from({ bindAddress: '10.1.1.1' }).config.values.brokerIP2, '10.1.1.1')
  equal(
    from({ bindAddress: '0.0.0.0', brokerIP1: 'b.example' }).config.values.brokerIP1,
    'b.example',
  )
  equal(from({ listenPort: '20911' }).config.values.haListenPort, 20912)
})

test('a change at runtime is made whole or not at all', () => {
  const { config } = from({})
  const heard: string[] = []
  config.onChange((keys) => heard.push(...keys))
  deepEqual(config.update(new Map([['fileReservedTime', '10']])), [])
  equal(config.values.fileReservedTime, 10)
  const problems = config.update(
    new Map([
      ['fileReservedTime', '20'],
      ['storePathRootDir', '/etc'],
    ]),
  )
  equal(problems[0]?.code, 'CONFIG_NOT_RELOADABLE')
  equal(config.values.fileReservedTime, 10)
  deepEqual(heard, ['fileReservedTime'])
  equal(config.dump().get('fileReservedTime'), '10')
  equal(configKey('fileReservedTime')?.default, 72)
})
