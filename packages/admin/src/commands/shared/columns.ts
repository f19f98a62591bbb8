import { formatPerm } from '@apogee/protocol'
import type { Column } from '../../command.ts'

/** A column of texts. */
export function column(key: string, title: string, more: Partial<Column> = {}): Column {
  return { key, title, ...more }
}

/** A column of numbers. */
export function numbers(key: string, title: string, more: Partial<Column> = {}): Column {
  return { key, title, align: 'right', ...more }
}

/** Permissions as `RW-`; JSON has the bits. */
export function permissions(key: string, title: string): Column {
  return {
    key,
    title,
    format: (value) => (typeof value === 'number' ? formatPerm(value) : '-'),
  }
}

/** Columns shown with `-o wide` only. */
export function wide(...columns: readonly Column[]): Column[] {
  return columns.map((one) => ({ ...one, wide: true }))
}
