import { ApogeeError } from '@apogee/base'
import type { BrokerConfig } from './config/broker-config.ts'
import type { ConfigProblem } from './config/config-problem.ts'

/** Keys whose feature changes what an acknowledgement means: going on without it would break a promise. */
const CLUSTER_SHAPES: readonly (readonly [key: string, what: string])[] = [
  ['enableDLegerCommitLog', 'DLedger'],
  ['enableControllerMode', 'the controller'],
]

/**
 * What keeps this configuration from being a broker: a shape that this version does not have (BROKER_ROLE_UNSUPPORTED,
 * refused and not done half), or a role that contradicts itself (BROKER_ROLE_INVALID). Null when there is nothing.
 */
export function unsupportedRole(config: BrokerConfig): ConfigProblem | null {
  const all = config.dump()
  for (const [key, what] of CLUSTER_SHAPES) {
    if (all.get(key) !== 'true') continue
    const message = `this version has not ${what} yet`
    return problem('BROKER_ROLE_UNSUPPORTED', key, 'true', message)
  }
  const { brokerId, brokerRole } = config.values
  const isSlave = brokerRole === 'SLAVE'
  if (isSlave === brokerId > 0) return null
  const message = isSlave
    ? 'brokerRole=SLAVE needs a brokerId of 1 or more, another one for each slave of a master'
    : `brokerRole=${brokerRole} needs brokerId=0; a slave has brokerRole=SLAVE`
  return problem('BROKER_ROLE_INVALID', 'brokerId', String(brokerId), message)
}

/** Throws BROKER_ROLE_UNSUPPORTED, BROKER_ROLE_INVALID. */
export function checkRole(config: BrokerConfig): void {
  const found = unsupportedRole(config)
  if (found === null) return
  const { code, key, message, value } = found
  throw new ApogeeError(code, `${key}=${value}: ${message}`)
}

function problem(
  code: 'BROKER_ROLE_UNSUPPORTED' | 'BROKER_ROLE_INVALID',
  key: string,
  value: string,
  message: string,
): ConfigProblem {
  return { code, severity: 'error', key, value, message }
}
