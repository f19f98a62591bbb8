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

test('a master without slaves, and one with asynchronous ones, start without a word', (t) => {
  const { config, problems } = settingsOf(t, shapeOf('ASYNC_MASTER', '0'))
  deepEqual(problems, [])
  equal(config.values.fileReservedTime, 48)
  equal(config.values.deleteWhen, '04')
})

test('synchronous masters, slaves, DLedger and the controller are known, and refused by name', (t) => {
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
  const files: [string, string][] = [
    [shapeOf('SYNC_MASTER', '0'), 'brokerRole'],
    [shapeOf('SLAVE', '1'), 'brokerRole'],
    [dledger.join('\n'), 'enableDLegerCommitLog'],
    [controller.join('\n'), 'enableControllerMode'],
    ['brokerId=1', 'brokerId'],
  ]
  for (const [text, key] of files) {
    const { problems } = settingsOf(t, text)
    const errors = problems.filter(({ severity }) => severity === 'error')
    deepEqual(
      errors.map((problem) => [problem.code, problem.key]),
      [['BROKER_ROLE_UNSUPPORTED', key]],
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
