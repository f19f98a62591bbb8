import { ResponseCode } from '@apogee/protocol'
import type { GetStatus } from '@apogee/store'

/** What a read found, and who reads where. Reused. */
export class PullSituation {
  status: GetStatus = 'FOUND'
  /** The offset asked for, and the one that the store would go on with. */
  offset = 0
  nextBeginOffset = 0
  /** Bytes of log behind what was read: how old it is. */
  bytesBehind = 0
  /** accessMessageInMemoryMaxRatio of the machine's memory. */
  memoryBytes: number = Number.POSITIVE_INFINITY
  /** slaveReadEnable. */
  slavesAreRead = false
  /** On a master: some slave has what was read. */
  slaveHasIt = false
  /** This broker's; 0: a master. */
  brokerId = 0
  /** On a slave: its master is there. */
  isMasterAlive = false
  /** On a slave: the master seems to have another place for this reader (an operator's reset). */
  isCalledBack = false
  /** On a slave: the master has more than this slave, as far as it knows. */
  isBehindMaster = false
  /** offsetCheckInSlave. */
  checksOffset = false
  /** Of the consumer group: who is read from as a rule, and by those who are slow. */
  groupBrokerId = 0
  groupSlowBrokerId = 1
}

/**
 * `message`: until one comes, or the time is up. `time`: for a while, since nothing that comes here helps. `no`: the answer
 * goes out at once.
 */
export type PullWait = 'message' | 'time' | 'no'

/** What the reader is told. Reused. */
export class PullAdvice {
  /** ResponseCode. */
  code = 0
  suggestWhichBrokerId = 0
  nextBeginOffset = 0
  /** What the pull may wait for before it is answered so. */
  wait: PullWait = 'no'
}

/**
 * Where a reader goes on. A master answers as RocketMQ's (PullMessageProcessor.composeResponseHeader): whoever reads what
 * memory has long forgotten is sent to a slave that has it.
 *
 * A slave has a part of its master's queues, so it moves nobody's offset, unless offsetCheckInSlave says so. Beyond its own
 * bounds it sends readers to the master, and while that one is away it lets them wait: nobody spins, nobody skips. Readers
 * that are far behind stay; those that have caught up go back.
 */
export function advise(into: PullAdvice, situation: PullSituation): void {
  into.code = masterCodeOf(situation.status, situation.offset)
  into.nextBeginOffset = situation.nextBeginOffset
  into.wait = into.code === ResponseCode.PULL_NOT_FOUND ? 'message' : 'no'
  if (situation.brokerId === 0) {
    into.suggestWhichBrokerId = fromMaster(situation)
    return
  }
  into.suggestWhichBrokerId = fromSlave(situation)
  if (situation.isCalledBack && situation.isMasterAlive) sendBack(into, situation)
  else if (!situation.checksOffset) stayInPlace(into, situation)
}

/** To the master, at once, from where the reader is. */
function sendBack(into: PullAdvice, { offset }: PullSituation): void {
  into.code = ResponseCode.PULL_RETRY_IMMEDIATELY
  into.suggestWhichBrokerId = 0
  into.nextBeginOffset = offset
  into.wait = 'no'
}

function isSlow({ bytesBehind, memoryBytes, status }: PullSituation): boolean {
  return status === 'FOUND' && bytesBehind > memoryBytes
}

function fromMaster(situation: PullSituation): number {
  const { groupBrokerId, groupSlowBrokerId, slaveHasIt, slavesAreRead } = situation
  if (!slavesAreRead || !slaveHasIt) return 0
  return isSlow(situation) ? groupSlowBrokerId : groupBrokerId
}

function fromSlave(situation: PullSituation): number {
  const { brokerId, isMasterAlive } = situation
  return isMasterAlive && !isSlow(situation) ? 0 : brokerId
}

function stayInPlace(into: PullAdvice, situation: PullSituation): void {
  const { isBehindMaster, isMasterAlive, offset, status } = situation
  // These two go on, or have found something: as on a master.
  if (status === 'FOUND' || status === 'NO_MATCHED_MESSAGE') return
  into.nextBeginOffset = offset
  const isAtEnd = status === 'OFFSET_OVERFLOW_ONE' || (isNowhere(status) && offset === 0)
  // The master is sure to have more, or may have it: it is better asked than waited for.
  if (isMasterAlive && (!isAtEnd || isBehindMaster)) return sendBack(into, situation)
  into.code = ResponseCode.PULL_NOT_FOUND
  // What lies before the slave's start, or cannot be read, does not come with the next message.
  into.wait =
    isAtEnd || status === 'OFFSET_OVERFLOW_BADLY' || isNowhere(status) ? 'message' : 'time'
}

/** The queue has no message here. */
function isNowhere(status: GetStatus): boolean {
  return status === 'NO_MATCHED_LOGIC_QUEUE' || status === 'NO_MESSAGE_IN_QUEUE'
}

function masterCodeOf(status: GetStatus, offset: number): number {
  switch (status) {
    case 'FOUND':
      return ResponseCode.SUCCESS
    case 'NO_MATCHED_MESSAGE':
    case 'MESSAGE_WAS_REMOVING':
      return ResponseCode.PULL_RETRY_IMMEDIATELY
    case 'NO_MATCHED_LOGIC_QUEUE':
    case 'NO_MESSAGE_IN_QUEUE':
      return offset === 0 ? ResponseCode.PULL_NOT_FOUND : ResponseCode.PULL_OFFSET_MOVED
    case 'OFFSET_FOUND_NULL':
    case 'OFFSET_OVERFLOW_ONE':
      return ResponseCode.PULL_NOT_FOUND
    default:
      return ResponseCode.PULL_OFFSET_MOVED
  }
}
