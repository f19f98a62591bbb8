import assert from 'node:assert/strict'
import { test } from 'node:test'
import { STATUS_BUFFER_MAX, StatusHub } from './status-hub.ts'

const connected = (i: number) => ({ type: 'connected', address: `${i}` }) as const

test('every reader gets what happens from its start on, and ends with the client', async () => {
  const hub = new StatusHub()
  hub.emit(connected(0))
  const first = hub.iterate()
  hub.emit(connected(1))
  const second = hub.iterate()
  hub.emit(connected(2))
  hub.close()
  assert.deepEqual(await all(first), [connected(1), connected(2), { type: 'closed' }])
  assert.deepEqual(await all(second), [connected(2), { type: 'closed' }])
  assert.deepEqual(await all(hub.iterate()), [])
})

test('a slow reader loses the oldest, and one that left costs nothing', async () => {
  const hub = new StatusHub()
  const reader = hub.iterate()
  for (let i = 0; i < STATUS_BUFFER_MAX + 5; i++) hub.emit(connected(i))
  assert.deepEqual((await reader.next()).value, connected(5))
  await reader.return!()
  hub.emit(connected(9))
  assert.deepEqual(await reader.next(), { done: true, value: undefined })
})

test('a reader that waits is woken', async () => {
  const hub = new StatusHub()
  const reader = hub.iterate()
  const waiting = [reader.next(), reader.next()]
  hub.emit(connected(1))
  hub.close()
  const values = await Promise.all(waiting)
  assert.deepEqual(
    values.map(({ value }) => value?.type),
    ['connected', 'closed'],
  )
})

async function all<T>(iterator: AsyncIterable<T>): Promise<T[]> {
  const values: T[] = []
  for await (const value of iterator) values.push(value)
  return values
}
