import type { Column, DoneOutput, Problem, RecordOutput, Row, TableOutput } from '../../command.ts'

export interface Extras {
  readonly notes?: readonly string[]
  readonly problems?: readonly Problem[]
}

export function table(
  columns: readonly Column[],
  rows: readonly Row[],
  extras: Extras = {},
): TableOutput {
  return { kind: 'table', columns, rows, ...extras }
}

export function record(value: Row, extras: Extras = {}): RecordOutput {
  return { kind: 'record', value, ...extras }
}

export function done(message: string, value?: Row, extras: Extras = {}): DoneOutput {
  return { kind: 'done', message, ...(value === undefined ? {} : { value }), ...extras }
}

/** `1 message`, `2 messages`. */
export function counted(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? '' : 's'}`
}
