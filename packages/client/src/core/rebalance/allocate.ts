// Which queues of a topic a member of a group reads. Every member computes its own part from the same two lists, so
// each strategy is Java's to the last queue: members in Java and members here share one group.
import { unreachable } from '@apogee/base'
import { ErrorCode, RocketMQError } from '../../api/errors.ts'
import type { MessageQueue } from '../../api/message.ts'
import { buildHashRing, nodeOf } from './hash-ring.ts'
import { compareText, sortClientIds, sortQueues } from './order.ts'
import type { AllocateStrategy } from './strategy.ts'

export interface AllocateInput {
  readonly group: string
  /** The member whose part is asked for. */
  readonly clientId: string
  /** All readable queues of one topic, in any order. */
  readonly queues: readonly MessageQueue[]
  /** All members of the group, in any order. */
  readonly clientIds: readonly string[]
}

/**
 * The queues of `clientId`, in the order of `sortQueues` (CONFIG: as configured). Empty when `clientId` is not among
 * the members, or there is nothing to share. MACHINE_ROOM_NEARBY throws RMQ_INVALID_ARGUMENT when a broker or member
 * has no room.
 */
export function allocate(strategy: AllocateStrategy, input: AllocateInput): MessageQueue[] {
  const { clientId } = input
  // Java hands out what is configured without a look at the members.
  if (strategy.name === 'CONFIG') return [...strategy.queues]
  const queues = sortQueues(input.queues)
  const clientIds = sortClientIds(input.clientIds)
  if (!clientIds.includes(clientId)) return []
  switch (strategy.name) {
    case 'AVG':
      return averagely(clientId, queues, clientIds)
    case 'AVG_BY_CIRCLE':
      return byCircle(clientId, queues, clientIds)
    case 'CONSISTENT_HASH':
      return byConsistentHash(clientId, queues, clientIds, strategy.virtualNodes)
    case 'MACHINE_ROOM':
      return byMachineRoom(clientId, queues, clientIds, strategy.rooms)
    case 'MACHINE_ROOM_NEARBY':
      return nearby(clientId, queues, clientIds, strategy)
    default:
      return unreachable(strategy)
  }
}

/** AVG: runs of neighbours; the first members have one more when it does not come out even. */
function averagely(
  clientId: string,
  queues: readonly MessageQueue[],
  clientIds: readonly string[],
): MessageQueue[] {
  const index = clientIds.indexOf(clientId)
  const share = Math.floor(queues.length / clientIds.length)
  const over = queues.length % clientIds.length
  const start = index * share + Math.min(index, over)
  return queues.slice(start, start + share + (index < over ? 1 : 0))
}

/** AVG_BY_CIRCLE: dealt out like cards. */
function byCircle(
  clientId: string,
  queues: readonly MessageQueue[],
  clientIds: readonly string[],
): MessageQueue[] {
  const index = clientIds.indexOf(clientId)
  return queues.filter((_, position) => position % clientIds.length === index)
}

/** CONSISTENT_HASH: few queues change hands when members come and go. The key of a queue is its Java toString(). */
function byConsistentHash(
  clientId: string,
  queues: readonly MessageQueue[],
  clientIds: readonly string[],
  virtualNodes: number,
): MessageQueue[] {
  const ring = buildHashRing(clientIds, virtualNodes)
  return queues.filter((queue) => nodeOf(ring, javaText(queue)) === clientId)
}

function javaText({ topic, brokerName, queueId }: MessageQueue): string {
  return `MessageQueue [topic=${topic}, brokerName=${brokerName}, queueId=${queueId}]`
}

/**
 * MACHINE_ROOM: only queues of brokers named `room@name` with one of our rooms; runs of neighbours, the rest singly
 * at the end.
 */
function byMachineRoom(
  clientId: string,
  queues: readonly MessageQueue[],
  clientIds: readonly string[],
  rooms: ReadonlySet<string>,
): MessageQueue[] {
  const index = clientIds.indexOf(clientId)
  const ours = queues.filter((queue) => isInRooms(queue.brokerName, rooms))
  const share = Math.floor(ours.length / clientIds.length)
  const over = ours.length % clientIds.length
  const result = ours.slice(index * share, (index + 1) * share)
  const extra = index < over ? ours[clientIds.length * share + index] : undefined
  if (extra !== undefined) result.push(extra)
  return result
}

function isInRooms(brokerName: string, rooms: ReadonlySet<string>): boolean {
  const parts = brokerName.split('@')
  // Java's split leaves empty parts at the end out: `room@` has one part there, `room@name@` has two.
  while (parts.length > 1 && parts[parts.length - 1] === '') parts.pop()
  return parts.length === 2 && rooms.has(parts[0] ?? '')
}

/** MACHINE_ROOM_NEARBY: a room's queues to the members in it; queues of rooms without members to all. Both by AVG. */
function nearby(
  clientId: string,
  queues: readonly MessageQueue[],
  clientIds: readonly string[],
  strategy: AllocateStrategy & { name: 'MACHINE_ROOM_NEARBY' },
): MessageQueue[] {
  const queuesOfRoom = groupBy(queues, (queue) =>
    checkedRoom(strategy.brokerRoom(queue.brokerName), `broker ${queue.brokerName}`),
  )
  const membersOfRoom = groupBy(clientIds, (id) =>
    checkedRoom(strategy.clientRoom(id), `client ${id}`),
  )
  const ownRoom = strategy.clientRoom(clientId)
  const result = averagely(
    clientId,
    queuesOfRoom.get(ownRoom) ?? [],
    membersOfRoom.get(ownRoom) ?? [clientId],
  )
  const others = [...queuesOfRoom.keys()].filter((room) => !membersOfRoom.has(room))
  for (const room of others.sort(compareText)) {
    result.push(...averagely(clientId, queuesOfRoom.get(room) ?? [], clientIds))
  }
  return result
}

function checkedRoom(room: string, whose: string): string {
  if (typeof room === 'string' && room !== '') return room
  throw new RocketMQError(ErrorCode.INVALID_ARGUMENT, `MACHINE_ROOM_NEARBY: no room for ${whose}`)
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const key = keyOf(item)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [item])
    else group.push(item)
  }
  return groups
}
