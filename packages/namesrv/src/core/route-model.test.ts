import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { queueText, RouteModel } from '../testing/route-model.ts'
import { RouteTable } from './route-table.ts'
import type { BrokerRegistration, RouteTableOptions } from './route-types.ts'
import { clusterView, pickTopicRoute } from './route-view.ts'

type Step =
  | { kind: 'register'; registration: BrokerRegistration }
  | { kind: 'unregister' | 'heartbeat'; brokerName: string; brokerAddr: string }
  | { kind: 'connection-lost'; connectionId: number }
  | { kind: 'expire' }
  | { kind: 'wipe' | 'add'; brokerName: string }
  | { kind: 'delete-topic'; topic: string; clusterName: string | null }

// Few values of each, so that they meet.
const brokerName = fc.constantFrom('a', 'b')
const brokerAddr = fc.constantFrom('1:1', '2:2', '3:3', '4:4')
const clusterName = fc.constantFrom('c', 'c', 'c', 'd')
const topicName = fc.constantFrom('T1', 'T2', 'T3', 'T4', 'T5')
const small = fc.integer({ min: 0, max: 2 })

const registration: fc.Arbitrary<BrokerRegistration> = fc.record({
  clusterName,
  brokerName,
  brokerAddr,
  brokerId: small,
  haServerAddr: fc.constant(null),
  zoneName: fc.constantFrom(null, 'z'),
  heartbeatTimeoutMs: fc.constantFrom(null, 1_000),
  enableActingMaster: fc.constantFrom(null, true, false),
  dataVersion: fc.record({ stateVersion: small, timestamp: small, counter: small }),
  topics: fc.uniqueArray(topicName, { maxLength: 5 }).chain((names) =>
    fc.tuple(
      ...names.map((name) =>
        fc.record({
          topicName: fc.constant(name),
          readQueueNums: small,
          writeQueueNums: small,
          perm: fc.constantFrom(4, 6, 7),
          topicSysFlag: fc.integer({ min: 0, max: 3 }),
        }),
      ),
    ),
  ),
  topicQueueMappings: fc.constant([]),
  filterServers: fc.constant(null),
  connectionId: fc.integer({ min: 1, max: 3 }),
})

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('register' as const), registration }),
  },
  fc.record({
    kind: fc.constantFrom('unregister' as const, 'heartbeat' as const),
    brokerName,
    brokerAddr,
  }),
  fc.record({
    kind: fc.constant('connection-lost' as const),
    connectionId: fc.integer({ min: 1, max: 3 }),
  }),
  fc.record({ kind: fc.constant('expire' as const) }),
  fc.record({ kind: fc.constantFrom('wipe' as const, 'add' as const), brokerName }),
  fc.record({
    kind: fc.constant('delete-topic' as const),
    topic: topicName,
    clusterName: fc.constantFrom(null, 'c', 'd'),
  }),
)

const steps = fc.array(fc.record({ step, waitMs: fc.constantFrom(0, 400, 1_001, 130_000) }), {
  minLength: 5,
  maxLength: 60,
  size: 'max',
})

test('any history of inputs gives what the plain model gives', () => {
  const check = fc.property(steps, fc.boolean(), (history, deleting) => {
    const options: RouteTableOptions = {
      supportActingMaster: false,
      notifyMinBrokerIdChanged: true,
      deleteTopicWithBrokerRegistration: deleting,
      brokersMax: 100,
      topicsMax: 100,
    }
    const table = new RouteTable(options)
    const model = new RouteModel(options)
    let nowMs = 0
    for (const { step, waitMs } of history) {
      nowMs += waitMs
      assert.deepEqual(applyToTable(table, step, nowMs), applyToModel(model, step, nowMs))
      assert.deepEqual(viewOf(table), model.view())
      checkDecisions(table)
    }
  })
  // fast-check prints the seed and the shortest failing history.
  fc.assert(check, { numRuns: 400 })
})

function applyToTable(table: RouteTable, step: Step, nowMs: number): unknown {
  switch (step.kind) {
    case 'register':
      return table.register(step.registration, nowMs).kind
    case 'unregister':
      return table.unregister(step.brokerName, step.brokerAddr)
    case 'heartbeat':
      return table.heartbeat(step.brokerName, step.brokerAddr, nowMs)
    case 'connection-lost':
      return table.connectionLost(step.connectionId)
    case 'expire':
      return table.expire(nowMs)
    case 'wipe':
      return table.wipeWritePerm(step.brokerName)
    case 'add':
      return table.addWritePerm(step.brokerName)
    case 'delete-topic':
      return table.deleteTopic(step.topic, step.clusterName)
  }
}

function applyToModel(model: RouteModel, step: Step, nowMs: number): unknown {
  switch (step.kind) {
    case 'register':
      return model.register(step.registration, nowMs)
    case 'unregister':
      return model.leave(
        ({ registration: r }) =>
          r.brokerName === step.brokerName && r.brokerAddr === step.brokerAddr,
      )
    case 'heartbeat':
      return model.heartbeat(step.brokerName, step.brokerAddr, nowMs)
    case 'connection-lost':
      return model.leave(({ registration: r }) => r.connectionId === step.connectionId)
    case 'expire':
      return model.expire(nowMs)
    case 'wipe':
      return model.changePerm(step.brokerName, (perm) => perm & ~2)
    case 'add':
      return model.changePerm(step.brokerName, () => 6)
    case 'delete-topic':
      return model.deleteTopic(step.topic, step.clusterName)
  }
}

/** What {@link RouteModel.view} gives, gathered through the queries that clients use. */
function viewOf(table: RouteTable): unknown {
  const { brokerAddrTable, clusterAddrTable } = clusterView(table)
  const brokers: string[] = []
  const names: string[] = []
  for (const [name, data] of brokerAddrTable) {
    for (const [id, addr] of data.brokerAddrs) brokers.push(`${name} ${id}=${addr}`)
    const clusters = [...clusterAddrTable].filter(([, of]) => of.includes(name)).map(([c]) => c)
    const { enableActingMaster, zoneName } = data
    names.push(
      `${name} in ${clusters.sort().join(' ')} acting=${enableActingMaster} zone=${zoneName ?? '-'}`,
    )
  }
  const queues: string[] = []
  for (const topic of table.topics.names()) {
    const route = pickTopicRoute(table, topic)
    assert(route !== null, `a topic without a route: ${topic}`)
    for (const queueData of route.queueDatas) queues.push(queueText(topic, queueData))
  }
  return { brokers: brokers.sort(), names: names.sort(), queues: queues.sort() }
}

/** A notice names the lowest member as it is, and goes to members only. */
function checkDecisions(table: RouteTable): void {
  const members = new Map<string, number>()
  for (const group of table.brokers.allGroups()) {
    for (const member of group.members.values()) members.set(member.brokerAddr, member.brokerId)
  }
  for (const decision of table.takeDecisions()) {
    if (decision.kind !== 'notify-min-broker-id') continue
    assert(decision.to.length > 0)
    for (const addr of decision.to) assert(members.has(addr), `notice to ${addr}, who is gone`)
    assert(members.has(decision.minBrokerAddr))
  }
}
