import { ApogeeError } from '@apogee/base'
import type { Clock, Env } from '@apogee/env'
import { HaMaster, type HaPeerStatus, HaSlave } from '@apogee/ha'
import { hostAndPort, type Logger, RemotingError } from '@apogee/remoting'
import type { LogReplication } from '@apogee/store'
import type { BrokerConfig } from '../config/broker-config.ts'
import { haMasterOptions, haSlaveOptions } from './ha-options.ts'

/** Replication of the log: one of the two is there, by the broker's role. */
export interface HaServices {
  readonly master: HaMaster | null
  readonly slave: HaSlave | null
  /** Told when a slave's replication changes its state. */
  changed: () => void
}

/** Where a slave's log leaves its master's, and where it ends. */
export interface LogCut {
  readonly at: number
  readonly end: number
}

export interface HaServiceDeps {
  env: Env
  log: Logger
  replication: LogReplication
  /** The slave's log is not its master's: it must be cut while the store is closed. */
  diverged: (cut: LogCut) => void
}

/** What this broker's role needs. Nothing listens or connects yet. */
export function haServices({ values }: BrokerConfig, deps: HaServiceDeps): HaServices {
  const { env, log, replication } = deps
  if (values.brokerRole !== 'SLAVE') {
    const master = new HaMaster(haMasterOptions(values), { env, log, replication })
    return { master, slave: null, changed: () => {} }
  }
  const slave = new HaSlave(haSlaveOptions(values), {
    env,
    log,
    replication,
    onDiverged: deps.diverged,
    // What people must know of it, replication logs itself.
    onChange: () => services.changed(),
  })
  const services: HaServices = { master: null, slave, changed: () => {} }
  return services
}

/** A stop waits no longer than this for slaves to get the last of the log. */
const DRAIN_MAX_MS = 2000
const DRAIN_LOOK_MS = 10

/**
 * From now on a SYNC_MASTER acknowledges what slaves have, and any master listens for them: resolves to the port, 0 on a
 * slave. Rejects with REMOTING_BIND_FAILED.
 */
export async function startReplication(
  { master }: HaServices,
  { values }: BrokerConfig,
  replication: LogReplication,
): Promise<number> {
  if (master === null) return 0
  const { brokerRole, inSyncReplicas, slaveTimeout } = values
  if (brokerRole === 'SYNC_MASTER' && inSyncReplicas > 1) replication.requireReplicas(slaveTimeout)
  try {
    return await master.start()
  } catch (cause) {
    const place = hostAndPort(values.bindAddress, values.haListenPort)
    const text = `cannot listen for slaves on ${place} (haListenPort): ${(cause as Error).message}`
    throw new ApogeeError(RemotingError.BIND_FAILED, text, { cause })
  }
}

/** Ends replication; slaves that are not far behind get the rest of the log before, if they take it by `untilMs`. */
export async function stopReplication(
  { master, slave }: HaServices,
  { values }: BrokerConfig,
  clock: Clock,
  untilMs: number,
): Promise<void> {
  slave?.stop()
  if (master === null) return
  const endMs = Math.min(untilMs, clock.monotonicMs() + DRAIN_MAX_MS)
  const isNear = ({ gap }: HaPeerStatus): boolean => gap > 0 && gap <= values.haMaxGapNotInSync
  while (clock.monotonicMs() < endMs && master.peers.some(isNear)) {
    await new Promise<void>((resolve) => clock.after(DRAIN_LOOK_MS, resolve))
  }
  master.stop()
}
