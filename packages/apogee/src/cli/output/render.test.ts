import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import type { CommandOutput } from '@apogee/admin'
import type { OutputForm } from './output-options.ts'
import { renderOutput } from './render.ts'

const TABLE: CommandOutput = {
  kind: 'table',
  columns: [
    { key: 'topic', title: 'TOPIC' },
    { key: 'lag', title: 'LAG' },
    { key: 'seenAtMs', title: 'SEEN' },
    { key: 'extra', title: 'EXTRA', wide: true },
  ],
  rows: [
    { topic: 'orders', lag: 5, seenAtMs: 1_769_846_400_000, extra: null },
    { topic: 'a\nb', lag: 100, seenAtMs: 0, extra: 'x' },
  ],
}

function render(output: CommandOutput, form: OutputForm, isRepeated = false): Promise<string> {
  const layout = { hasHeaders: true, columns: null, styleHeader: (text: string) => text }
  return renderOutput(output, { form, layout, isRepeated })
}

test('a table shows its columns, the wide ones with -o wide; a cell never breaks its line', async () => {
  equal(
    await render(TABLE, 'table'),
    ['TOPIC   LAG  SEEN', 'orders    5  2026-01-31T08:00:00.000Z', 'a\\nb    100  -', ''].join(
      '\n',
    ),
  )
  match(await render(TABLE, 'wide'), /^TOPIC {3}LAG {2}SEEN {22}EXTRA\n/)
})

test('JSON has raw values, with the text of a time beside it', async () => {
  const json = JSON.parse(await render(TABLE, 'json')) as { items: unknown[] }
  deepEqual(json.items[0], {
    topic: 'orders',
    lag: 5,
    seenAt: '2026-01-31T08:00:00.000Z',
    seenAtMs: 1_769_846_400_000,
    extra: null,
  })
})

test('outputs that follow each other are lines of JSON, and documents of YAML', async () => {
  equal((await render(TABLE, 'json', true)).trimEnd().includes('\n'), false)
  match(await render(TABLE, 'yaml', true), /^---\nitems:\n/)
  match(await render(TABLE, 'yaml'), /^items:\n {2}- topic: orders\n/)
})

test('names are the first column, each once', async () => {
  const rows = [{ topic: 'a' }, { topic: 'b' }, { topic: 'a' }]
  equal(await render({ ...TABLE, rows }, 'name'), 'a\nb\n')
  equal(
    await render({ kind: 'done', message: 'done', value: { topic: 'orders' } }, 'name'),
    'orders\n',
  )
})

test('a record shows members, those of objects with their path, and lists as tables', async () => {
  const output: CommandOutput = {
    kind: 'record',
    value: {
      name: 'prod',
      tls: { ca: '/ca.pem', verify: false },
      keys: ['a', 'b'],
      queues: [{ queueId: 0, maxOffset: 10 }],
    },
  }
  equal(
    await render(output, 'table'),
    [
      'name        prod',
      'tls.ca      /ca.pem',
      'tls.verify  false',
      'keys        a,b',
      '',
      'queues:',
      'QUEUE ID  MAX OFFSET',
      '       0          10',
      '',
    ].join('\n'),
  )
})

test('something done is its message', async () => {
  equal(
    await render({ kind: 'done', message: 'topic orders deleted' }, 'table'),
    'topic orders deleted\n',
  )
  deepEqual(
    JSON.parse(await render({ kind: 'done', message: 'ok', value: { count: 2 } }, 'json')),
    {
      message: 'ok',
      count: 2,
    },
  )
})
