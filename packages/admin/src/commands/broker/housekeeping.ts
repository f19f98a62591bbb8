import { type AdminCommand, type CommandOutput, command } from '../../command.ts'
import type { Answers } from '../../operations/answers.ts'
import type { OfBroker } from '../../operations/broker-operations.ts'
import { column } from '../shared/columns.ts'
import { BROKER_ADDR, CLUSTER, placeText, type WhereOptions } from '../shared/options.ts'
import { table } from '../shared/output.ts'

const OPTIONS = [BROKER_ADDR, CLUSTER]

function outcome({ results, problems }: Answers<OfBroker<null>>): CommandOutput {
  const columns = [
    column('address', 'ADDRESS'),
    column('broker', 'BROKER'),
    column('result', 'RESULT'),
  ]
  const rows = results.map(({ broker }) => ({
    address: broker.address,
    broker: broker.brokerName,
    result: 'done',
  }))
  return table(columns, rows, { problems })
}

/** Java: CleanExpiredCQSubCommand. Codes 306, 106. */
export const cleanExpiredCq: AdminCommand = command<WhereOptions>({
  name: 'cleanExpiredCQ',
  path: ['broker', 'clean-expired-queues'],
  summary: 'Remove queue entries whose messages are gone from the log',
  options: OPTIONS,
  examples: ['cleanExpiredCQ -b 10.0.0.1:10911'],
  damage: (options) => `Queue entries of expired messages are removed ${placeText(options)}.`,
  run: async ({ admin }, options) =>
    outcome(await admin.brokers.cleanExpiredConsumeQueues(options)),
})

/** Java: DeleteExpiredCommitLogSubCommand. Codes 329, 106. */
export const deleteExpiredCommitLog: AdminCommand = command<WhereOptions>({
  name: 'deleteExpiredCommitLog',
  path: ['broker', 'delete-expired-log'],
  summary: 'Delete expired log files now, without waiting for the hour of deletion',
  options: OPTIONS,
  examples: ['deleteExpiredCommitLog -c DefaultCluster'],
  damage: (options) =>
    `Messages older than fileReservedTime are deleted ${placeText(options)}, consumed or not.`,
  run: async ({ admin }, options) => outcome(await admin.brokers.deleteExpiredCommitLog(options)),
})

/** Java: CleanUnusedTopicCommand. Codes 316, 106. */
export const cleanUnusedTopic: AdminCommand = command<WhereOptions>({
  name: 'cleanUnusedTopic',
  path: ['broker', 'clean-unused-topics'],
  summary: 'Delete the queues of topics that are not configured any more',
  options: OPTIONS,
  examples: ['cleanUnusedTopic -b 10.0.0.1:10911'],
  damage: (options) =>
    `Messages of topics without a configuration are deleted ${placeText(options)}.`,
  run: async ({ admin }, options) => outcome(await admin.brokers.cleanUnusedTopics(options)),
})
