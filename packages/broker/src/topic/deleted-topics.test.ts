import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { deletedTopicTable } from '../persist/tables.ts'
import { DeletedTopics } from './deleted-topics.ts'

test('deleted topics are kept while the log holds what they were, and never point beyond its end', () => {
  const deleted = new DeletedTopics(() => 10)
  let changes = 0
  deleted.onChange = () => changes++
  deleted.add('gone', 100)
  deleted.add('kept', 500)
  deleted.add('cut', 900)
  deleted.fit(100, 800)
  deepEqual(
    [...deleted.entries()],
    [
      ['kept', 500],
      ['cut', 800],
    ],
  )
  deleted.fit(100, 800)
  equal(changes, 4)
})

test('the oldest deletions go beyond the limit; the file brings them back', () => {
  const deleted = new DeletedTopics(() => 2)
  for (const [index, topic] of ['a', 'b', 'a', 'c'].entries()) deleted.add(topic, index)
  const text = deletedTopicTable(deleted).encode()
  const loaded = new DeletedTopics(() => 2)
  deletedTopicTable(loaded).decode(text)
  deepEqual(
    [...loaded.entries()],
    [
      ['a', 2],
      ['c', 3],
    ],
  )
})
