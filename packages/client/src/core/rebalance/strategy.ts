import { ErrorCode, RocketMQError } from '../../api/errors.ts'
import type { MessageQueue } from '../../api/message.ts'
import type { AllocateStrategyName, AllocateStrategyOptions } from '../../api/options.ts'

/** Points that each member has on the ring of CONSISTENT_HASH, when nothing else is said: Java's default. */
export const VIRTUAL_NODES = 10
/** More points than these make a ring of millions for a large group. */
export const VIRTUAL_NODES_MAX = 10_000

/** A strategy with all that it needs, checked. All members of a group must use the same. */
export type AllocateStrategy =
  | { readonly name: 'AVG' }
  | { readonly name: 'AVG_BY_CIRCLE' }
  | { readonly name: 'CONSISTENT_HASH'; readonly virtualNodes: number }
  | { readonly name: 'CONFIG'; readonly queues: readonly MessageQueue[] }
  | { readonly name: 'MACHINE_ROOM'; readonly rooms: ReadonlySet<string> }
  | {
      readonly name: 'MACHINE_ROOM_NEARBY'
      readonly brokerRoom: (brokerName: string) => string
      readonly clientRoom: (clientId: string) => string
    }

/**
 * The strategy that `allocate` of the consumer's options names; AVG without it. CONFIG, MACHINE_ROOM and
 * MACHINE_ROOM_NEARBY need more than a name: RMQ_INVALID_ARGUMENT.
 */
export function resolveStrategy(
  option: AllocateStrategyName | AllocateStrategyOptions | undefined,
): AllocateStrategy {
  if (option === undefined) return { name: 'AVG' }
  if (typeof option === 'string') return strategyOfName(option)
  switch (option.strategy) {
    case 'CONSISTENT_HASH':
      return consistentHash(option.virtualNodes ?? VIRTUAL_NODES)
    case 'CONFIG':
      return { name: 'CONFIG', queues: [...option.queues] }
    case 'MACHINE_ROOM':
      return { name: 'MACHINE_ROOM', rooms: new Set(option.rooms) }
    case 'MACHINE_ROOM_NEARBY': {
      if (typeof option.brokerRoom !== 'function' || typeof option.clientRoom !== 'function') {
        throw invalid('MACHINE_ROOM_NEARBY needs brokerRoom and clientRoom')
      }
      // Called as methods of the option, because its author may use `this`.
      return {
        name: 'MACHINE_ROOM_NEARBY',
        brokerRoom: (brokerName) => option.brokerRoom(brokerName),
        clientRoom: (clientId) => option.clientRoom(clientId),
      }
    }
    default:
      throw invalid(`no allocate strategy: ${JSON.stringify(option)}`)
  }
}

function strategyOfName(name: AllocateStrategyName): AllocateStrategy {
  if (name === 'AVG' || name === 'AVG_BY_CIRCLE') return { name }
  if (name === 'CONSISTENT_HASH') return consistentHash(VIRTUAL_NODES)
  if (name === 'CONFIG' || name === 'MACHINE_ROOM' || name === 'MACHINE_ROOM_NEARBY') {
    throw invalid(`allocate strategy ${name} needs its options: { strategy: '${name}', … }`)
  }
  throw invalid(`no allocate strategy: ${JSON.stringify(name)}`)
}

function consistentHash(virtualNodes: number): AllocateStrategy {
  if (!Number.isInteger(virtualNodes) || virtualNodes < 1 || virtualNodes > VIRTUAL_NODES_MAX) {
    throw invalid(`virtualNodes is ${virtualNodes}, not 1 to ${VIRTUAL_NODES_MAX}`)
  }
  return { name: 'CONSISTENT_HASH', virtualNodes }
}

function invalid(message: string): RocketMQError {
  return new RocketMQError(ErrorCode.INVALID_ARGUMENT, message)
}
