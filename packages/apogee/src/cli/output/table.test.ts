import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { type TableLayout, tableText } from './table.ts'

const COLUMNS = [
  { title: 'NAME', align: 'left' },
  { title: 'COUNT', align: 'right' },
  { title: 'WHAT', align: 'left' },
] as const
const LAYOUT: TableLayout = { hasHeaders: true, columns: null, styleHeader: (text) => text }

test('columns stand two apart without borders or blanks at the end; numbers stand right', () => {
  const text = tableText(
    COLUMNS,
    [
      ['a', '5', 'x'],
      ['longer', '123456', ''],
    ],
    LAYOUT,
  )
  equal(text, 'NAME     COUNT  WHAT\na            5  x\nlonger  123456\n')
})

test('wide characters take two columns', () => {
  const lines = tableText(
    COLUMNS,
    [
      ['世界', '1', 'x'],
      ['abcd', '2', 'y'],
    ],
    LAYOUT,
  ).split('\n')
  deepEqual(lines.slice(1, 3), ['世界      1  x', 'abcd      2  y'])
})

test('without headers there are only rows, and without rows nothing', () => {
  equal(tableText(COLUMNS, [['a', '1', 'x']], { ...LAYOUT, hasHeaders: false }), 'a  1  x\n')
  equal(tableText(COLUMNS, [], { ...LAYOUT, hasHeaders: false }), '')
  equal(tableText(COLUMNS, [], LAYOUT), 'NAME  COUNT  WHAT\n')
})

test('on a terminal lines fit: the widest column gives way, the others stay whole', () => {
  const rows = [['topic-1', '17', 'w'.repeat(200)]]
  const lines = tableText(COLUMNS, rows, { ...LAYOUT, columns: 60 })
    .trimEnd()
    .split('\n')
  for (const line of lines) ok(line.length <= 60, `${line.length}: ${line}`)
  ok(lines[1]!.startsWith('topic-1     17  www'))
  ok(lines[1]!.endsWith('…'))
})

test('a terminal too narrow for anything still shows something of every column', () => {
  const rows = [['n'.repeat(30), '1', 'w'.repeat(30)]]
  const [, line] = tableText(COLUMNS, rows, { ...LAYOUT, columns: 5 }).split('\n')
  ok(line!.includes('n…') && line!.includes('w…'), line!)
})
