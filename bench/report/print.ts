import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { spread } from '../measure/statistics.ts'
import type { Row, Sample, ScenarioResult } from './result.ts'

function number(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en')
  return value.toPrecision(3)
}

function printTable(titles: readonly string[], lines: readonly (readonly string[])[]): void {
  const widths = titles.map((title, column) =>
    Math.max(title.length, ...lines.map((line) => line[column]?.length ?? 0)),
  )
  const format = (line: readonly string[]): string =>
    line
      .map((text, column) =>
        column === 0 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0),
      )
      .join('  ')
  for (const line of [titles, ...lines]) console.log(`  ${format(line)}`)
}

function rowLine(row: Row): string[] {
  const reference = row.reference === null ? '' : number(row.reference)
  const value = `${number(row.value)} ${row.unit}`
  return [
    row.measure,
    value,
    reference,
    number(row.ratio),
    number(row.atLeast),
    number(row.aim),
    row.verdict,
  ]
}

/** Medians and the spread of each value over the rounds. */
function sampleLines(samples: readonly Sample[]): string[][] {
  const groups = new Map<string, { numbers: number[]; key: string[] }>()
  for (const { candidate, shape, values } of samples) {
    for (const [name, value] of Object.entries(values)) {
      const key = [candidate, shape, name]
      const group = groups.get(key.join('\0')) ?? { numbers: [], key }
      group.numbers.push(value)
      groups.set(key.join('\0'), group)
    }
  }
  return [...groups.values()].map(({ numbers, key }) => {
    const sorted = numbers.toSorted((a, b) => a - b)
    const middle = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0
    return [...key, number(middle), number(spread(numbers)), String(numbers.length)]
  })
}

export function printResult(result: ScenarioResult): void {
  console.log(`\n${result.scenario}`)
  printTable(
    ['candidate', 'shape', 'value', 'median', 'max/min', 'rounds'],
    sampleLines(result.samples),
  )
  if (result.rows.length > 0) {
    console.log('')
    printTable(
      ['measure', 'value', 'against', 'ratio', 'at least', 'aim', 'verdict'],
      result.rows.map(rowLine),
    )
  }
  for (const note of result.notes) console.log(`  note: ${note}`)
}

/** Writes bench/results/<date>-<scenario>.json and says where. */
export function writeResult(result: ScenarioResult): void {
  const folder = join(import.meta.dirname, '..', 'results')
  mkdirSync(folder, { recursive: true })
  const name = `${result.startedAt.slice(0, 10)}-${result.scenario}.json`
  writeFileSync(join(folder, name), `${JSON.stringify(result, null, 2)}\n`)
  console.log(`  written to bench/results/${name}`)
}
