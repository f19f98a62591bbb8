import type { Clock } from '@apogee/env'
import { AdminError, AdminErrorCode } from '../admin-error.ts'

/** Lets time pass. Rejects with ADMIN_ABORTED as soon as the signal says so. */
export function wait(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      timer.cancel()
      reject(new AdminError(AdminErrorCode.ABORTED, 'stopped'))
    }
    const timer = clock.after(ms, () => {
      signal?.removeEventListener('abort', abort)
      resolve()
    })
    if (signal?.aborted === true) abort()
    else signal?.addEventListener('abort', abort, { once: true })
  })
}

/** As `wait`; false when the signal ended it. */
export async function waitOrStop(clock: Clock, ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await wait(clock, ms, signal)
    return true
  } catch (error) {
    if (error instanceof AdminError && error.code === AdminErrorCode.ABORTED) return false
    throw error
  }
}
