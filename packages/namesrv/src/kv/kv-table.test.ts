import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isMalformed } from '@apogee/base'
import fc from 'fast-check'
import { KvTable } from './kv-table.ts'

test('what is put is there, and only there', () => {
  const empty = new KvTable()
  const table = empty.with('ns', 'k', 'v').with('ns', 'k2', '')
  assert.equal(table.get('ns', 'k'), 'v')
  assert.equal(table.get('ns', 'k2'), '')
  assert.equal(table.get('ns', 'other'), null)
  assert.equal(table.get('other', 'k'), null)
  assert.equal(table.list('other'), null)
  assert.equal(empty.get('ns', 'k'), null)
})

test('an emptied namespace stays', () => {
  const table = new KvTable().with('ns', 'k', 'v').without('ns', 'k').without('ns', 'k')
  assert.deepEqual(table.list('ns'), new Map())
})

test('any table survives its JSON', () => {
  const name = fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', '键', '1'))
  const puts = fc.array(fc.tuple(name, name, fc.string()))
  fc.assert(
    fc.property(puts, (list) => {
      let table = new KvTable()
      for (const [namespace, key, value] of list) table = table.with(namespace, key, value)
      const read = KvTable.parse(table.toJson())
      assert(!isMalformed(read))
      for (const [namespace, key] of list) {
        assert.equal(read.get(namespace, key), table.get(namespace, key))
        assert.equal(read.list(namespace)?.size, table.list(namespace)?.size)
      }
    }),
  )
})

test('what is no KV config is refused, not guessed at', () => {
  const bad = ['', '{', '[]', 'null', '{}', '{"configTable":[]}', '{"configTable":{"a":1}}']
  for (const text of [...bad, '{"configTable":{"a":{"b":1}}}']) {
    const read = KvTable.parse(text)
    assert(isMalformed(read) && read.code === 'KV_CONFIG_MALFORMED', text)
  }
})
