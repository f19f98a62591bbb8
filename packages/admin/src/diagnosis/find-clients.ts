import type { RunningInfo, RunningSubscription } from '../operations/running-info.ts'
import type { DiagnosisLimits } from './diagnose.ts'
import { type Finding, FindingCode, type GroupSnapshot } from './snapshot.ts'

/** Causes that lie with the members of a group and the switches of brokers. */
export function findClients(snapshot: GroupSnapshot, limits: DiagnosisLimits): Finding[] {
  return [
    ...noConsumer(snapshot),
    ...consumeDisabled(snapshot),
    ...subscriptionMismatch(snapshot),
    ...silentClients(snapshot),
    ...handlers(snapshot, limits),
  ]
}

function noConsumer({ group, clients }: GroupSnapshot): Finding[] {
  if (clients.length > 0) return []
  return [
    {
      code: FindingCode.NO_CONSUMER,
      severity: 'error',
      message: `No consumer of group ${group} is connected to any broker.`,
      hint: 'Start a consumer, or check that it uses this group name and these NameServers.',
    },
  ]
}

function consumeDisabled({ group, switches }: GroupSnapshot): Finding[] {
  return switches
    .filter(({ consumeEnable }) => !consumeEnable)
    .map(({ brokerName }) => ({
      code: FindingCode.CONSUME_DISABLED,
      severity: 'error',
      message: `Broker ${brokerName} refuses pulls of group ${group}: consumeEnable is false.`,
      hint: `updateSubGroup -g ${group} -s true -c <cluster>`,
      brokerName,
    }))
}

/**
 * All members of a group must subscribe the same: a broker keeps one subscription for the group, so the others' messages
 * are filtered away. The one that most members have is taken as meant.
 */
function subscriptionMismatch({ running }: GroupSnapshot): Finding[] {
  if (running.length < 2) return []
  const topics = new Set(running.flatMap((info) => subscribed(info).map(({ topic }) => topic)))
  return [...topics].sort().flatMap((topic) => {
    const said = running.map((info) => ({ clientId: info.clientId, text: spelled(info, topic) }))
    const meant = mostCommon(said.map(({ text }) => text))
    return said
      .filter(({ text }) => text !== meant)
      .map(
        ({ clientId, text }): Finding => ({
          code: FindingCode.SUBSCRIPTION_MISMATCH,
          severity: 'error',
          message:
            `Client ${clientId} subscribes ${text ?? 'nothing'} of ${topic}, ` +
            `others of the group ${meant ?? 'nothing'}: messages are filtered away unseen.`,
          hint: 'Give every member of the group the same topics and expressions, or use two groups.',
          topic,
          clientId,
        }),
      )
  })
}

function subscribed(info: RunningInfo): readonly RunningSubscription[] {
  return info.subscriptions.filter(({ topic }) => !topic.startsWith('%RETRY%'))
}

/** Null when the client does not subscribe the topic. The order of tags does not matter. */
function spelled(info: RunningInfo, topic: string): string | null {
  const found = subscribed(info).find((one) => one.topic === topic)
  if (found === undefined) return null
  const { expressionType, expression } = found
  if (expressionType !== 'TAG') return `${expressionType} ${expression}`
  const tags = expression.split('||').map((tag) => tag.trim())
  return `"${tags.sort().join(' || ')}"`
}

function mostCommon(texts: readonly (string | null)[]): string | null {
  const counts = new Map<string | null, number>()
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1)
  // Of two that are as common, the one that reads something is meant.
  const sorted = [...counts].sort(
    ([a, x], [b, y]) => y - x || Number(a === null) - Number(b === null),
  )
  return sorted[0]?.[0] ?? null
}

function silentClients({ clients, running, problems }: GroupSnapshot): Finding[] {
  const heard = new Set(running.map(({ clientId }) => clientId))
  return clients
    .filter(({ clientId }) => !heard.has(clientId))
    .map(({ clientId, clientAddr }) => {
      const reason = problems.find(({ target }) => target === clientId)?.message ?? 'no answer'
      return {
        code: FindingCode.CLIENT_SILENT,
        severity: 'warning',
        message: `Client ${clientId} at ${clientAddr} is connected but does not tell what it does: ${reason}.`,
        hint: 'Its process may hang, or its client library may not serve request 307.',
        clientId,
      }
    })
}

function handlers({ running }: GroupSnapshot, limits: DiagnosisLimits): Finding[] {
  return running.flatMap(({ clientId, topics }) =>
    topics.flatMap((one): Finding[] => {
      const { topic } = one
      const findings: Finding[] = []
      if (one.consumeRtMs >= limits.slowHandlerMs) {
        const rate = one.okTps > 0 ? `, ${one.okTps.toFixed(2)} messages a second` : ''
        findings.push({
          code: FindingCode.SLOW_HANDLER,
          severity: 'warning',
          message: `The handler of client ${clientId} takes ${Math.round(one.consumeRtMs)} ms a message of ${topic}${rate}.`,
          hint: 'Make the handler faster, raise its concurrency, or add members up to the number of queues.',
          topic,
          clientId,
        })
      }
      if (one.failedTps > one.okTps && one.failedTps > 0) {
        findings.push({
          code: FindingCode.FAILING_HANDLER,
          severity: 'error',
          message: `The handler of client ${clientId} fails for most messages of ${topic}: ${one.failedTps.toFixed(2)} a second fail, ${one.okTps.toFixed(2)} succeed.`,
          hint: 'See the log of that client; the messages come back with growing delays and end in the dead-letter topic.',
          topic,
          clientId,
        })
      }
      return findings
    }),
  )
}
