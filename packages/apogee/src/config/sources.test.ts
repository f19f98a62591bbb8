import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { parseConf, readConfFile } from './conf-file.ts'
import { environmentName, gather } from './sources.ts'

test('flags win over the environment, that over the file, that over defaults of the command', () => {
  const file = {
    path: 'b.conf',
    entries: parseConf('brokerName=file\nlistenPort=1\nbrokerId=5\nx=y\n'),
  }
  const environment = { ROCKETMQ_BROKER_NAME: 'env', ROCKETMQ_LISTEN_PORT: '2', OTHER: '1' }
  const flags = [{ key: 'listenPort', value: '3', flag: '--port' }]
  const defaults = [
    { key: 'brokerId', value: '9', flag: 'start' },
    { key: 'storePathRootDir', value: '/s', flag: 'start' },
  ]
  const keys = ['brokerName', 'listenPort', 'brokerId', 'storePathRootDir']
  const { entries, origins } = gather(file, environment, keys, flags, defaults)
  deepEqual(Object.fromEntries(entries), {
    brokerId: '5',
    storePathRootDir: '/s',
    brokerName: 'env',
    listenPort: '3',
    x: 'y',
  })
  deepEqual(origins.get('brokerName'), { kind: 'env', name: 'ROCKETMQ_BROKER_NAME' })
  deepEqual(origins.get('brokerId'), { kind: 'file', name: 'b.conf:3' })
})

test('NAMESRV_ADDR is heard by whoever has NameServers', () => {
  const environment = { NAMESRV_ADDR: 'a:1' }
  equal(gather(null, environment, ['namesrvAddr'], []).entries.get('namesrvAddr'), 'a:1')
  equal(gather(null, environment, ['listenPort'], []).entries.size, 0)
})

test('names of variables follow the words of a key', () => {
  equal(environmentName('brokerIP1'), 'ROCKETMQ_BROKER_IP1')
  equal(environmentName('useTLS'), 'ROCKETMQ_USE_TLS')
  equal(environmentName('enableDLegerCommitLog'), 'ROCKETMQ_ENABLE_D_LEGER_COMMIT_LOG')
})

test('properties are read as Java reads them, with the line of each', () => {
  const text = '# c\n a = 1 \n! c\nb: x\\\n   y\nc d\n\\u0065=\\u00fc\na=2\n'
  deepEqual(parseConf(text), [
    { key: 'b', value: 'xy', line: 4 },
    { key: 'c', value: 'd', line: 6 },
    { key: 'e', value: 'ü', line: 7 },
    { key: 'a', value: '2', line: 8 },
  ])
  throws(() => readConfFile('/no/such/file'), { code: 'CONFIG_UNREADABLE' })
})
