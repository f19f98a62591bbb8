// Values of a CommandOutput as texts of a table.
import { type Column, formatCell } from '@apogee/admin'
import { printableLine } from './printable.ts'

/** A cell of a table: always one line. */
export function cellText(value: unknown, column: Pick<Column, 'key' | 'format'>): string {
  return printableLine(formatCell({ title: '', ...column }, value))
}

export function isScalar(value: unknown): boolean {
  return value === null || typeof value !== 'object'
}
