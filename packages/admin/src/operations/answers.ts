import { AdminError } from '../admin-error.ts'
import type { Problem } from '../command.ts'

/** What several servers answered. Some may have failed: their part is missing, and `problems` says which. */
export interface Answers<T> {
  readonly results: readonly T[]
  readonly problems: readonly Problem[]
}

/** Requests to different servers or clients under way at once. */
export const PARALLEL_MAX = 16

/** What an error says about whom. Errors that are not ours pass through. */
export function problemOf(target: string, error: unknown): Problem {
  if (!(error instanceof AdminError)) throw error
  const { code, message, retriable, responseCode } = error
  const problem: Problem = { target, code, message, retriable }
  return responseCode === null ? problem : { ...problem, responseCode }
}

/** What was asked for, or null when the server refuses with `noneCode`: with some requests that is how it says "none". */
export async function orNull<T>(answer: Promise<T>, noneCode: number): Promise<T | null> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof AdminError && error.responseCode === noneCode) return null
    throw error
  }
}

/** Runs `work` for every item, PARALLEL_MAX at a time. Results are in the order of the items; the first error rejects. */
export async function inParallel<I, R>(
  items: readonly I[],
  work: (item: I, index: number) => Promise<R>,
): Promise<R[]> {
  const results = new Array<R>(items.length)
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++
      results[index] = await work(items[index]!, index)
    }
  }
  const workers = Array.from({ length: Math.min(PARALLEL_MAX, items.length) }, worker)
  await Promise.all(workers)
  return results
}

/** Asks every target; who fails becomes a problem. When all fail, the first error is thrown. */
export async function askEach<I, R>(
  items: readonly I[],
  nameOf: (item: I) => string,
  ask: (item: I) => Promise<R>,
): Promise<Answers<R>> {
  let first: { error: unknown } | null = null
  const answers = await tryEach(items, nameOf, async (item) => {
    try {
      return await ask(item)
    } catch (error) {
      first ??= { error }
      throw error
    }
  })
  const failed = first as { error: unknown } | null
  if (answers.results.length === 0 && failed !== null) throw failed.error
  return answers
}

/** As `askEach`, for lists that are worth showing when nobody answered, too. */
export async function tryEach<I, R>(
  items: readonly I[],
  nameOf: (item: I) => string,
  ask: (item: I) => Promise<R>,
): Promise<Answers<R>> {
  const results: R[] = []
  const problems: Problem[] = []
  const outcomes = await inParallel(items, async (item) => {
    try {
      return { value: await ask(item), problem: null }
    } catch (error) {
      return { value: null, problem: problemOf(nameOf(item), error) }
    }
  })
  for (const { value, problem } of outcomes) {
    if (problem === null) results.push(value as R)
    else problems.push(problem)
  }
  return { results, problems }
}

/** The problems of several answers together. */
export function problemsOf(...answers: readonly Answers<unknown>[]): Problem[] {
  return answers.flatMap(({ problems }) => problems)
}
