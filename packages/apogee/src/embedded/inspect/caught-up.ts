import { setImmediate as turn } from 'node:timers/promises'
import type { BrokerNode } from '../broker-node.ts'

/** A paused broker dispatches nothing; one that runs needs a turn or two. */
const WAIT_MAX_MS = 1000

/**
 * A message is acknowledged a moment before its queue shows it. Resolves when everything that has been acknowledged by
 * now is shown, or the broker does not go on.
 */
export async function caughtUp(broker: BrokerNode): Promise<void> {
  const { services } = broker
  if (services === null) return
  const { store } = services
  const { confirmed } = store.watermarks
  const endMs = performance.now() + WAIT_MAX_MS
  while (store.watermarks.dispatched < confirmed) {
    if (broker.services !== services || broker.isPaused || performance.now() > endMs) return
    await turn()
  }
}
