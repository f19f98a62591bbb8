import {
  type Column,
  type CommandOutput,
  outputToJson,
  type RecordOutput,
  type Row,
  type TableOutput,
} from '@apogee/admin'
import { cellText, isScalar } from './cells.ts'
import type { OutputForm } from './output-options.ts'
import { printableLine, printableText } from './printable.ts'
import { type TableLayout, tableText } from './table.ts'

export interface RenderOptions {
  readonly form: OutputForm
  readonly layout: TableLayout
  /** One of several: JSON on one line, YAML documents. */
  readonly isRepeated: boolean
}

/** An output as text, with a line break at its end unless it is empty. */
export async function renderOutput(output: CommandOutput, options: RenderOptions): Promise<string> {
  switch (options.form) {
    case 'json': {
      const indent = options.isRepeated ? undefined : 2
      return `${JSON.stringify(outputToJson(output), null, indent)}\n`
    }
    case 'yaml': {
      const { stringify } = await import('yaml')
      const text = stringify(outputToJson(output), { aliasDuplicateObjects: false })
      return options.isRepeated ? `---\n${text}` : text
    }
    case 'name':
      return namesText(output)
    default:
      return readableText(output, options)
  }
}

function readableText(output: CommandOutput, { form, layout }: RenderOptions): string {
  switch (output.kind) {
    case 'table':
      return renderTable(output, form === 'wide', layout)
    case 'record':
      return renderRecord(output, layout)
    case 'done':
      return `${printableText(output.message)}\n`
  }
}

function renderTable(output: TableOutput, isWide: boolean, layout: TableLayout): string {
  const columns = output.columns.filter((column) => isWide || column.wide !== true)
  const rows = output.rows.map((row) => columns.map((column) => cellText(row[column.key], column)))
  return tableText(
    columns.map((column) => ({ title: column.title, align: alignOf(column, output.rows) })),
    rows,
    isWide ? { ...layout, columns: null } : layout,
  )
}

/** Numbers stand right unless the column says otherwise. */
function alignOf(column: Column, rows: readonly Row[]): 'left' | 'right' {
  if (column.align !== undefined) return column.align
  const values = rows
    .map((row) => row[column.key])
    .filter((value) => value !== null && value !== undefined)
  const isNumeric = values.length > 0 && values.every((value) => typeof value === 'number')
  return isNumeric && !column.key.endsWith('AtMs') ? 'right' : 'left'
}

/** Members with plain values as two columns; lists of things as tables below. */
function renderRecord(output: RecordOutput, layout: TableLayout): string {
  const entries = Object.entries(output.value).filter(([, value]) => value !== undefined)
  const isNested = (value: unknown): boolean =>
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((one) => !isScalar(one) && !Array.isArray(one))
  const plain = entries.filter(([, value]) => !isNested(value))
  const two = [
    { title: '', align: 'left' },
    { title: '', align: 'left' },
  ] as const
  const head = tableText(
    two,
    plain.flatMap(([key, value]) => memberLines(key, value)),
    { ...layout, hasHeaders: false },
  )
  const tables = entries
    .filter(([, value]) => isNested(value))
    .map(([key, value]) => `${printableLine(key)}:\n${nestedTable(value as Row[], layout)}`)
  return [head, ...tables].filter((text) => text !== '').join('\n')
}

/** A member, or the members of an object: `tls.ca  /etc/ca.pem`. */
function memberLines(key: string, value: unknown): string[][] {
  if (isScalar(value) || Array.isArray(value) || value instanceof Uint8Array) {
    return [[printableLine(key), cellText(value, { key })]]
  }
  const members = value instanceof Map ? [...value] : Object.entries(value as object)
  if (members.length === 0) return [[printableLine(key), '-']]
  return members.flatMap(([name, member]) => memberLines(`${key}.${String(name)}`, member))
}

function nestedTable(rows: readonly Row[], layout: TableLayout): string {
  const keys = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  const columns = keys.map((key) => ({ key, title: titleOf(key) }))
  const lines = rows.map((row) => keys.map((key) => cellText(row[key], { key })))
  return tableText(
    columns.map((column) => ({ title: column.title, align: alignOf(column, rows) })),
    lines,
    layout,
  )
}

/** `maxOffset` → `MAX OFFSET`. */
function titleOf(key: string): string {
  return key
    .replace(/AtMs$/, ' at')
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toUpperCase()
}

/** What a script feeds to the next command: the first column of each row, or the first member. */
function namesText(output: CommandOutput): string {
  const rows =
    output.kind === 'table' ? output.rows : output.value === undefined ? [] : [output.value]
  const key = output.kind === 'table' ? output.columns[0]?.key : undefined
  const names = rows.map((row) =>
    cellText(key === undefined ? Object.values(row)[0] : row[key], { key: key ?? '' }),
  )
  return [...new Set(names)].map((name) => `${name}\n`).join('')
}
