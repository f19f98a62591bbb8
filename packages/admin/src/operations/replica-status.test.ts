import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BrokerStatus } from './cluster-operations.ts'
import { replicaStatuses } from './replica-status.ts'

function broker(
  brokerName: string,
  brokerId: number,
  said: Record<string, string> | null,
): BrokerStatus {
  const runtime = said === null ? null : new Map(Object.entries(said))
  return { clusterName: 'c', brokerName, brokerId, address: `${brokerName}-${brokerId}:1`, runtime }
}

const MASTER = {
  brokerRole: 'SYNC_MASTER',
  commitLogMaxOffset: '1000',
  confirmedOffset: '900',
  slaveCount: '2',
  inSyncReplicas: '2',
  slave_1: 'address=10.0.0.1:4 protocol=apogee ackOffset=1000 gap=0 inSync=true',
  slave_2: 'address=10.0.0.2:4 protocol=apogee ackOffset=100 gap=900 inSync=false',
}
const SLAVE = {
  brokerRole: 'SLAVE',
  commitLogMaxOffset: '1000',
  confirmedOffset: '1000',
  slaveLagBytes: '7',
  replicationState: 'following',
  replicationProblem: '',
  masterHaAddress: '10.0.0.9:10912',
}

test('slaves are as their master counts them, and as far behind as its log is longer', () => {
  const [master, first, second, third] = replicaStatuses([
    broker('a', 0, MASTER),
    broker('a', 1, SLAVE),
    broker('a', 2, { ...SLAVE, commitLogMaxOffset: '100' }),
    broker('a', 3, { ...SLAVE, replicationState: 'refused', replicationProblem: 'HA_X: why' }),
  ])
  assert.deepEqual(
    [master!.role, master!.offset, master!.confirmedOffset, master!.slaves, master!.inSyncReplicas],
    ['SYNC_MASTER', 1000, 900, 2, 2],
  )
  assert.deepEqual([first!.lagBytes, first!.inSync, first!.state], [0, true, 'following'])
  assert.deepEqual([second!.lagBytes, second!.inSync], [900, false])
  assert.deepEqual([third!.inSync, third!.problem], [false, 'HA_X: why'])
  assert.equal(first!.problem, null)
})

test('masters serve both, slaves read while no master of their name answers', () => {
  const served = (...brokers: BrokerStatus[]): string =>
    replicaStatuses(brokers)
      .map(({ serves }) => serves.join('+'))
      .join(' ')
  assert.equal(served(broker('a', 0, MASTER), broker('a', 1, SLAVE)), 'write+read ')
  assert.equal(served(broker('a', 0, null), broker('a', 1, SLAVE)), ' read')
  assert.equal(served(broker('b', 0, MASTER), broker('a', 1, SLAVE)), 'write+read read')
  assert.equal(served(broker('a', 1, null)), '')
})

test('a slave whose master does not answer says itself how far it is behind', () => {
  const [, slave] = replicaStatuses([broker('a', 0, null), broker('a', 1, SLAVE)])
  assert.deepEqual([slave!.lagBytes, slave!.inSync], [7, null])
})

test('of brokers that say little, little is known', () => {
  const apache = { commitLogMaxOffset: '50' }
  const [master, slave] = replicaStatuses([broker('a', 0, apache), broker('a', 1, apache)])
  assert.deepEqual([master!.role, master!.slaves, master!.confirmedOffset], ['MASTER', null, null])
  assert.deepEqual([slave!.role, slave!.lagBytes, slave!.inSync], ['SLAVE', 0, null])
})
