/** A broken promise inside our own code: a bug, never an operating condition. The process should end. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError'
}

/**
 * Checks a condition that only a bug can break, in production too. Values `a` and `b` go into the message, so that the
 * report carries the numbers that broke it. Build no string at the call: this runs on paths where that would cost.
 */
export function assert(
  condition: boolean,
  what: string,
  a?: unknown,
  b?: unknown,
): asserts condition {
  if (!condition) fail(what, a, b)
}

/** The end of an exhaustive `switch`. */
export function unreachable(value: never): never {
  throw new AssertionError(`unreachable: ${String(value)}`)
}

function fail(what: string, a: unknown, b: unknown): never {
  const values = [a, b].filter((value) => value !== undefined).map(String)
  throw new AssertionError(values.length === 0 ? what : `${what} (${values.join(', ')})`)
}
