import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { mergedOffsets, offsetsToTell, type QueueOffset } from './offset-merge.ts'

/** `topic@group/queue=offset` words. */
function offsets(text: string): QueueOffset[] {
  return text
    .split(' ')
    .filter((word) => word !== '')
    .map((word) => {
      const [, topic = '', group = '', queueId, offset] =
        /^(.+)@(.+)\/(\d+)=(\d+)$/.exec(word) ?? []
      return { topic, group, queueId: Number(queueId), offset: Number(offset) }
    })
}

function table(text: string): Map<string, Map<number, number>> {
  const result = new Map<string, Map<number, number>>()
  for (const { topic, group, queueId, offset } of offsets(text)) {
    const key = `${topic}@${group}`
    result.set(key, (result.get(key) ?? new Map()).set(queueId, offset))
  }
  return result
}

function words(list: Iterable<QueueOffset>): string {
  return [...list].map((one) => `${one.topic}@${one.group}/${one.queueId}=${one.offset}`).join(' ')
}

function tableWords(merged: ReadonlyMap<string, ReadonlyMap<number, number>>): string {
  const list: string[] = []
  for (const [key, queues] of merged) {
    for (const [queueId, offset] of queues) list.push(`${key}/${queueId}=${offset}`)
  }
  return list.join(' ')
}

const cases: readonly [
  what: string,
  master: string,
  committed: string,
  higher: string,
  settled: string,
  merged: string,
][] = [
  ['nothing was committed here: the master s, as it is', 't@g/0=5', '', '', '', 't@g/0=5'],
  ['higher here flows back', 't@g/0=5', 't@g/0=9', 't@g/0=9', '', 't@g/0=9'],
  ['lower here: the master s', 't@g/0=9', 't@g/0=5', '', 't@g/0=5', 't@g/0=9'],
  ['equal: nothing to tell', 't@g/0=9', 't@g/0=9', '', 't@g/0=9', 't@g/0=9'],
  ['a queue that the master lacks', 't@g/0=5', 't@g/1=0', 't@g/1=0', '', 't@g/0=5 t@g/1=0'],
  ['a group that the master lacks', '', 't@g/0=3', 't@g/0=3', '', 't@g/0=3'],
  [
    'each queue for itself',
    't@g/0=5 t@g/1=8 u@g/0=1',
    't@g/0=9 t@g/1=7 t@h/0=2',
    't@g/0=9 t@h/0=2',
    't@g/1=7',
    't@g/0=9 t@g/1=8 u@g/0=1 t@h/0=2',
  ],
]

for (const [what, master, committed, higher, settled, merged] of cases) {
  test(`offsets: ${what}`, () => {
    const decided = offsetsToTell(table(master), offsets(committed))
    equal(words(decided.higher), higher)
    equal(words(decided.settled), settled)
    equal(tableWords(mergedOffsets(table(master), decided.higher)), merged)
  })
}

test('nothing goes back by it, and only what was committed here is above the master s', () => {
  const offset = fc.record({
    topic: fc.constantFrom('t', 'u'),
    group: fc.constantFrom('g', 'h'),
    queueId: fc.nat(2),
    offset: fc.nat(5),
  })
  fc.assert(
    fc.property(fc.array(offset), fc.array(offset), (masters, committed) => {
      const master = table(words(masters))
      const { higher, settled } = offsetsToTell(master, committed)
      equal(higher.length + settled.length, committed.length)
      const merged = mergedOffsets(master, higher)
      for (const [key, queues] of merged) {
        for (const [queueId, value] of queues) {
          const masters = master.get(key)?.get(queueId) ?? -1
          const here = committed.filter(
            (one) => `${one.topic}@${one.group}` === key && one.queueId === queueId,
          )
          equal(value, Math.max(masters, ...here.map((one) => one.offset)))
        }
      }
      for (const [key, queues] of master) {
        deepEqual(
          [...queues.keys()].filter((queueId) => !merged.get(key)?.has(queueId)),
          [],
        )
      }
    }),
  )
})
