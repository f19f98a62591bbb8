import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BrokerData, QueueData, TopicRouteData } from '@apogee/protocol'
import { routeFromDefault, sameRoute, topicRouteOf, writersLost } from './topic-route.ts'

function queues(brokerName: string, read: number, write: number, perm = 6): QueueData {
  return { brokerName, readQueueNums: read, writeQueueNums: write, perm, topicSysFlag: 0 }
}

function broker(brokerName: string, ...ids: number[]): BrokerData {
  return {
    cluster: 'c',
    brokerName,
    brokerAddrs: new Map(ids.map((id) => [id, `${brokerName}-${id}:10911`])),
    zoneName: null,
    enableActingMaster: false,
  }
}

function route(queueDatas: QueueData[], brokerDatas: BrokerData[], order: string | null = null) {
  const data: TopicRouteData = {
    orderTopicConf: order,
    queueDatas,
    brokerDatas,
    filterServerTable: new Map(),
    topicQueueMappingByBroker: null,
  }
  return data
}

const names = (list: readonly { brokerName: string; queueId: number }[]): string =>
  list.map(({ brokerName, queueId }) => `${brokerName}${queueId}`).join(' ')

test('queues come in order of broker name and id, written where a master is, read everywhere', () => {
  const data = route([queues('b', 2, 1), queues('a', 1, 2)], [broker('b', 1), broker('a', 0, 1)])
  const made = topicRouteOf('T', data)
  assert.equal(names(made.publishQueues), 'a0 a1')
  assert.equal(names(made.subscribeQueues), 'a0 b0 b1')
})

test('permissions decide what is written and read', () => {
  const data = route(
    [queues('a', 1, 1, 4), queues('b', 1, 1, 2), queues('c', 1, 1, 0)],
    [broker('a', 0), broker('b', 0), broker('c', 0)],
  )
  const made = topicRouteOf('T', data)
  assert.equal(names(made.publishQueues), 'b0')
  assert.equal(names(made.subscribeQueues), 'a0')
})

test('an order configuration names the queues to write to, whatever the brokers say', () => {
  const data = route([queues('a', 4, 4), queues('b', 4, 4)], [broker('a', 0)], 'b:2;a:1;bad')
  assert.equal(names(topicRouteOf('T', data).publishQueues), 'b0 b1 a0')
})

test('a new topic has as many queues as asked for, at most those of TBW102', () => {
  const data = route([queues('a', 8, 8), queues('b', 2, 2)], [broker('a', 0), broker('b', 0)])
  assert.equal(names(routeFromDefault('T', data, 4).publishQueues), 'a0 a1 a2 a3 b0 b1')
})

test('routes are the same in any order, and differ by address, number or permission', () => {
  const data = route([queues('a', 1, 1), queues('b', 1, 1)], [broker('a', 0), broker('b', 0)])
  const turned = route([queues('b', 1, 1), queues('a', 1, 1)], [broker('b', 0), broker('a', 0)])
  assert(sameRoute(data, turned))
  assert(!sameRoute(data, route(data.queueDatas, [broker('a', 0, 1), broker('b', 0)])))
  assert(!sameRoute(data, route([queues('a', 1, 1, 4), queues('b', 1, 1)], data.brokerDatas)))
  assert(!sameRoute(data, { ...data, orderTopicConf: 'a:1' }))
})

test('a broker that stays without write permission is leaving; one that is gone is not', () => {
  const before = route([queues('a', 1, 1), queues('b', 1, 1), queues('c', 1, 1)], [])
  const after = route([queues('a', 1, 1, 4), queues('b', 1, 1)], [])
  assert.deepEqual(writersLost(before, after), ['a'])
  assert.deepEqual(writersLost(after, before), [])
})
