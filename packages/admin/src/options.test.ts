import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AdminOption } from './command.ts'
import { readOptions, readTime } from './options.ts'

const NOW_MS = Date.UTC(2026, 0, 31, 12)
const USAGE = { code: 'ADMIN_USAGE' }

function read(options: readonly AdminOption[], raw: Record<string, unknown>): unknown {
  return readOptions({ options }, raw, NOW_MS)
}

test('texts become the kinds that options declare', () => {
  const options: AdminOption[] = [
    { flags: '-i, --int <n>', key: 'int', help: '', type: 'int' },
    { flags: '-l, --long <n>', key: 'long', help: '', type: 'long' },
    { flags: '-b, --bool <b>', key: 'bool', help: '', type: 'boolean' },
    { flags: '-s, --switch', key: 'switch', help: '' },
    { flags: '-a, --list <list>', key: 'list', help: '', type: 'list' },
    { flags: '-t, --time <time>', key: 'time', help: '', type: 'time' },
    { flags: '-x, --text <text>', key: 'text', help: '' },
    { flags: '-d, --default <n>', key: 'default', help: '', type: 'int', default: 7 },
  ]
  const raw = {
    int: '-3',
    long: '9007199254740991',
    bool: 'TRUE',
    switch: true,
    list: 'a, b,',
    time: 'now',
    text: ' x ',
  }
  assert.deepEqual(read(options, raw), {
    int: -3,
    long: 9007199254740991,
    bool: true,
    switch: true,
    list: ['a', 'b'],
    time: NOW_MS,
    text: ' x ',
    default: 7,
  })
})

test('values that do not fit are refused', () => {
  const cases: [AdminOption, unknown][] = [
    [{ flags: '--n <n>', key: 'v', help: '', type: 'int' }, '2147483648'],
    [{ flags: '--n <n>', key: 'v', help: '', type: 'int' }, '1.5'],
    [{ flags: '--n <n>', key: 'v', help: '', type: 'long' }, '9007199254740993'],
    [{ flags: '--b <b>', key: 'v', help: '', type: 'boolean' }, 'maybe'],
    [{ flags: '--t <t>', key: 'v', help: '', type: 'time' }, 'tomorrow'],
    [{ flags: '--c <c>', key: 'v', help: '', choices: ['put', 'get'] }, 'take'],
    [{ flags: '--x <x>', key: 'v', help: '' }, {}],
  ]
  for (const [option, value] of cases) {
    assert.throws(() => read([option], { v: value }), USAGE, `${option.type} ${String(value)}`)
  }
})

test('required options may come as arguments, and exactly one of a pair must come', () => {
  const topic: AdminOption = {
    flags: '-t, --topic <topic>',
    key: 'topic',
    help: '',
    required: true,
  }
  assert.throws(() => read([topic], {}), { ...USAGE, message: /--topic/ })
  const both = {
    options: [topic],
    arguments: [{ key: 'topic', name: '<topic>', help: '', required: true }],
  }
  assert.deepEqual(readOptions(both, { topic: 'orders' }, NOW_MS), { topic: 'orders' })
  const only = { options: [], arguments: [{ key: 'id', name: '<id>', help: '', required: true }] }
  assert.throws(() => readOptions(only, {}, NOW_MS), { ...USAGE, message: /<id>/ })
  assert.deepEqual(readOptions(only, { id: 'x' }, NOW_MS), { id: 'x' })
  const pair: AdminOption[] = ['b', 'c'].map((key) => ({
    flags: `--${key} <x>`,
    key,
    help: '',
    oneOf: 'where',
  }))
  assert.throws(() => read(pair, {}), { ...USAGE, message: /--b or --c/ })
  assert.throws(() => read(pair, { b: '1', c: '2' }), { ...USAGE, message: /only one/ })
  assert.deepEqual(read(pair, { c: '2' }), { c: '2' })
})

test('times come in the forms of mqadmin, as ISO 8601, and as how long ago', () => {
  const at = (text: string): number => readTime('--t', text, NOW_MS)
  assert.equal(at('now'), NOW_MS)
  assert.equal(at('currentTimeMillis'), NOW_MS)
  assert.equal(at('1700000000123'), 1_700_000_000_123)
  assert.equal(at('-1'), -1)
  assert.equal(at('2026-01-31T11:00:00Z'), NOW_MS - 3_600_000)
  assert.equal(at('-90m'), NOW_MS - 5_400_000)
  assert.equal(at('-2d'), NOW_MS - 172_800_000)
  // mqadmin means the local time of who types it.
  const local = new Date(2026, 0, 31, 23, 59, 58, 7).getTime()
  assert.equal(at('2026-01-31#23:59:58:007'), local)
})
