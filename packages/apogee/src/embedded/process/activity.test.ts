import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import { Activity } from './activity.ts'

test('it is quiet when nothing is pending and all bytes have arrived, in both directions', () => {
  const activity = new Activity()
  activity.begin()
  equal(activity.isQuiet, false)
  activity.end()
  activity.connected(5000, 80)
  activity.sent(5000, 80, 10)
  equal(activity.isQuiet, false)
  activity.arrived(80, 5000, 4)
  activity.sent(80, 5000, 3)
  activity.arrived(80, 5000, 6)
  equal(activity.isQuiet, false)
  activity.arrived(5000, 80, 3)
  equal(activity.isQuiet, true)
})

test('bytes of strangers, of closed connections and of paused ends do not count', () => {
  const activity = new Activity()
  activity.sent(80, 6000, 10)
  equal(activity.isQuiet, true)
  activity.connected(5000, 80)
  activity.sent(5000, 80, 10)
  activity.suspended(80, 5000)
  activity.sent(5000, 80, 10)
  equal(activity.isQuiet, true)
  activity.resumed(80, 5000)
  activity.arrived(80, 5000, 20)
  activity.sent(5000, 80, 1)
  equal(activity.isQuiet, false)
  activity.forgetWires()
  equal(activity.isQuiet, true)
  activity.sent(5000, 80, 1)
  activity.closed(5000, 80)
  equal(activity.isQuiet, true)
})
