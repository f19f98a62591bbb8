import { flushCompileCache } from 'node:module'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

type CollectGarbage = (options: { type: string; execution: string; flavor: string }) => void

/**
 * Once the start is over: what was compiled is kept for the next one, and, when nobody is served yet, the memory that the
 * start took and that V8 would hold on to (a quarter of the heap) goes back, for a pause of some 50 ms.
 */
export function settle(isIdle: boolean): void {
  flushCompileCache()
  if (!isIdle) return
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('globalThis.gc') as CollectGarbage | undefined
  collect?.({ type: 'major', execution: 'sync', flavor: 'last-resort' })
  // Code compiled under other flags is not taken at the next start.
  setFlagsFromString('--no-expose-gc')
}
