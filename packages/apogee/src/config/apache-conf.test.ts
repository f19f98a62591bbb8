import { deepEqual, equal } from 'node:assert/strict'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { testFolder } from '../testing/apogee-process.ts'
import { type BrokerSettings, brokerSettings } from './broker-settings.ts'
import { namesrvSettings } from './namesrv-settings.ts'

// The keys of the files that Apache ships in its conf folder, in its own ways of writing them.

function settingsOf(t: TestContext, text: string): BrokerSettings {
  const path = join(testFolder(t), 'broker.conf')
  writeFileSync(path, text)
  return brokerSettings({ path, flags: [], environment: {} })
}

function shapeOf(brokerRole: string, brokerId: string): string {
  const spaced = `brokerName = broker-a\nbrokerId = ${brokerId}\nbrokerRole = ${brokerRole}\n`
  const rest = 'deleteWhen=04\nfileReservedTime=48\nflushDiskType=ASYNC_FLUSH\n'
  return `brokerClusterName=DefaultCluster\n${spaced}${rest}`
}

test('masters, with and without slaves, synchronous ones, and slaves start without a word', (t) => {
  for (const [role, id] of [
    ['ASYNC_MASTER', '0'],
    ['SYNC_MASTER', '0'],
    ['SLAVE', '1'],
  ] as const) {
    const { config, problems } = settingsOf(t, shapeOf(role, id))
    deepEqual(problems, [], role)
    equal(config.values.fileReservedTime, 48)
    equal(config.values.deleteWhen, '04')
    equal(config.values.brokerRole, role)
  }
})

test('DLedger and the controller are known, and refused by name; so is a role that is none', (t) => {
  const dledger = [
    'listenPort=30911',
    'namesrvAddr=127.0.0.1:9876',
    'storePathRootDir=/tmp/rmqstore/node00',
    'storePathCommitLog=/tmp/rmqstore/node00/commitlog',
    'enableDLegerCommitLog=true',
    'dLegerGroup=RaftNode00',
    'dLegerPeers=n0-127.0.0.1:40911;n1-127.0.0.1:40912;n2-127.0.0.1:40913',
    'dLegerSelfId=n0',
    'sendMessageThreadPoolNums=16',
  ]
  const controller = ['enableControllerMode=true', 'controllerAddr=127.0.0.1:9878']
  const files: [text: string, code: string, key: string][] = [
    [dledger.join('\n'), 'BROKER_ROLE_UNSUPPORTED', 'enableDLegerCommitLog'],
    [controller.join('\n'), 'BROKER_ROLE_UNSUPPORTED', 'enableControllerMode'],
    [shapeOf('SLAVE', '0'), 'BROKER_ROLE_INVALID', 'brokerId'],
    [shapeOf('SYNC_MASTER', '1'), 'BROKER_ROLE_INVALID', 'brokerId'],
    ['brokerId=1', 'BROKER_ROLE_INVALID', 'brokerId'],
  ]
  for (const [text, code, key] of files) {
    const { problems } = settingsOf(t, text)
    const errors = problems.filter(({ severity }) => severity === 'error')
    deepEqual(
      errors.map((problem) => [problem.code, problem.key]),
      [[code, key]],
    )
    deepEqual(
      problems.filter(({ code }) => code === 'CONFIG_UNKNOWN_KEY'),
      [],
    )
  }
})

test('the files shipped here have no problem at all', () => {
  const folder = fileURLToPath(new URL('../../conf', import.meta.url))
  const names = readdirSync(folder).filter((name) => name.endsWith('.conf'))
  deepEqual(names.sort(), ['broker-sync-flush.conf', 'broker.conf', 'namesrv.conf'])
  for (const name of names) {
    const sources = { path: join(folder, name), flags: [], environment: {} }
    const settings = name === 'namesrv.conf' ? namesrvSettings(sources) : brokerSettings(sources)
    deepEqual(settings.problems, [], name)
  }
})
