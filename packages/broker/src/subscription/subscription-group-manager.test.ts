import { equal, notEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { silentLogger } from '@apogee/remoting'
import { BrokerConfig } from '../config/broker-config.ts'
import type { BrokerConfigValues } from '../config/config-values.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { subscriptionGroup } from './subscription-group-config.ts'
import { FORBIDDEN_READ_INDEX, SubscriptionGroupManager } from './subscription-group-manager.ts'

function manager(values: Partial<BrokerConfigValues> = {}): SubscriptionGroupManager {
  const deps = { clock: new ManualClock(), log: silentLogger }
  return new SubscriptionGroupManager(BrokerConfig.of(values), deps)
}

test('an unknown group is made with Apache s defaults, unless that is off or its name illegal', () => {
  const groups = manager()
  const made = groups.find('g')
  equal(made?.retryMaxTimes, 16)
  equal(made?.retryQueueNums, 1)
  equal(groups.select('never'), undefined)
  equal(groups.find('no way'), undefined)
  const strict = manager({ autoCreateSubscriptionGroup: false })
  equal(strict.find('g'), undefined)
  notEqual(strict.find('CID_RMQ_SYS_X'), undefined)
  notEqual(strict.find('TOOLS_CONSUMER'), undefined)
})

test('groups have a limit, and an update is made whole or not at all', () => {
  const groups = manager({ groupsMax: 64 })
  const many = Array.from({ length: 64 }, (_, i) => subscriptionGroup(`g${i}`))
  equal(groups.update(many)?.code, 'GROUPS_MAX')
  equal(groups.select('g0'), undefined)
  equal(groups.update(many.slice(0, 64 - groups.size)), null)
  equal(groups.find('one-more'), undefined)
  equal(groups.update([subscriptionGroup('g0', { consumeEnable: false })]), null)
  equal(groups.select('g0')?.consumeEnable, false)
})

test('forbidden bits are per group and topic, and clearing one leaves the others', () => {
  const groups = manager()
  let changes = 0
  groups.onChange(() => changes++)
  groups.setForbidden('g', 'a', FORBIDDEN_READ_INDEX, true)
  groups.setForbidden('g', 'b', FORBIDDEN_READ_INDEX, true)
  groups.setForbidden('g', 'b', FORBIDDEN_READ_INDEX, true)
  groups.setForbidden('g', 'a', FORBIDDEN_READ_INDEX, false)
  equal(changes, 3)
  equal(groups.isForbidden('g', 'a', FORBIDDEN_READ_INDEX), false)
  equal(groups.isForbidden('g', 'b', FORBIDDEN_READ_INDEX), true)
  equal(groups.forbiddenOf('g', 'b'), 4)
  groups.delete('g')
  equal(groups.forbiddenOf('g', 'b'), 0)
})

test('what is forbidden has a limit, and makes room when it is cleared', () => {
  const groups = manager({ groupsMax: 64 })
  const set = (topic: string, forbid: boolean): boolean =>
    groups.setForbidden('g', topic, FORBIDDEN_READ_INDEX, forbid)
  for (let i = 0; i < 64; i++) equal(set(`t${i}`, true), true)
  equal(set('more', true), false)
  equal(groups.isForbidden('g', 'more', FORBIDDEN_READ_INDEX), false)
  equal(set('t0', false), true)
  equal(set('more', true), true)
  groups.delete('g')
  equal(set('t0', true), true)
})
