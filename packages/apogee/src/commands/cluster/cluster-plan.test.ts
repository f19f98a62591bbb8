import { deepEqual, equal, ok, throws } from 'node:assert/strict'
import { test } from 'node:test'
import {
  CLUSTER_MODES,
  clusterShape,
  MASTERS_MAX,
  NAME_SERVERS_MAX,
  planNodes,
  portBase,
  portsOf,
  SLAVES_MAX,
  usualPortBases,
} from './cluster-plan.ts'

test('each mode has the nodes of the files that RocketMQ ships for it', () => {
  const roles = (mode: string): string[] =>
    planNodes(clusterShape(mode, {}), usualPortBases()[0]!).map((node) =>
      node.kind === 'namesrv' ? node.name : `${node.name} ${node.brokerRole} ${node.brokerId}`,
    )
  deepEqual(roles('single'), ['namesrv-1', 'broker-a ASYNC_MASTER 0'])
  deepEqual(roles('multi-master'), [
    'namesrv-1',
    'broker-a ASYNC_MASTER 0',
    'broker-b ASYNC_MASTER 0',
  ])
  deepEqual(roles('sync-replica'), [
    'namesrv-1',
    'broker-a SYNC_MASTER 0',
    'broker-a-1 SLAVE 1',
    'broker-b SYNC_MASTER 0',
    'broker-b-1 SLAVE 1',
  ])
  ok(roles('async-replica').includes('broker-b ASYNC_MASTER 0'))
})

test('no two nodes share a port, however many there are, and all are ports', () => {
  const most = { masters: MASTERS_MAX, slaves: SLAVES_MAX, nameservers: NAME_SERVERS_MAX }
  for (const base of [...usualPortBases(), portBase(1024)]) {
    const ports = portsOf(planNodes(clusterShape('sync-replica', most), base))
    equal(new Set(ports).size, ports.length)
    ok(ports.every((port) => port > 0 && port < 65_536))
  }
})

test('the usual ports are those that RocketMQ people know', () => {
  const nodes = planNodes(clusterShape('multi-master', {}), usualPortBases()[0]!)
  deepEqual(
    nodes.map(({ port }) => port),
    [9876, 10_911, 10_921],
  )
})

test('counts that do not fit the mode are refused, and a mode that is not there yet is named', () => {
  const invalid = { code: 'CLUSTER_OPTION_INVALID', exitCode: 2 }
  throws(() => clusterShape('single', { masters: 2 }), invalid)
  throws(() => clusterShape('multi-master', { slaves: 1 }), invalid)
  throws(() => clusterShape('sync-replica', { slaves: 0 }), invalid)
  throws(() => clusterShape('raft', {}), invalid)
  throws(() => clusterShape('dledger', {}), { code: 'CLUSTER_MODE_UNSUPPORTED', exitCode: 3 })
  for (const mode of CLUSTER_MODES) equal(clusterShape(mode, {}).nameservers, 1)
})
