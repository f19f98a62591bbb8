import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BrokerLoad, CROWD_MIN, QUIET_MAX_MS } from './broker-load.ts'

test('a broker that owes an answer and says nothing is stuck, until it says something', () => {
  const load = new BrokerLoad()
  load.began('a', 1_000)
  assert(!load.isStuck('a', 1_000 + QUIET_MAX_MS - 1))
  assert(load.isStuck('a', 1_000 + QUIET_MAX_MS))
  load.began('a', 1_150)
  load.ended('a', true, 1_160)
  assert(!load.isStuck('a', 1_161), 'one still waits, but it has answered another')
  assert(load.isStuck('a', 1_160 + QUIET_MAX_MS))
  load.ended('a', false, 1_300)
  assert(!load.isStuck('a', 9_000), 'it owes nothing')
})

test('a broker that owed nothing for long is not called quiet at its next send', () => {
  const load = new BrokerLoad()
  load.began('a', 0)
  load.ended('a', true, 1)
  load.began('a', 60_000)
  assert(!load.isStuck('a', 60_001))
})

test('of many sends at most three in four wait for one broker', () => {
  const load = new BrokerLoad()
  for (let i = 0; i < CROWD_MIN - 1; i++) load.began('a', 0)
  assert(!load.isStuck('a', 0), 'too few to tell')
  load.began('a', 0)
  assert(load.isStuck('a', 0))
  for (let i = 0; i < 3; i++) load.began('b', 0)
  assert(!load.isStuck('a', 0), '8 of 11')
  load.ended('b', true, 0)
  load.ended('b', true, 0)
  assert(load.isStuck('a', 0), '8 of 9')
})

test('an end without a beginning changes nothing', () => {
  const load = new BrokerLoad()
  load.ended('a', true, 0)
  load.began('a', 0)
  load.ended('a', true, 0)
  load.ended('a', true, 0)
  assert(!load.isStuck('a', 10_000))
})
