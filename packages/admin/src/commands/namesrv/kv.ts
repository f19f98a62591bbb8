import { type AdminCommand, command } from '../../command.ts'
import { column } from '../shared/columns.ts'
import { done, record, table } from '../shared/output.ts'

const NAMESPACE = {
  flags: '-s, --namespace <namespace>',
  key: 'namespace',
  help: 'namespace',
  required: true,
}
const KEY = { flags: '-k, --key <key>', key: 'key', help: 'key', required: true }
const NAMESPACE_ARGUMENT = {
  key: 'namespace',
  name: '<namespace>',
  help: 'namespace',
  required: true,
}
const KEY_ARGUMENT = { key: 'key', name: '<key>', help: 'key', required: true }

interface KeyOptions {
  readonly namespace: string
  readonly key: string
}

/** Java: UpdateKvConfigCommand. Code 100, at every NameServer. */
export const updateKvConfig: AdminCommand = command<KeyOptions & { readonly value: string }>({
  name: 'updateKvConfig',
  path: ['kv', 'put'],
  summary: 'Put a key into the KV configuration of the NameServers',
  options: [
    NAMESPACE,
    KEY,
    { flags: '-v, --value <value>', key: 'value', help: 'value', required: true },
  ],
  arguments: [
    NAMESPACE_ARGUMENT,
    KEY_ARGUMENT,
    { key: 'value', name: '<value>', help: 'value', required: true },
  ],
  examples: ['kv put ORDER_TOPIC_CONFIG orders broker-a:4', 'updateKvConfig -s ns -k key -v value'],
  async run({ admin }, { namespace, key, value }) {
    const { problems } = await admin.namesrv.putKv(namespace, key, value)
    return done(`${key} in ${namespace} is ${value}`, { namespace, key, value }, { problems })
  },
})

/** Java: DeleteKvConfigCommand. Code 102, at every NameServer. */
export const deleteKvConfig: AdminCommand = command<KeyOptions>({
  name: 'deleteKvConfig',
  path: ['kv', 'delete'],
  summary: 'Delete a key from the KV configuration of the NameServers',
  options: [NAMESPACE, KEY],
  arguments: [NAMESPACE_ARGUMENT, KEY_ARGUMENT],
  examples: ['kv delete ORDER_TOPIC_CONFIG orders'],
  damage: ({ namespace, key }) => `The value of ${key} in ${namespace} is lost.`,
  async run({ admin }, { namespace, key }) {
    const { problems } = await admin.namesrv.deleteKv(namespace, key)
    return done(`${key} in ${namespace} is deleted`, { namespace, key }, { problems })
  },
})

/** Code 101. */
export const kvGet: AdminCommand = command<KeyOptions>({
  name: null,
  path: ['kv', 'get'],
  summary: 'Show a key of the KV configuration',
  options: [NAMESPACE, KEY],
  arguments: [NAMESPACE_ARGUMENT, KEY_ARGUMENT],
  examples: ['kv get ORDER_TOPIC_CONFIG orders'],
  run: async ({ admin }, { namespace, key }) =>
    record({ namespace, key, value: await admin.namesrv.getKv(namespace, key) }),
})

/** Code 219. */
export const kvList: AdminCommand = command<{ readonly namespace: string }>({
  name: null,
  path: ['kv', 'list'],
  summary: 'List the keys of a namespace of the KV configuration',
  options: [NAMESPACE],
  arguments: [NAMESPACE_ARGUMENT],
  examples: ['kv list ORDER_TOPIC_CONFIG'],
  async run({ admin }, { namespace }) {
    const entries = await admin.namesrv.listKv(namespace)
    const rows = [...entries].map(([key, value]) => ({ key, value }))
    return table([column('key', 'KEY'), column('value', 'VALUE')], rows)
  },
})
