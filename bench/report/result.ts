// What a scenario leaves behind: every sample, and the rows of the table that the issue asks for.
import type { Machine } from '../measure/machine.ts'
import { median } from '../measure/statistics.ts'

export interface Sample {
  candidate: string
  /** What was measured, such as `1x64`. */
  shape: string
  round: number
  values: Readonly<Record<string, number>>
}

export type Verdict = 'aim' | 'pass' | 'short'

export interface Row {
  measure: string
  /** Median of ours, and of what it is held against (null: against a fixed limit). */
  value: number
  reference: number | null
  unit: string
  /** value / reference, or the value itself. */
  ratio: number
  atLeast: number
  aim: number
  verdict: Verdict
}

export interface ScenarioResult {
  scenario: string
  startedAt: string
  machine: Machine
  options: Readonly<Record<string, string | number | boolean>>
  samples: readonly Sample[]
  rows: readonly Row[]
  notes: readonly string[]
}

export interface Goal {
  measure: string
  unit: string
  atLeast: number
  aim: number
  better: 'higher' | 'lower'
}

/** Samples of one scenario, as they come. */
export class Samples {
  readonly all: Sample[] = []

  add(candidate: string, shape: string, round: number, values: Record<string, number>): void {
    this.all.push({ candidate, shape, round, values })
  }

  /** Median over the rounds; null when there is no such sample. */
  median(candidate: string, shape: string, value: string): number | null {
    const found = this.all.flatMap((sample) => {
      const one = sample.values[value]
      return sample.candidate === candidate && sample.shape === shape && one !== undefined
        ? [one]
        : []
    })
    return found.length === 0 ? null : median(found)
  }
}

/** A row for a goal; null when one side was not measured. */
export function rowOf(
  goal: Goal,
  value: number | null,
  reference: number | null | 'limit',
): Row | null {
  if (value === null || reference === null) return null
  const ratio = reference === 'limit' ? value : value / reference
  const reaches = (limit: number): boolean =>
    goal.better === 'higher' ? ratio >= limit : ratio <= limit
  const verdict = reaches(goal.aim) ? 'aim' : reaches(goal.atLeast) ? 'pass' : 'short'
  const { measure, unit, atLeast, aim } = goal
  const against = reference === 'limit' ? null : reference
  return { measure, value, reference: against, unit, ratio, atLeast, aim, verdict }
}
