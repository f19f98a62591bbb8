import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isMalformed } from '@apogee/base'
import { namesrvConfigDefaults, namesrvConfigTable } from './config-table.ts'
import { NamesrvSettings, parseNamesrvValue } from './namesrv-settings.ts'

test('the table has every key once, and defaults that are values of their row', () => {
  const keys = namesrvConfigTable.map((row) => row.key)
  assert.equal(new Set(keys).size, keys.length)
  for (const row of namesrvConfigTable) {
    assert.equal(parseNamesrvValue(row, String(row.default)), row.default, row.key)
    assert(row.help.length > 0, row.key)
  }
})

test('the rows in use are the fields of the configuration', () => {
  // A field of NamesrvConfig that has no row, or the reverse, would not be here.
  const fields: (keyof ReturnType<typeof namesrvConfigDefaults>)[] = [
    'listenPort',
    'bindAddress',
    'kvConfigPath',
    'configStorePath',
    'serverChannelMaxIdleTimeSeconds',
    'scanNotActiveBrokerInterval',
    'orderMessageEnable',
    'returnOrderTopicConfigToBroker',
    'supportActingMaster',
    'notifyMinBrokerIdChanged',
    'deleteTopicWithBrokerRegistration',
    'enableAllTopicList',
    'enableTopicList',
    'needWaitForService',
    'waitSecondsForService',
    'brokersMax',
    'topicsMax',
    'kvConfigBytesMax',
  ]
  const used = namesrvConfigTable.filter((row) => row.effect === 'used').map((row) => row.key)
  assert.deepEqual(used, fields)
  assert.deepEqual(Object.keys(namesrvConfigDefaults()), fields)
})

test('no key that names a place, and none that is not in use, can change at runtime', () => {
  for (const row of namesrvConfigTable) {
    if (!row.reloadable) continue
    assert.equal(row.effect, 'used', row.key)
    assert.notEqual(row.type, 'string', row.key)
    assert.doesNotMatch(row.key, /path|address|port$|home|max$/i)
  }
})

test('changes at runtime are typed, allow-listed, and all or nothing', () => {
  const settings = new NamesrvSettings({ listenPort: 0 })
  const check = (entries: Record<string, string>): unknown => {
    const changes = settings.check(new Map(Object.entries(entries)))
    return isMalformed(changes) ? `${changes.code}: ${changes.detail}` : changes
  }
  assert.deepEqual(
    check({ kvConfigPath: '/etc/passwd' }),
    'CONFIG_NOT_RELOADABLE: kvConfigPath cannot change at runtime',
  )
  assert.deepEqual(
    check({ nonsense: '1' }),
    'CONFIG_NOT_RELOADABLE: nonsense is no key of the NameServer',
  )
  assert.deepEqual(
    check({ enableTopicList: 'false', orderMessageEnable: 'yes' }),
    'CONFIG_BAD_VALUE: orderMessageEnable=yes: must be true or false',
  )
  assert.deepEqual(
    check({ scanNotActiveBrokerInterval: '1' }),
    'CONFIG_BAD_VALUE: scanNotActiveBrokerInterval=1: must be from 100 to 600000',
  )
  assert.equal(settings.values.enableTopicList, true)
  const changes = settings.check(
    new Map([
      ['waitSecondsForService', ' 7 '],
      ['enableTopicList', 'FALSE'],
    ]),
  )
  assert(!isMalformed(changes))
  settings.apply(changes)
  assert.equal(settings.values.waitSecondsForService, 7)
  assert.equal(settings.values.enableTopicList, false)
  assert.equal(settings.entries().get('waitSecondsForService'), '7')
})

test('a bad value in code is refused at the door', () => {
  assert.throws(() => new NamesrvSettings({ listenPort: 70_000 }), { code: 'CONFIG_BAD_VALUE' })
  assert.throws(() => new NamesrvSettings({ clusterTest: true } as object), {
    code: 'CONFIG_UNKNOWN_KEY',
  })
})
