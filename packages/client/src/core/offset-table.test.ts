import { deepEqual, equal, ok } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { isMalformed } from '@apogee/base'
import fc from 'fast-check'
import type { MessageQueue } from '../api/message.ts'
import {
  decodeLocalOffsets,
  encodeLocalOffsets,
  mergeOffsets,
  OffsetTable,
  type QueueOffset,
} from './offset-table.ts'

const queue = (queueId: number, brokerName = 'b', topic = 't'): MessageQueue => ({
  topic,
  brokerName,
  queueId,
})

test('acknowledgements only move an offset forward, a seek moves it anywhere', () => {
  const table = new OffsetTable()
  equal(table.read(queue(0)), -1)
  equal(table.update(queue(0), 5, true), true)
  equal(table.update(queue(0), 3, true), false)
  equal(table.read(queue(0)), 5)
  equal(table.update(queue(0), 3, false), true)
  equal(table.read(queue(0)), 3)
  equal(table.update(queue(0), -1, false), false)
  equal(table.read(queue(0)), 3)
})

test('what has changed is pending until that very offset is persisted', () => {
  const table = new OffsetTable()
  const cell = table.cell(queue(0))
  equal(cell.isPending, false, 'nothing is known yet')
  cell.update(0, true)
  equal(cell.isPending, true, 'zero is an offset too')
  const [pending] = table.pending()
  cell.update(7, true)
  pending!.markPersisted(0)
  equal(cell.isPending, true, 'it went on while 0 was on its way')
  cell.markPersisted(7)
  deepEqual(table.pending(), [])
})

test('a corrected offset stands against acknowledgements of before, until the queue is given up', () => {
  const table = new OffsetTable()
  const cell = table.cell(queue(0))
  cell.update(900, true)
  cell.markPersisted(900)
  table.freeze(queue(0), 10)
  equal(cell.isFrozen, true)
  equal(cell.update(901, true), false)
  equal(cell.update(5, false), false)
  deepEqual([table.read(queue(0)), cell.isPending], [10, true])
  cell.markPersisted(10)
  table.freeze(queue(0), 10)
  equal(cell.isPending, true, 'a correction is always persisted')
  table.remove(queue(0))
  equal(table.update(queue(0), 11, true), true)
  equal(cell.update(902, true), false, 'a handler of before still has the old cell')
  equal(table.read(queue(0)), 11)
})

test('after a broker was lost its offsets are persisted again, those of others are not', () => {
  const table = new OffsetTable()
  for (const brokerName of ['a', 'b']) {
    const cell = table.cell(queue(0, brokerName))
    cell.update(4, true)
    cell.markPersisted(4)
  }
  table.cell(queue(1, 'a'))
  table.forgetPersisted('a')
  deepEqual(
    table.pending().map((cell) => cell.queue),
    [queue(0, 'a')],
  )
  table.forgetPersisted()
  equal(table.pending().length, 2)
})

test('known offsets are listed, by topic when one is named', () => {
  const table = new OffsetTable()
  table.update(queue(0), 1, true)
  table.update(queue(0, 'b', 'u'), 2, true)
  table.cell(queue(3))
  deepEqual(table.entries(), [
    [queue(0), 1],
    [queue(0, 'b', 'u'), 2],
  ])
  deepEqual(table.entries('u'), [[queue(0, 'b', 'u'), 2]])
  equal(table.size, 3)
})

const golden = readFileSync(
  join(import.meta.dirname, 'rebalance/testdata/allocate-golden.txt'),
  'utf8',
)

test("Java's offset file is read", () => {
  const line = golden.split('\n').find((text) => text.startsWith('offset-file\t')) ?? ''
  const text = line
    .slice('offset-file\t'.length)
    .replace(/\\([\\nt])/g, (_, mark: string) => ({ '\\': '\\', n: '\n', t: '\t' })[mark] ?? '')
  ok(text.includes('\n\t"offsetTable"'))
  deepEqual(decodeLocalOffsets(Buffer.from(text)), [
    [queue(0, 'broker-a', 'golden'), 0],
    [queue(3, 'broker-"b"', '%RETRY%group'), Number.MAX_SAFE_INTEGER],
  ])
})

test('ours is what Java has read', () => {
  // The text that testdata/AllocateGolden.java gave to Java, which printed what it read of it.
  ok(golden.includes('{MessageQueue [topic=golden, brokerName=broker-a, queueId=7]=42}'))
  equal(
    encodeLocalOffsets([[queue(7, 'broker-a', 'golden'), 42]]).toString(),
    '{"offsetTable":{{"brokerName":"broker-a","queueId":7,"topic":"golden"}:42}}',
  )
})

test('every table comes back from its file', () => {
  const entries = fc.uniqueArray(
    fc.record(
      { topic: fc.string(), brokerName: fc.string(), queueId: fc.nat() },
      { noNullPrototype: true },
    ),
    { selector: (value) => JSON.stringify([value.topic, value.brokerName, value.queueId]) },
  )
  fc.assert(
    fc.property(entries, fc.nat(Number.MAX_SAFE_INTEGER), (queues, offset) => {
      const written: QueueOffset[] = queues.map((value) => [value, offset])
      deepEqual(decodeLocalOffsets(encodeLocalOffsets(written)), written)
    }),
  )
})

test('a file that is none, or holds what cannot be an offset, is malformed with a code', () => {
  const texts = [
    '',
    '{',
    '[]',
    '{"offsetTable":{{"topic":"t"}:"x"}}',
    '{"offsetTable":{{"topic":"t"}:-1}}',
  ]
  for (const text of texts) ok(isMalformed(decodeLocalOffsets(Buffer.from(text))), text)
  deepEqual(decodeLocalOffsets(Buffer.from('{}')), [])
})

test('a change is written over its own line only', () => {
  const stored: QueueOffset[] = [
    [queue(0), 5],
    [queue(1), 6],
  ]
  deepEqual(
    mergeOffsets(stored, [
      [queue(1), 2],
      [queue(2), 0],
    ]),
    [
      [queue(0), 5],
      [queue(1), 2],
      [queue(2), 0],
    ],
  )
})
