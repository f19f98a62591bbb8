import assert from 'node:assert/strict'
import { test } from 'node:test'
import { killed, openNew, TestStore } from '../testing/store-fixture.ts'

test('a log that cannot be read while the index catches up is read again', async () => {
  const it = openNew(7, { indexEntries: 5000, indexSlots: 5000 })
  for (let i = 0; i < 60; i++) it.sendAndWait({ body: `${i}`, keys: `k${i}` })
  await it.runFor(12_000)
  for (let i = 60; i < 90; i++) it.sendAndWait({ body: `${i}`, keys: `k${i}` })
  const again = new TestStore(killed(it.world), { indexEntries: 5000, indexSlots: 5000 })
  again.store.open()
  const isIndexRead = (path: string, kind: string): boolean =>
    path.includes('/index/') && (kind === 'read' || kind === 'open')
  again.world.disk.faults.failWhen((call) => isIndexRead(call.path, call.kind), { code: 'EIO' })
  await again.runFor(2000)
  again.world.disk.faults.clear()
  await again.runFor(2000)
  assert.ok(again.events('index_not_caught_up').length > 0, 'the case was met')
  for (const key of ['k3', 'k59', 'k75', 'k89']) {
    const found = await again.resolve(again.store.queryByKey('T', key, 4, 0, 1e15))
    assert.equal(found.records.length, 1, key)
  }
  await again.close()
})
