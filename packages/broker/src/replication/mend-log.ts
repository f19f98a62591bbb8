import { ApogeeError } from '@apogee/base'
import { cutClosedLog, type MessageStore } from '@apogee/store'
import type { BrokerDeps } from '../broker-services.ts'
import type { LogCut } from './ha-services.ts'

/** Where a slave keeps what was cut off its log. */
export function keptTailPath(root: string, { at }: LogCut, wallMs: number): string {
  return `${root}/diverged/${at}-${wallMs}.log`
}

/**
 * Cuts the log of a store that was just closed to what the master has; the rest is kept in `keep`. Rejects with
 * HA_LOG_NOT_CUT: the store is as it was.
 */
export async function mendLog(
  store: MessageStore,
  { env, log }: Pick<BrokerDeps, 'env' | 'log'>,
  cut: LogCut,
  keep: string,
): Promise<void> {
  try {
    await cutClosedLog(store.options, { disk: env.disk, clock: env.clock, log }, { ...cut, keep })
  } catch (cause) {
    const reason = (cause as Error).message
    const message = `the log could not be cut to what the master has: ${reason}`
    throw new ApogeeError('HA_LOG_NOT_CUT', message, { cause })
  }
}
