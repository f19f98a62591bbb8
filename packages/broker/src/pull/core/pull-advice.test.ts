import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { ResponseCode, responseCodeName } from '@apogee/protocol'
import type { GetStatus } from '@apogee/store'
import { advise, PullAdvice, PullSituation } from './pull-advice.ts'

const STATUSES: readonly GetStatus[] = [
  'FOUND',
  'NO_MATCHED_MESSAGE',
  'MESSAGE_WAS_REMOVING',
  'OFFSET_FOUND_NULL',
  'OFFSET_OVERFLOW_BADLY',
  'OFFSET_OVERFLOW_ONE',
  'OFFSET_TOO_SMALL',
  'NO_MATCHED_LOGIC_QUEUE',
  'NO_MESSAGE_IN_QUEUE',
]

function adviceFor(changes: Partial<PullSituation>): PullAdvice {
  const advice = new PullAdvice()
  advise(advice, Object.assign(new PullSituation(), changes))
  return advice
}

/** One line: what the reader is told. */
function told(changes: Partial<PullSituation>): string {
  const { code, nextBeginOffset, suggestWhichBrokerId, wait } = adviceFor(changes)
  const name = responseCodeName(code)
  return `${changes.status} -> ${name} next ${nextBeginOffset} to ${suggestWhichBrokerId} wait ${wait}`
}

/** The reader is at 5; the store would go on at 9. */
const AT_FIVE = { offset: 5, nextBeginOffset: 9 }

function script(situation: Partial<PullSituation>): string[] {
  return STATUSES.map((status) => told({ ...AT_FIVE, ...situation, status }))
}

test('a master answers as RocketMQ, and moves readers into what there is', () => {
  deepEqual(script({ brokerId: 0, slavesAreRead: true, slaveHasIt: true }), [
    'FOUND -> SUCCESS next 9 to 0 wait no',
    'NO_MATCHED_MESSAGE -> PULL_RETRY_IMMEDIATELY next 9 to 0 wait no',
    'MESSAGE_WAS_REMOVING -> PULL_RETRY_IMMEDIATELY next 9 to 0 wait no',
    'OFFSET_FOUND_NULL -> PULL_NOT_FOUND next 9 to 0 wait message',
    'OFFSET_OVERFLOW_BADLY -> PULL_OFFSET_MOVED next 9 to 0 wait no',
    'OFFSET_OVERFLOW_ONE -> PULL_NOT_FOUND next 9 to 0 wait message',
    'OFFSET_TOO_SMALL -> PULL_OFFSET_MOVED next 9 to 0 wait no',
    'NO_MATCHED_LOGIC_QUEUE -> PULL_OFFSET_MOVED next 9 to 0 wait no',
    'NO_MESSAGE_IN_QUEUE -> PULL_OFFSET_MOVED next 9 to 0 wait no',
  ])
})

test('a slave whose master is there and ahead sends readers back, and moves nobody', () => {
  const situation = { brokerId: 2, isMasterAlive: true, isBehindMaster: true }
  deepEqual(script(situation), [
    'FOUND -> SUCCESS next 9 to 0 wait no',
    'NO_MATCHED_MESSAGE -> PULL_RETRY_IMMEDIATELY next 9 to 0 wait no',
    'MESSAGE_WAS_REMOVING -> PULL_RETRY_IMMEDIATELY next 5 to 0 wait no',
    'OFFSET_FOUND_NULL -> PULL_RETRY_IMMEDIATELY next 5 to 0 wait no',
    'OFFSET_OVERFLOW_BADLY -> PULL_RETRY_IMMEDIATELY next 5 to 0 wait no',
    'OFFSET_OVERFLOW_ONE -> PULL_RETRY_IMMEDIATELY next 5 to 0 wait no',
    'OFFSET_TOO_SMALL -> PULL_RETRY_IMMEDIATELY next 5 to 0 wait no',
    'NO_MATCHED_LOGIC_QUEUE -> PULL_RETRY_IMMEDIATELY next 5 to 0 wait no',
    'NO_MESSAGE_IN_QUEUE -> PULL_RETRY_IMMEDIATELY next 5 to 0 wait no',
  ])
})

test('at the end of a slave that has all its master has, readers wait as they do at the master', () => {
  const situation = { brokerId: 2, isMasterAlive: true, ...AT_FIVE }
  equal(
    told({ ...situation, status: 'OFFSET_OVERFLOW_ONE' }),
    'OFFSET_OVERFLOW_ONE -> PULL_NOT_FOUND next 5 to 0 wait message',
  )
  equal(
    told({ ...situation, status: 'NO_MESSAGE_IN_QUEUE', offset: 0, nextBeginOffset: 0 }),
    'NO_MESSAGE_IN_QUEUE -> PULL_NOT_FOUND next 0 to 0 wait message',
  )
})

test('a slave without its master keeps readers, lets them wait, and moves nobody', () => {
  deepEqual(script({ brokerId: 2, isMasterAlive: false, isBehindMaster: true }), [
    'FOUND -> SUCCESS next 9 to 2 wait no',
    'NO_MATCHED_MESSAGE -> PULL_RETRY_IMMEDIATELY next 9 to 2 wait no',
    'MESSAGE_WAS_REMOVING -> PULL_NOT_FOUND next 5 to 2 wait time',
    'OFFSET_FOUND_NULL -> PULL_NOT_FOUND next 5 to 2 wait time',
    'OFFSET_OVERFLOW_BADLY -> PULL_NOT_FOUND next 5 to 2 wait message',
    'OFFSET_OVERFLOW_ONE -> PULL_NOT_FOUND next 5 to 2 wait message',
    'OFFSET_TOO_SMALL -> PULL_NOT_FOUND next 5 to 2 wait time',
    'NO_MATCHED_LOGIC_QUEUE -> PULL_NOT_FOUND next 5 to 2 wait message',
    'NO_MESSAGE_IN_QUEUE -> PULL_NOT_FOUND next 5 to 2 wait message',
  ])
})

test('offsetCheckInSlave: the slave moves readers as a master does', () => {
  const situation = { brokerId: 2, isMasterAlive: true, checksOffset: true, ...AT_FIVE }
  for (const status of STATUSES) {
    const advice = adviceFor({ ...situation, status })
    const atMaster = adviceFor({ ...AT_FIVE, status })
    deepEqual([advice.code, advice.nextBeginOffset], [atMaster.code, atMaster.nextBeginOffset])
  }
})

test('who reads what memory has long forgotten is sent to a slave that has it, and stays there', () => {
  const old = { status: 'FOUND', ...AT_FIVE, bytesBehind: 401, memoryBytes: 400 } as const
  const near = { ...old, bytesBehind: 400 }
  const readable = { slavesAreRead: true, slaveHasIt: true }
  const to = (changes: Partial<PullSituation>): number => adviceFor(changes).suggestWhichBrokerId
  equal(to({ ...old, ...readable }), 1)
  equal(to({ ...old, ...readable, groupSlowBrokerId: 3 }), 3)
  equal(to({ ...near, ...readable }), 0)
  equal(to({ ...near, ...readable, groupBrokerId: 1 }), 1)
  equal(to({ ...old, slavesAreRead: false, slaveHasIt: true }), 0)
  equal(to({ ...old, slavesAreRead: true, slaveHasIt: false }), 0)
  equal(to({ ...old, brokerId: 3, isMasterAlive: true }), 3)
  equal(to({ ...near, brokerId: 3, isMasterAlive: true }), 0)
})

test('a slave gives a reader whom the master calls back nothing, while the master is there', () => {
  const called = { brokerId: 2, isCalledBack: true, bytesBehind: 401, memoryBytes: 400 }
  for (const line of script({ ...called, isMasterAlive: true })) {
    equal(line.split(' -> ')[1], 'PULL_RETRY_IMMEDIATELY next 5 to 0 wait no')
  }
  deepEqual(
    script({ ...called, isMasterAlive: false }),
    script({ ...called, isMasterAlive: false, isCalledBack: false }),
  )
})

test('in every situation: a slave skips nothing, and lets nobody spin without its master', () => {
  const bools = [false, true]
  for (const status of STATUSES) {
    for (const offset of [0, 5]) {
      for (const isMasterAlive of bools) {
        for (const isBehindMaster of bools) {
          const seen = { status, offset, nextBeginOffset: 9, isMasterAlive, isBehindMaster }
          const advice = adviceFor({ ...seen, brokerId: 1 })
          const text = JSON.stringify({ seen, advice })
          const isRead = status === 'FOUND' || status === 'NO_MATCHED_MESSAGE'
          equal(advice.nextBeginOffset, isRead ? 9 : offset, text)
          ok(advice.code !== ResponseCode.PULL_OFFSET_MOVED, text)
          const retries = advice.code === ResponseCode.PULL_RETRY_IMMEDIATELY && !isRead
          ok(isMasterAlive || !retries, text)
          equal(advice.suggestWhichBrokerId, isMasterAlive ? 0 : 1, text)
          equal(advice.wait === 'no', advice.code !== ResponseCode.PULL_NOT_FOUND, text)
        }
      }
    }
  }
})
