import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { isMalformed, Malformed } from '@apogee/base'
import fc from 'fast-check'
import { compileSql, type SqlFilter } from './sql-filter.ts'

/** Recorded from Java 5.5.0 by testdata/RecordSqlCases.java. */
const CASES: readonly string[] = readFileSync(
  new URL('../testdata/sql-cases.tsv', import.meta.url),
  'utf8',
)
  .split('\n')
  .filter((line) => line !== '')

function unescaped(text: string): string {
  return text.replaceAll('\\t', '\t').replaceAll('\\n', '\n').replaceAll('\\\\', '\\')
}

function propertiesOf(fields: readonly string[]): Map<string, string> {
  return new Map(
    fields.map((field) => {
      const at = field.indexOf('=')
      return [field.slice(0, at), unescaped(field.slice(at + 1))]
    }),
  )
}

function compiled(expression: string): SqlFilter {
  const filter = compileSql(expression)
  assert.ok(!isMalformed(filter), `${expression}: ${JSON.stringify(filter)}`)
  return filter
}

function errorOf(expression: string): Malformed {
  const filter = compileSql(expression)
  assert.ok(filter instanceof Malformed, expression)
  return filter
}

test('every recorded case gives what RocketMQ gives', () => {
  assert.ok(CASES.length > 400)
  for (const line of CASES) {
    const [wanted, expression, ...fields] = line.split('\t')
    const filter = compileSql(unescaped(expression!), { ignoreRest: true })
    const properties = propertiesOf(fields)
    const result = isMalformed(filter) ? 'refused' : String(filter.evaluate(properties))
    assert.equal(result, wanted, line)
    if (!isMalformed(filter)) assert.equal(filter.matches(properties), wanted === 'true', line)
  }
})

test('what follows the expression is refused unless it is to be ignored', () => {
  for (const line of CASES) {
    const [wanted, expression, ...fields] = line.split('\t')
    const filter = compileSql(unescaped(expression!))
    if (isMalformed(filter)) assert.ok(wanted === 'refused' || filter.code === 'SQL_REST', line)
    else assert.equal(String(filter.evaluate(propertiesOf(fields))), wanted, line)
  }
  assert.equal(errorOf("a LIKE 'x%'").code, 'SQL_REST')
  assert.equal(errorOf('a = 1) OR b = 2').code, 'SQL_REST')
})

test('a property that cannot be read fails the whole expression, even beside a true term', () => {
  const filter = compiled("price > 5 OR name = 'x'")
  assert.equal(
    filter.evaluate(
      new Map([
        ['price', 'cheap'],
        ['name', 'x'],
      ]),
    ),
    'failed',
  )
  assert.equal(
    filter.matches(
      new Map([
        ['price', 'cheap'],
        ['name', 'x'],
      ]),
    ),
    false,
  )
  assert.equal(filter.matches(new Map([['name', 'x']])), true)
})

test('0.0 is a number, though the original refuses it', () => {
  assert.equal(compiled('a > 0.0').matches(new Map([['a', '0.1']])), true)
  assert.equal(compiled('a > 0.0').matches(new Map([['a', '-0.1']])), false)
})

test('errors have a code and name the place', () => {
  const cases: [expression: string, code: string, place: string][] = [
    ['', 'SQL_SYNTAX', 'the end at 0'],
    ['a = ', 'SQL_SYNTAX', 'the end at 4'],
    ['a = #', 'SQL_LEXICAL', 'at 4'],
    ["a = 'x", 'SQL_LEXICAL', 'at 4'],
    ['a = 1 AND 5', 'SQL_NOT_A_CONDITION', 'at 10'],
    ["a > 'x'", 'SQL_OPERAND', 'at 2'],
    ['a BETWEEN 9 AND 1', 'SQL_BETWEEN_BOUNDS', 'at 2'],
    ['a = 9223372036854775808', 'SQL_NUMBER_RANGE', 'at 4'],
    ['a = 1e999', 'SQL_NUMBER_RANGE', 'at 4'],
    ['(a = 1', 'SQL_SYNTAX', 'the end at 6'],
  ]
  for (const [expression, code, place] of cases) {
    const error = errorOf(expression)
    assert.equal(error.code, code, expression)
    assert.ok(error.detail.includes(place), `${expression}: ${error.detail}`)
  }
})

test('length and depth are limited', () => {
  assert.equal(errorOf(`a = '${'x'.repeat(2048)}'`).code, 'SQL_TOO_LONG')
  const nested = (levels: number) => `${'('.repeat(levels)}a = 1${')'.repeat(levels)}`
  compiled(nested(63))
  assert.equal(errorOf(nested(64)).code, 'SQL_TOO_DEEP')
  assert.equal(errorOf(`${'NOT '.repeat(65)}a`).code, 'SQL_TOO_DEEP')
  assert.equal(errorOf(`a${' = a'.repeat(70)}`).code, 'SQL_TOO_DEEP')
  const wide = compileSql(`a = 1${' OR a = 1'.repeat(100_000)}`, { maxLength: 2_000_000 })
  assert.ok(!isMalformed(wide))
  assert.equal(wide.matches(new Map([['a', '2']])), false)
})

test('limits hold however high they are set', () => {
  for (const text of ['('.repeat(100_000), '-'.repeat(100_000), `a${'=a'.repeat(100_000)}`]) {
    const filter = compileSql(text, { maxLength: 1e9, maxDepth: 1e9 })
    assert.ok(filter instanceof Malformed && filter.code === 'SQL_TOO_DEEP')
  }
})

test('any text compiles or gives a coded error, and evaluation never throws', () => {
  const word = fc.constantFrom(
    ..."a b 'x' 1 2.5 3000000000 AND or NOT IN ( ) , = <> > <= BETWEEN IS NULL TRUE".split(' '),
    ..."- + CONTAINS -- /* ' ''".split(' '),
  )
  const text = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.array(word, { maxLength: 20 }).map((words) => words.join(' ')),
  )
  const properties = fc.dictionary(fc.constantFrom('a', 'b'), fc.string())
  fc.assert(
    fc.property(text, properties, (expression, values) => {
      const filter = compileSql(expression)
      if (isMalformed(filter)) assert.match(filter.code, /^SQL_[A-Z_]+$/)
      else assert.equal(typeof filter.matches(new Map(Object.entries(values))), 'boolean')
    }),
    { numRuns: 2000 },
  )
})
