import { type AdminCommand, type Column, type CommandOutput, command } from '../../command.ts'
import type { Answers } from '../../operations/answers.ts'
import type { ConnectedProducer } from '../../operations/client-operations.ts'
import { CLIENT_COLUMNS, clientRow } from '../shared/client-rows.ts'
import { column, numbers } from '../shared/columns.ts'
import { CLUSTER_NAME, CONSUMER_GROUP, GROUP_ARGUMENT, TOPIC } from '../shared/options.ts'
import { table } from '../shared/output.ts'

/** Java: ProducerConnectionSubCommand. Codes 105, 204. */
export const producerConnection: AdminCommand = command<{
  readonly group: string
  readonly topic: string
}>({
  name: 'producerConnection',
  path: ['producer', 'clients'],
  summary: 'Show the connected producers of a group at the brokers of a topic',
  options: [
    {
      flags: '-g, --producerGroup <group>',
      key: 'group',
      help: 'producer group',
      required: true,
    },
    TOPIC,
  ],
  arguments: [{ ...GROUP_ARGUMENT, help: 'producer group' }],
  examples: ['producerConnection -n 10.0.0.1:9876 -g shop -t orders'],
  async run({ admin }, { group, topic }) {
    const { results, problems } = await admin.clients.producers(group, topic)
    return table(CLIENT_COLUMNS, results.map(clientRow), { problems })
  },
})

const PRODUCER_COLUMNS: readonly Column[] = [
  column('producerGroup', 'GROUP'),
  ...CLIENT_COLUMNS,
  column('heardAtMs', 'LAST HEARTBEAT'),
]

function producerTable({ results, problems }: Answers<ConnectedProducer>): CommandOutput {
  const rows = results.map((one) => ({
    ...clientRow(one),
    producerGroup: one.producerGroup,
    heardAtMs: one.lastUpdateMs,
  }))
  return table(PRODUCER_COLUMNS, rows, { problems })
}

/** Java: ProducerSubCommand. Code 328. */
export const producer: AdminCommand = command<{ readonly brokerAddr: string }>({
  name: 'producer',
  path: null,
  summary: 'List every producer that is connected to a broker',
  options: [
    { flags: '-b, --broker <host:port>', key: 'brokerAddr', help: 'the broker', required: true },
  ],
  examples: ['producer -b 10.0.0.1:10911'],
  run: async ({ admin }, options) => producerTable(await admin.clients.allProducers(options)),
})

/** Codes 106, 328. */
export const producerList: AdminCommand = command<{ readonly clusterName?: string }>({
  name: null,
  path: ['producer', 'list'],
  summary: 'List every producer that is connected to any broker',
  options: [CLUSTER_NAME],
  examples: ['producer list'],
  run: async ({ admin }, options) => producerTable(await admin.clients.allProducers(options)),
})

const CLIENT_LIST_COLUMNS: readonly Column[] = [
  column('kind', 'KIND'),
  column('group', 'GROUP'),
  ...CLIENT_COLUMNS,
  numbers('brokerCount', 'BROKERS', { wide: true }),
]

interface ClientListOptions {
  readonly clusterName?: string
  readonly group?: string
}

/** One request a broker for producers, and one a group and broker for consumers. Codes 106, 201, 317, 203, 328. */
export const clientList: AdminCommand = command<ClientListOptions>({
  name: null,
  path: ['client', 'list'],
  summary: 'List every client that is connected: producers and consumers',
  options: [CLUSTER_NAME, { ...CONSUMER_GROUP, help: 'only of this group', required: false }],
  examples: ['client list', 'client list -g billing'],
  async run({ admin }, { clusterName, group }) {
    const producers = await admin.clients.allProducers({ clusterName })
    const groups = await admin.groups.list({ clusterName }, { connections: true })
    const rows = [
      ...producers.results.map((one) => ({
        kind: 'producer',
        group: one.producerGroup,
        brokerCount: one.brokers.length,
        ...clientRow(one),
      })),
      ...groups.results.flatMap((one) =>
        (one.connections?.clients ?? []).map((client) => ({
          kind: 'consumer',
          group: one.group,
          brokerCount: client.brokers.length,
          ...clientRow(client),
        })),
      ),
    ].filter((row) => group === undefined || row.group === group)
    const problems = [...producers.problems, ...groups.problems]
    return table(CLIENT_LIST_COLUMNS, rows, { problems })
  },
})
