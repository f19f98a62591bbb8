import assert from 'node:assert/strict'
import { test } from 'node:test'
import { editProperties } from './edit-properties.ts'

const edit = (text: string, changes: Record<string, string>): string =>
  editProperties(text, new Map(Object.entries(changes)))

test('a value is replaced in its line, and the rest of the file stays', () => {
  const before = '# ours\nlistenPort = 9876\n\nenableTopicList:true\nunknown=1\n'
  const after = '# ours\nlistenPort = 9876\n\nenableTopicList=false\nunknown=1\n'
  assert.equal(edit(before, { enableTopicList: 'false' }), after)
})

test('keys without a line come last', () => {
  assert.equal(edit('', { a: '1', b: '2' }), 'a=1\nb=2\n')
  assert.equal(edit('a=0', { b: '2' }), 'a=0\nb=2\n')
})

test('comments and continued lines are no keys', () => {
  const before = '#a=0\nlist=x\\\na=0\n'
  assert.equal(edit(before, { a: '1' }), `${before}a=1\n`)
})

test('every line of a key that is there twice is changed', () => {
  assert.equal(edit('a=0\na=2\n', { a: '1' }), 'a=1\na=1\n')
})
