import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import type { ReplicaStatus } from '@apogee/admin'
import { checkReplication } from './replication-checks.ts'

function replica(more: Partial<ReplicaStatus>): ReplicaStatus {
  return {
    clusterName: 'c',
    brokerName: 'a',
    brokerId: 1,
    address: '10.0.0.2:10911',
    role: 'SLAVE',
    isUp: true,
    offset: 0,
    confirmedOffset: 0,
    lagBytes: 0,
    inSync: true,
    state: 'following',
    problem: null,
    masterHaAddress: '10.0.0.1:10912',
    slaves: null,
    inSyncReplicas: null,
    serves: [],
    ...more,
  }
}

const statusOf = (more: Partial<ReplicaStatus>): string | undefined =>
  checkReplication([replica(more)])[0]?.status
const hintOf = (more: Partial<ReplicaStatus>): string =>
  checkReplication([replica(more)])[0]!.hint ?? ''

test('a slave is well when it follows and is not far behind', () => {
  equal(statusOf({}), 'ok')
  equal(statusOf({ lagBytes: 64 * 1024 * 1024 }), 'warning')
  equal(statusOf({ inSync: false }), 'warning')
  equal(statusOf({ state: null, inSync: null, lagBytes: null }), 'ok')
  equal(statusOf({ state: 'connecting', inSync: null }), 'problem')
})

test('a slave that does not follow is told why, and what to set', () => {
  const refused = { state: 'refused', problem: 'HA_DIVERGED_TOO_FAR: 3 GiB' }
  const [check] = checkReplication([replica(refused)])
  match(check!.message, /10\.0\.0\.1:10912 \(refused\): HA_DIVERGED_TOO_FAR: 3 GiB/)
  match(hintOf(refused), /empty/)
  match(hintOf({ state: 'connecting', masterHaAddress: '127.0.0.1:10912' }), /brokerIP2/)
  match(hintOf({ state: 'connecting' }), /haAllowedPeers/)
  match(hintOf({ state: 'idle', masterHaAddress: null }), /haMasterAddress/)
  match(hintOf({ state: 'refused', problem: 'HA_SECRET_WRONG: x' }), /haSharedSecret/)
})

test('a synchronous master without a slave in sync is a problem, an asynchronous one is not', () => {
  const master = { brokerId: 0, role: 'SYNC_MASTER', state: null, slaves: 1 }
  equal(statusOf({ ...master, inSyncReplicas: 1 }), 'problem')
  equal(statusOf({ ...master, inSyncReplicas: 2 }), 'ok')
  deepEqual(checkReplication([replica({ ...master, role: 'ASYNC_MASTER', inSyncReplicas: 1 })]), [])
})

test('while a master is away its slave is not told to follow it', () => {
  equal(statusOf({ state: 'idle', serves: ['read'] }), 'skipped')
})

test('who did not answer is told of by another check', () => {
  deepEqual(checkReplication([replica({ isUp: false })]), [])
})
