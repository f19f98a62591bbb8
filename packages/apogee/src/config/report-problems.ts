import type { PlacedProblem } from './broker-settings.ts'

/** One line a problem, as a compiler would write it: place, key, what is wrong, what was probably meant. */
export function formatProblem(problem: PlacedProblem): string {
  const place = problem.origin === null ? '' : `${problem.origin.name}: `
  const hint = problem.suggestion === undefined ? '' : ` (did you mean ${problem.suggestion}?)`
  return `${place}${problem.severity}: ${problem.key}=${problem.value}: ${problem.message}${hint} [${problem.code}]`
}

/** Whether the program must not start: a bad value always stops it, a warning only with `--strict`. */
export function isFatal(problems: readonly PlacedProblem[], strict: boolean): boolean {
  return problems.some((one) => one.severity === 'error' || (strict && one.severity === 'warning'))
}
