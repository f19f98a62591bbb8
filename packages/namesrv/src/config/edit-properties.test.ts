import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePropertiesText } from '@apogee/protocol'
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

test('comments and continued lines are no keys, also when a comment ends in a backslash', () => {
  const before = '#a=0\\\nlist=x\\\na=0\n'
  assert.equal(edit(before, { a: '1' }), `${before}a=1\n`)
})

test('the lines that continue a value go with it', () => {
  assert.equal(edit('a=x\\\n  y\\\n  z\nb=1\n', { a: '1' }), 'a=1\nb=1\n')
})

test('whatever a value holds, it stays one entry and reads the same', () => {
  const values = ['x\nbindAddress=0.0.0.0', 'a\\', '\\', ' lead', 'ü€', 'a\r\n\tb', 'a=b:c #d']
  for (const value of values) {
    const text = edit('k=0\nz=1\n', { k: value })
    const entries = parsePropertiesText(Buffer.from(text))
    assert.deepEqual(
      entries,
      new Map([
        ['k', value],
        ['z', '1'],
      ]),
      value,
    )
  }
})

test('every line of a key that is there twice is changed', () => {
  assert.equal(edit('a=0\na=2\n', { a: '1' }), 'a=1\na=1\n')
})
