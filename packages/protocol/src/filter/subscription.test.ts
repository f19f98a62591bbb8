import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isMalformed, javaHash, Malformed } from '@apogee/base'
import fc from 'fast-check'
import { formatProperties } from '../message/properties.ts'
import { PropertyBytesLookup } from './property-lookup.ts'
import { buildSubscription, type SubscriptionData } from './subscription.ts'
import { TagFilter } from './tag-filter.ts'

function subscription(expression: string | null, type: string | null = null): SubscriptionData {
  const data = buildSubscription('T', expression, type, 42)
  assert.ok(!isMalformed(data))
  return data
}

test('tags are split, trimmed and hashed as in Java', () => {
  const data = subscription(' TagA||TagB ||  || TagA', 'TAG')
  assert.deepEqual(data.tagsSet, ['TagA', 'TagB'])
  assert.deepEqual(data.codeSet, [2598919, 2598920])
  assert.equal(data.subString, ' TagA||TagB ||  || TagA')
  assert.equal(data.subVersion, 42)
  assert.deepEqual(subscription('\u00a0a').tagsSet, ['\u00a0a'])
})

test('no expression and * take everything', () => {
  for (const expression of [null, '', '*']) {
    const data = subscription(expression)
    assert.equal(data.subString, '*')
    assert.deepEqual(data.codeSet, [])
    assert.ok(new TagFilter(data).matches(12345))
  }
})

test('an expression of bars only, an empty SQL92 one and an unknown type are refused', () => {
  const codeOf = (expression: string, type: string) => {
    const data = buildSubscription('T', expression, type, 0)
    return data instanceof Malformed ? data.code : null
  }
  assert.equal(codeOf('||', 'TAG'), 'SUBSCRIPTION_EXPRESSION_ILLEGAL')
  assert.equal(codeOf('', 'SQL92'), 'SUBSCRIPTION_EXPRESSION_ILLEGAL')
  assert.equal(codeOf('a', 'XPATH'), 'SUBSCRIPTION_TYPE_UNKNOWN')
  assert.equal(codeOf('a = 1', 'SQL92'), null)
})

test('a tag filter passes the hashes of its tags and no other', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ minLength: 1 })),
      fc.string({ minLength: 1 }),
      (tags, other) => {
        const clean = tags.filter((tag) => !tag.includes('|') && tag.trim() === tag && tag !== '*')
        if (clean.length === 0) return
        const filter = new TagFilter(subscription(clean.join(' || ')))
        for (const tag of clean) assert.ok(filter.matches(javaHash(tag)))
        const wanted = clean.some((tag) => javaHash(tag) === javaHash(other))
        assert.equal(filter.matches(javaHash(other)), wanted)
      },
    ),
  )
  assert.equal(new TagFilter(subscription('  || ')).matches(0), false)
  assert.equal(new TagFilter(subscription('a')).matches(0), false)
})

test('SQL92 subscriptions are not held back by tags', () => {
  assert.ok(new TagFilter(subscription("a = 'x'", 'SQL92')).matchesAll)
})

test('properties are looked up in the bytes of a record', () => {
  const bytes = Buffer.from(
    `....${formatProperties([
      ['a', '1'],
      ['ab', 'ü'],
      ['a', '2'],
    ])}..`,
  )
  const lookup = new PropertyBytesLookup()
  lookup.reset(bytes, 4, bytes.length - 2)
  assert.equal(lookup.get('a'), '2')
  assert.equal(lookup.get('ab'), 'ü')
  assert.equal(lookup.get('b'), null)
})
