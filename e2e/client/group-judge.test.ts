import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { judgeDeliveries, judgeOrder } from './group-judge.ts'
import type { Delivery } from './group-members.ts'

function delivery(queueOffset: number, at: number, body = `m-${queueOffset}`): Delivery {
  return { member: 'a', queue: 'broker:0', queueOffset, body, at }
}

describe('the judge of a group', () => {
  const sent = [{ body: 'm-0' }, { body: 'm-1' }]

  it('finds what was acknowledged and never came', () => {
    assert.deepEqual(judgeDeliveries(sent, new Set(), [delivery(0, 1)]).lost, ['m-1'])
  })

  it('finds what nobody sent, but for sends whose end is not known', () => {
    const deliveries = [delivery(0, 1), delivery(1, 2), delivery(2, 3), delivery(3, 4)]
    assert.deepEqual(judgeDeliveries(sent, new Set(['m-2']), deliveries).made, ['m-3'])
  })

  it('counts what came twice', () => {
    const deliveries = [delivery(0, 1), delivery(1, 2), delivery(1, 3)]
    assert.equal(judgeDeliveries(sent, new Set(), deliveries).repeated, 1)
  })

  it('finds a message that overtook the one before it', () => {
    assert.equal(judgeOrder([delivery(1, 5), delivery(0, 6)]).length, 1)
  })

  it('takes a repetition after a change of owner for no disorder', () => {
    const deliveries = [delivery(0, 1), delivery(1, 2), delivery(0, 3), delivery(1, 4)]
    assert.deepEqual(judgeOrder(deliveries), [])
  })
})
