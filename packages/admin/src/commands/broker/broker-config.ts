import { type AdminCommand, command } from '../../command.ts'
import { column, wide } from '../shared/columns.ts'
import {
  BROKER_ADDR,
  CLUSTER_NAME,
  either,
  placeText,
  type WhereOptions,
} from '../shared/options.ts'
import { table } from '../shared/output.ts'

interface GetOptions extends WhereOptions {
  readonly key?: string
}

const COLUMNS = [
  column('address', 'ADDRESS'),
  column('key', 'KEY'),
  column('value', 'VALUE'),
  ...wide(column('broker', 'BROKER')),
]

/** Java: GetBrokerConfigCommand. Codes 26, 106. */
export const getBrokerConfig: AdminCommand = command<GetOptions>({
  name: 'getBrokerConfig',
  path: ['broker', 'get-config'],
  summary: 'Show the configuration of brokers, slaves too',
  options: [
    ...either('where', BROKER_ADDR, CLUSTER_NAME),
    { flags: '-k, --key <name>', key: 'key', help: 'this key only' },
  ],
  arguments: [{ key: 'key', name: '[key]', help: 'this key only' }],
  examples: [
    'broker get-config -b 10.0.0.1:10911 fileReservedTime',
    'getBrokerConfig -c DefaultCluster',
  ],
  async run({ admin }, { key, ...where }) {
    const { results, problems } = await admin.brokers.config(where)
    const rows = results.flatMap(({ broker, value }) =>
      [...value]
        .filter(([name]) => key === undefined || name === key)
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, text]) => ({
          address: broker.address,
          broker: broker.brokerName,
          key: name,
          value: text,
        })),
    )
    return table(COLUMNS, rows, { problems })
  },
})

interface SetOptions extends WhereOptions {
  readonly updateAllBroker?: boolean
  readonly key: string
  readonly value: string
}

/** Java: UpdateBrokerConfigSubCommand. Codes 25, 106. */
export const updateBrokerConfig: AdminCommand = command<SetOptions>({
  name: 'updateBrokerConfig',
  path: ['broker', 'set-config'],
  summary: 'Change one configuration key of running brokers',
  options: [
    ...either('where', BROKER_ADDR, CLUSTER_NAME),
    {
      flags: '-a, --updateAllBroker <boolean>',
      key: 'updateAllBroker',
      help: 'slaves too',
      type: 'boolean',
    },
    { flags: '-k, --key <name>', key: 'key', help: 'configuration key', required: true },
    { flags: '-v, --value <value>', key: 'value', help: 'its new value', required: true },
  ],
  arguments: [
    { key: 'key', name: '<key>', help: 'configuration key', required: true },
    { key: 'value', name: '<value>', help: 'its new value', required: true },
  ],
  examples: ['broker set-config -c DefaultCluster fileReservedTime 48'],
  damage: ({ key, value, ...where }) =>
    `${key} becomes ${value} at once ${placeText(where)}; its old value is not kept anywhere.`,
  async run({ admin }, { key, value, updateAllBroker = false, ...where }) {
    const entries = new Map([[key, value]])
    const { results, problems } = await admin.brokers.setConfig(where, entries, updateAllBroker)
    const columns = [column('address', 'ADDRESS'), column('key', 'KEY'), column('value', 'VALUE')]
    const rows = results.map(({ broker }) => ({ address: broker.address, key, value }))
    return table(columns, rows, { problems })
  },
})
