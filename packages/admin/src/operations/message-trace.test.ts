import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseTraces } from './message-trace.ts'

function line(...fields: (string | number)[]): string {
  return `${fields.join('\x01')}\x02`
}

const SENT = ['Pub', 5, 'region', 'shop', 'orders', 'id', 'red', 'k', 'b:1', 3, 7, 0]

test('sends are read in the three forms that clients have had', () => {
  const [oldest] = parseTraces(line(...SENT, 'true'))
  assert.deepEqual([oldest?.isSuccess, oldest?.clientHost, oldest?.costMs], [true, null, 7])
  const [older] = parseTraces(line(...SENT, 'OFFSET', 'false'))
  assert.deepEqual([older?.isSuccess, older?.clientHost], [false, null])
  const [now] = parseTraces(line(...SENT, 'OFFSET', 'true', 'client'))
  assert.deepEqual([now?.isSuccess, now?.clientHost, now?.storeHost], [true, 'client', 'b:1'])
})

test('consumption is read with and without the time at its end', () => {
  const [old] = parseTraces(line('SubAfter', 'req', 'id', 12, 'false', 'k'))
  assert.deepEqual([old?.isSuccess, old?.atMs, old?.group, old?.costMs], [false, null, null, 12])
  const [now] = parseTraces(line('SubAfter', 'req', 'id', 12, 'true', 'k', 0, 99, 'billing'))
  assert.deepEqual([now?.isSuccess, now?.atMs, now?.group], [true, 99, 'billing'])
  const [before] = parseTraces(line('SubBefore', 5, 'r', 'billing', 'req', 'id', 2, 'k'))
  assert.deepEqual([before?.retryTimes, before?.requestId, before?.atMs], [2, 'req', 5])
})

test('the end of a transaction and a recall are read', () => {
  const end = [
    'EndTransaction',
    5,
    'r',
    'shop',
    'orders',
    'id',
    'red',
    'k',
    'b:1',
    2,
    'tx',
    'COMMIT_MESSAGE',
    'true',
  ]
  const [ended, recalled] = parseTraces(
    line(...end) + line('Recall', 6, 'r', 'shop', 'orders', 'id', 'true'),
  )
  assert.equal(ended?.transactionState, 'COMMIT_MESSAGE')
  assert.deepEqual([recalled?.type, recalled?.isSuccess, recalled?.atMs], ['Recall', true, 6])
})

test('what is cut short, unknown or empty is left out', () => {
  assert.deepEqual(parseTraces(''), [])
  assert.deepEqual(parseTraces('\x02\x02'), [])
  const others = [line('Later', 1), line('Pub', 1, 2), line('SubAfter', 'req'), line('Recall')]
  assert.deepEqual(parseTraces(others.join('')), [])
  const [record] = parseTraces(line('SubBefore', 'soon', 'r', 'g', 'req', 'id', 'x', 'k'))
  assert.deepEqual([record?.atMs, record?.retryTimes], [null, null])
})
