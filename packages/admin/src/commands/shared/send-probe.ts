import { AdminError } from '../../admin-error.ts'
import type { CommandContext } from '../../command.ts'
import type { QueueAt } from '../../operations/offset-operations.ts'

/** One message sent to see how long it takes. */
export interface Probe {
  readonly isSent: boolean
  readonly elapsedMs: number
  readonly brokerName: string
  readonly queueId: number
  /** SendStatus, or the code of the error. */
  readonly status: string
}

/** A body of this many bytes. */
export function probeBody(sizeBytes: number): Uint8Array {
  return Buffer.alloc(Math.max(0, sizeBytes), 'a')
}

/** Sends one message; a failure is a result. */
export async function probe(
  { admin, clock }: Pick<CommandContext, 'admin' | 'clock'>,
  topic: string,
  queue: Pick<QueueAt, 'address' | 'brokerName' | 'queueId'>,
  body: Uint8Array,
): Promise<Probe> {
  const startedMs = clock.monotonicMs()
  const { brokerName, queueId } = queue
  try {
    const sent = await admin.messages.send({ topic, body }, queue)
    const { status, elapsedMs } = sent
    return { isSent: status === 'SEND_OK', elapsedMs, brokerName, queueId: sent.queueId, status }
  } catch (error) {
    if (!(error instanceof AdminError)) throw error
    const elapsedMs = clock.monotonicMs() - startedMs
    return { isSent: false, elapsedMs, brokerName, queueId, status: error.code }
  }
}

/** The mean; null of nothing. */
export function meanOf(values: readonly number[]): number | null {
  if (values.length === 0) return null
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
