import { ApogeeError } from '@apogee/base'
import type { ConsumeQueue } from './consume-queue.ts'
import { FILLER_SIZE } from './layout.ts'
import type { QueueContext } from './queue-context.ts'
import { clearTail, readRange } from './queue-files.ts'

// After a crash the log is dispatched again from the last offset below which all units were synced. What a queue
// holds above that is not to be trusted (a crash keeps, loses and tears unsynced writes as it likes), so the first
// record that is put again cuts the queue back to its own offset.

/** Makes the queue ready to take `queueOffset` as its next unit; false when it must not. */
export function putInRecovery(
  queue: ConsumeQueue,
  queueOffset: number,
  physicalOffset: number,
): boolean {
  const context = queue.context
  const first = queue.recoveryPass !== context.recoveryPass
  queue.recoveryPass = context.recoveryPass
  if (queueOffset <= queue.end) {
    if (queueOffset === queue.end && !first) return true
    const lowest = queue.lowest()
    const fits = queueOffset <= lowest || hasUnitBefore(queue, queueOffset - 1, physicalOffset)
    if (fits && queueOffset >= lowest) {
      cutBack(queue, queueOffset)
      return true
    }
  }
  if (!context.recoveringWhole) {
    context.gapFound = true
    return false
  }
  const hole = queueOffset - queue.end
  if (first || hole < 0 || hole > context.options.holeUnitsMax) startMidway(queue, queueOffset)
  else bridge(queue, queueOffset, physicalOffset)
  return true
}

/**
 * Makes a slave's queue ready to take a unit where its master put it. Above the end the master's queue has a hole; below it
 * the master's was deleted and begun anew, so what is here belongs to records that nobody can reach any more. Throws a
 * DiskError, or CONSUME_QUEUE_BUSY: the dispatcher comes again.
 */
export function putAsMaster(
  queue: ConsumeQueue,
  queueOffset: number,
  physicalOffset: number,
): boolean {
  const context = queue.context
  // A record is dispatched again when the key index could not take it.
  if (queue.unitNow(queueOffset) && context.unit.physicalOffset === physicalOffset) return false
  const hole = queueOffset - queue.end
  const isEmpty = queue.minOffset() === queue.end
  if (!isEmpty && hole > 0 && hole <= context.options.holeUnitsMax) {
    bridge(queue, queueOffset, physicalOffset)
    return true
  }
  const hadFiles = queue.firstFile !== -1
  // What is being written now would bring files back that go here.
  if (hadFiles && context.flushing) {
    throw new ApogeeError('CONSUME_QUEUE_BUSY', 'a queue that begins anew is being written')
  }
  startMidway(queue, queueOffset)
  queue.nextOffset = queueOffset
  // A file of before that came back after a power cut would look as if it followed.
  if (hadFiles) context.disk.syncDirectory(context.folderOf(queue.topic, queue.queueId))
  return true
}

/**
 * Starts the queue at `queueOffset`: nothing before it can be had. Its files so far go, and the new first one is filled up
 * to the unit.
 */
export function startMidway(queue: ConsumeQueue, queueOffset: number): void {
  const { topic, queueId } = queue
  const before = queue.end
  if (queue.firstFile !== -1) removeFiles(queue, queue.firstFile)
  queue.startAt(queueOffset)
  queue.context.log.info({
    event: 'consume-queue-started-midway',
    topic,
    queueId,
    queueOffset,
    before,
  })
}

/** After the last record was put: trims what was loaded and not put again, and clears what cut-back queues left on disk. */
export function finishRecovery(context: QueueContext, queues: Iterable<ConsumeQueue>): void {
  for (const queue of queues) {
    if (queue.recoveryPass !== context.recoveryPass && queue.buffer === null) {
      const range = readRange(context, queue.topic, queue.queueId)
      if (range.junk) clearTail(context, queue.topic, queue.queueId, range)
      queue.adopt(range)
    }
    queue.nextOffset = queue.end
  }
  for (const [queue, endBefore] of context.cutBack) {
    if (endBefore <= queue.end) continue
    const { topic, queueId, firstFile, lastFile, end } = queue
    clearTail(context, topic, queueId, { firstFile, lastFile, end, junk: true })
  }
  context.cutBack.clear()
}

function cutBack(queue: ConsumeQueue, queueOffset: number): void {
  const context = queue.context
  if (queue.end > queueOffset) {
    const before = context.cutBack.get(queue) ?? 0
    context.cutBack.set(queue, Math.max(before, queue.end))
  }
  const file = context.fileOf(queueOffset)
  if (file < queue.lastFile) {
    removeFiles(queue, file + 1)
    queue.lastFile = file
  }
  queue.cutTo(queueOffset)
}

/** Records of this queue are missing in the log: units that lead nowhere keep the later ones in their places. */
function bridge(queue: ConsumeQueue, queueOffset: number, physicalOffset: number): void {
  const { topic, queueId, end: from } = queue
  queue.context.log.warn({ event: 'consume-queue-hole', topic, queueId, from, to: queueOffset })
  while (queue.end < queueOffset) queue.append(physicalOffset, FILLER_SIZE, 0)
}

function removeFiles(queue: ConsumeQueue, from: number): void {
  const context = queue.context
  for (let file = from; file <= queue.lastFile; file++) {
    context.disk.remove(context.pathOf(queue.topic, queue.queueId, file))
  }
}

/** Whether unit `offset` on disk or in memory is one that a record before `physicalOffset` can have. */
function hasUnitBefore(queue: ConsumeQueue, offset: number, physicalOffset: number): boolean {
  if (!queue.unitNow(offset)) return false
  const { physicalOffset: before, size } = queue.context.unit
  return size > 0 && before >= 0 && before < physicalOffset
}
