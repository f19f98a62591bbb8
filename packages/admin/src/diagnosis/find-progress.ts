import { type QueueLag, queueKey } from '../operations/group-operations.ts'
import type { OwnedQueue, RunningInfo } from '../operations/running-info.ts'
import type { DiagnosisLimits } from './diagnose.ts'
import { type Finding, FindingCode, type GroupSnapshot } from './snapshot.ts'

/** Causes that show in what moved between two snapshots, and in offsets that cannot be. */
export function findProgress(
  first: GroupSnapshot,
  later: GroupSnapshot,
  limits: DiagnosisLimits,
): Finding[] {
  return [
    ...offsetsOutOfRange(later),
    ...stuckQueues(first, later, limits),
    ...failedMessages(first, later),
    ...growingLag(first, later),
  ]
}

function offsetsOutOfRange({ topics, lags }: GroupSnapshot): Finding[] {
  const bounds = new Map(
    topics.flatMap(({ queues }) => queues).map((queue) => [queueKey(queue), queue]),
  )
  return lags.flatMap((lag): Finding[] => {
    const { topic, brokerName, queueId, consumerOffset } = lag
    const bound = bounds.get(queueKey(lag))
    if (bound === undefined) return []
    const { minOffset, maxOffset } = bound
    const place = { topic, brokerName, queueId }
    if (consumerOffset > maxOffset) {
      const message = `The group's offset ${consumerOffset} in queue ${queueId} of ${topic} on ${brokerName} is beyond its end ${maxOffset}: new messages are not seen.`
      return [
        {
          code: FindingCode.OFFSET_OUT_OF_RANGE,
          severity: 'error',
          message,
          hint: RESET,
          ...place,
        },
      ]
    }
    if (consumerOffset < minOffset && lag.lastConsumedMs > 0) {
      const message = `The group's offset ${consumerOffset} in queue ${queueId} of ${topic} on ${brokerName} is before its beginning ${minOffset}: ${minOffset - consumerOffset} messages expired unread.`
      const hint =
        'Consumers go on at the beginning. Keep messages longer (fileReservedTime) or consume faster.'
      return [
        { code: FindingCode.OFFSET_OUT_OF_RANGE, severity: 'warning', message, hint, ...place },
      ]
    }
    return []
  })
}

const RESET =
  'The queue was made anew or restored. Reset the group: group reset-offset --to latest or earliest.'

function stuckQueues(
  first: GroupSnapshot,
  later: GroupSnapshot,
  limits: DiagnosisLimits,
): Finding[] {
  const before = new Map(first.lags.map((lag) => [queueKey(lag), lag]))
  const owners = ownersOf(later.running)
  return later.lags.flatMap((lag) => {
    const earlier = before.get(queueKey(lag))
    const isStill = earlier !== undefined && earlier.consumerOffset === lag.consumerOffset
    if (!isStill || lag.lag === 0 || earlier.lag === 0) return []
    // Between two commits (five seconds in Java) an offset stands still also when all is well.
    const seconds = Math.round((later.takenMs - first.takenMs) / 1_000)
    return [stuck(lag, owners.get(queueKey(lag)), later.takenMs, seconds, limits)]
  })
}

function stuck(
  lag: QueueLag,
  owner: { clientId: string; queue: OwnedQueue } | undefined,
  nowMs: number,
  seconds: number,
  limits: DiagnosisLimits,
): Finding {
  const { topic, brokerName, queueId } = lag
  const who = owner === undefined ? 'an unknown client' : `client ${owner.clientId}`
  const what = `Queue ${queueId} of ${topic} on ${brokerName}, read by ${who}, has not moved from offset ${lag.consumerOffset} in ${seconds} s while ${lag.lag} messages wait`
  const clientId = owner === undefined ? {} : { clientId: owner.clientId }
  const place = { topic, brokerName, queueId, ...clientId }
  const code = FindingCode.QUEUE_STUCK
  if (owner === undefined) {
    const hint = '`consumerStatus` shows what each member owns.'
    return { code, severity: 'error', message: `${what}.`, hint, ...place }
  }
  const { cachedMessages, lastPullMs } = owner.queue
  const silentMs = nowMs - lastPullMs
  if (cachedMessages > 0) {
    const message = `${what}; ${cachedMessages} of them are at the client, so its handler hangs or the oldest message is not done.`
    const hint = `Take a thread dump: consumerStatus -g <group> -i ${owner.clientId} -s.`
    return { code, severity: 'error', message, hint, ...place }
  }
  const isSilent = lastPullMs > 0 && silentMs >= limits.silentPullMs
  const since = isSilent ? `; it has not pulled for ${Math.round(silentMs / 1_000)} s` : ''
  const hint =
    'The client has nothing of it: its pulls fail or it is paused. See its log; restarting it moves the queue.'
  return { code, severity: 'error', message: `${what}${since}.`, hint, ...place }
}

function ownersOf(
  running: readonly RunningInfo[],
): Map<string, { clientId: string; queue: OwnedQueue }> {
  const owners = new Map<string, { clientId: string; queue: OwnedQueue }>()
  for (const { clientId, queues } of running) {
    for (const queue of queues) {
      if (!queue.isDropped) owners.set(queueKey(queue), { clientId, queue })
    }
  }
  return owners
}

function failedMessages(first: GroupSnapshot, later: GroupSnapshot): Finding[] {
  const findings: Finding[] = []
  const retries = grown(first.retryMessages, later.retryMessages)
  if (retries > 0) {
    findings.push({
      code: FindingCode.RETRY_GROWS,
      severity: 'warning',
      message: `${retries} messages came back for a retry meanwhile: the handler fails.`,
      hint: 'See the log of the consumers for the exception.',
      topic: `%RETRY%${later.group}`,
    })
  }
  const dead = grown(first.dlqMessages, later.dlqMessages)
  if (dead > 0) {
    findings.push({
      code: FindingCode.DLQ_GROWS,
      severity: 'error',
      message: `${dead} messages went to the dead-letter topic meanwhile: they are not tried again.`,
      hint: `dlq list ${later.group} shows them.`,
      topic: `%DLQ%${later.group}`,
    })
  }
  return findings
}

/** A topic that appears meanwhile counts from 0. */
function grown(before: number | null, after: number | null): number {
  return (after ?? 0) - (before ?? 0)
}

/** More comes in than goes out, although every queue moves. */
function growingLag(first: GroupSnapshot, later: GroupSnapshot): Finding[] {
  const seconds = (later.takenMs - first.takenMs) / 1_000
  const [before, after] = [totalLag(first), totalLag(later)]
  const consumed = totalConsumed(later) - totalConsumed(first)
  if (after <= before || consumed <= 0 || seconds <= 0) return []
  const outRate = (consumed / seconds).toFixed(1)
  const inRate = ((after - before + consumed) / seconds).toFixed(1)
  return [
    {
      code: FindingCode.LAG_GROWS,
      severity: 'warning',
      message: `Messages come faster than they are consumed: ${inRate} against ${outRate} a second; ${after} wait.`,
      hint: 'Add members (at most one for each queue), or make handlers faster or more concurrent.',
    },
  ]
}

function totalLag({ lags }: GroupSnapshot): number {
  return lags.reduce((sum, { lag }) => sum + lag, 0)
}

function totalConsumed({ lags }: GroupSnapshot): number {
  return lags.reduce((sum, { consumerOffset }) => sum + consumerOffset, 0)
}
