import { ErrorCode, RocketMQError } from '../api/errors.ts'
import type { MessageQueue } from '../api/message.ts'
import { MASTER_ID, type ReadAddress, replicasInOrder } from '../core/pull-source.ts'
import type { Client } from '../remote/contract.ts'

/** The replicas of a broker, in the order in which to ask them for what each of them knows. */
export function replicasOf({ routes, remote }: Client, brokerName: string): ReadAddress[] {
  return replicasInOrder(routes.replicas(brokerName), (address) => remote.isDown(address))
}

/** Whether the route has the broker's master, and its connection is not known to be broken. */
export function isMasterReachable({ routes, remote }: Client, brokerName: string): boolean {
  const address = routes.brokerAddress(brokerName, MASTER_ID)
  return address !== null && !remote.isDown(address)
}

/**
 * Asks the master of a queue, and when that cannot be reached or does not answer, its slaves. Rejects with the first
 * failure when none answers; with RMQ_BROKER_UNREACHABLE when no route has the broker.
 */
export async function askReplicas<R>(
  client: Client,
  queue: MessageQueue,
  ask: (to: ReadAddress) => Promise<R>,
): Promise<R> {
  const { brokerName, topic } = queue
  if (client.routes.replicas(brokerName).size === 0) await client.routes.refresh(topic)
  let failure: RocketMQError | null = null
  for (const to of replicasOf(client, brokerName)) {
    try {
      return await ask(to)
    } catch (error) {
      if (!isNoAnswer(error)) throw error
      failure ??= error
    }
  }
  if (failure !== null) throw failure
  const details = { broker: brokerName, retriable: true }
  throw new RocketMQError(ErrorCode.BROKER_UNREACHABLE, `no route to broker ${brokerName}`, details)
}

function isNoAnswer(error: unknown): error is RocketMQError {
  if (!(error instanceof RocketMQError)) return false
  return error.code === ErrorCode.BROKER_UNREACHABLE || error.code === ErrorCode.TIMEOUT
}
