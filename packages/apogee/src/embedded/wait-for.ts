import { ApogeeError } from '@apogee/base'

/** How long and how often `cluster.waitFor` asks. Times are in ms. */
export interface WaitOptions {
  /** Real time, ms. Default 5,000. */
  timeoutMs?: number
  /** What the error says was waited for. */
  what?: string
  signal?: AbortSignal
}

const TIMEOUT_MS = 5000
const LOOK_MS = 2

/**
 * Asks again and again until the answer is neither false, null nor undefined, and resolves to it. A predicate that throws
 * has not been reached yet. Rejects with CLUSTER_WAIT_TIMEOUT, whose `cause` is what was thrown last, or with the signal's
 * reason.
 */
export async function waitFor<T>(
  predicate: () => T | Promise<T>,
  { signal, timeoutMs = TIMEOUT_MS, what = 'the predicate' }: WaitOptions,
): Promise<NonNullable<T>> {
  const endMs = performance.now() + timeoutMs
  let cause: unknown
  for (;;) {
    signal?.throwIfAborted()
    try {
      const answer = await predicate()
      if (answer !== false && answer !== null && answer !== undefined) return answer
      cause = undefined
    } catch (error) {
      cause = error
    }
    if (performance.now() > endMs) {
      const text = `${what} was not reached in ${timeoutMs} ms`
      throw new ApogeeError('CLUSTER_WAIT_TIMEOUT', text, cause === undefined ? {} : { cause })
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
}
