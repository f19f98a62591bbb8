import {
  type AdminCommand,
  type CommandContext,
  type CommandOutput,
  command,
} from '../../command.ts'
import { diagnosisDefaults } from '../../diagnosis/diagnose.ts'
import { findClients } from '../../diagnosis/find-clients.ts'
import type { ConnectedClient, GroupConnections } from '../../operations/client-operations.ts'
import { notOnline } from '../../operations/client-operations.ts'
import type { RunningInfo } from '../../operations/running-info.ts'
import { column, numbers, wide } from '../shared/columns.ts'
import {
  BROKER_ADDR,
  CONSUMER_GROUP,
  GROUP_ARGUMENT,
  type WhereOptions,
} from '../shared/options.ts'
import { record, table } from '../shared/output.ts'
import { versionName } from '../shared/version-name.ts'

interface Options extends WhereOptions {
  readonly group: string
  readonly clientId?: string
  readonly isJstackWanted?: boolean
}

const COLUMNS = [
  column('clientId', 'CLIENT'),
  column('version', 'VERSION'),
  numbers('queues', 'QUEUES'),
  numbers('cachedMessages', 'CACHED'),
  column('subscriptions', 'SUBSCRIBES'),
  column('startedAtMs', 'STARTED'),
  ...wide(column('clientAddr', 'ADDRESS')),
]

/** Java: ConsumerStatusSubCommand. Codes 203, 307. */
export const consumerStatus: AdminCommand = command<Options>({
  name: 'consumerStatus',
  path: ['group', 'status'],
  summary: 'Ask the members of a consumer group what they do',
  options: [
    CONSUMER_GROUP,
    { flags: '-i, --clientId <id>', key: 'clientId', help: 'all about this member' },
    BROKER_ADDR,
    {
      flags: '-s, --jstack',
      key: 'isJstackWanted',
      help: 'with a thread dump, where the client has one',
    },
  ],
  arguments: [GROUP_ARGUMENT],
  examples: ['group status billing', 'consumerStatus -g billing -i 10.0.0.7@1234 -s'],
  async run(context, options) {
    const { group, clientId, brokerAddr } = options
    const found = await context.admin.groups.connections(group, { brokerAddr })
    if (clientId === undefined) return members(context, found, options)
    const client = found.clients.find((one) => one.clientId === clientId)
    if (client === undefined) throw notOnline(group, clientId)
    return member(context, client, options)
  },
})

async function members(
  { admin }: CommandContext,
  found: GroupConnections,
  { group, isJstackWanted }: Options,
): Promise<CommandOutput> {
  const { clients } = found
  if (clients.length === 0) throw notOnline(group)
  const { results, problems } = await admin.clients.runningInfos(group, clients, isJstackWanted)
  const rows = results.map((info) => {
    const client = clients.find(({ clientId }) => clientId === info.clientId)!
    return { ...summary(info), version: versionName(client.version), clientAddr: client.clientAddr }
  })
  const snapshot = {
    group,
    takenMs: 0,
    clients,
    isBroadcasting: false,
    switches: [],
    topics: [],
    lags: [],
    running: results,
    retryMessages: null,
    dlqMessages: null,
    problems,
  }
  const findings = findClients(snapshot, diagnosisDefaults)
  const isSame = !findings.some(({ code }) => code === 'SUBSCRIPTION_MISMATCH')
  const notes = isSame ? ['every member subscribes the same'] : []
  for (const { code, message } of findings) {
    if (code !== 'CLIENT_SILENT') notes.push(message)
  }
  return table(COLUMNS, rows, { notes, problems })
}

function summary(info: RunningInfo): Record<string, unknown> {
  const owned = info.queues.filter(({ isDropped }) => !isDropped)
  const startedText = info.properties.get('PROP_CONSUMER_START_TIMESTAMP')
  return {
    clientId: info.clientId,
    queues: owned.length,
    cachedMessages: owned.reduce((sum, { cachedMessages }) => sum + cachedMessages, 0),
    subscriptions: info.subscriptions.map(({ topic, expression }) => `${topic} ${expression}`),
    startedAtMs: startedText === undefined ? null : Number(startedText),
  }
}

async function member(
  { admin }: CommandContext,
  client: ConnectedClient,
  { group, isJstackWanted }: Options,
): Promise<CommandOutput> {
  const info = await admin.clients.runningInfo(group, client, isJstackWanted)
  const queues = info.queues.map(({ lastPullMs, lastConsumeMs, ...rest }) => ({
    ...rest,
    lastPullAtMs: lastPullMs,
    lastConsumeAtMs: lastConsumeMs,
  }))
  return record({ ...info, version: versionName(client.version), queues })
}
