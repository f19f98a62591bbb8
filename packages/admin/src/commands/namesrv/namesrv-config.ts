import { type AdminCommand, command } from '../../command.ts'
import { column } from '../shared/columns.ts'
import { table } from '../shared/output.ts'

const COLUMNS = [column('namesrv', 'NAMESERVER'), column('key', 'KEY'), column('value', 'VALUE')]

interface GetOptions {
  readonly key?: string
}

/** Java: GetNamesrvConfigCommand. Code 319. */
export const getNamesrvConfig: AdminCommand = command<GetOptions>({
  name: 'getNamesrvConfig',
  path: ['namesrv', 'get-config'],
  summary: 'Show the configuration of the NameServers',
  options: [{ flags: '-k, --key <name>', key: 'key', help: 'this key only' }],
  arguments: [{ key: 'key', name: '[key]', help: 'this key only' }],
  examples: ['namesrv get-config'],
  async run({ admin }, { key }) {
    const { results, problems } = await admin.namesrv.config()
    const rows = results.flatMap(({ namesrvAddr, value }) =>
      [...value]
        .filter(([name]) => key === undefined || name === key)
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, text]) => ({ namesrv: namesrvAddr, key: name, value: text })),
    )
    return table(COLUMNS, rows, { problems })
  },
})

interface SetOptions {
  readonly key: string
  readonly value: string
}

/** Java: UpdateNamesrvConfigCommand. Code 318, at every NameServer. */
export const updateNamesrvConfig: AdminCommand = command<SetOptions>({
  name: 'updateNamesrvConfig',
  path: ['namesrv', 'set-config'],
  summary: 'Change one configuration key of running NameServers',
  options: [
    { flags: '-k, --key <name>', key: 'key', help: 'configuration key', required: true },
    { flags: '-v, --value <value>', key: 'value', help: 'its new value', required: true },
  ],
  arguments: [
    { key: 'key', name: '<key>', help: 'configuration key', required: true },
    { key: 'value', name: '<value>', help: 'its new value', required: true },
  ],
  examples: ['namesrv set-config orderMessageEnable true'],
  damage: ({ key, value }) =>
    `${key} becomes ${value} at once at every NameServer; its old value is not kept anywhere.`,
  async run({ admin }, { key, value }) {
    const { results, problems } = await admin.namesrv.setConfig(new Map([[key, value]]))
    const rows = results.map(({ namesrvAddr }) => ({ namesrv: namesrvAddr, key, value }))
    return table(COLUMNS, rows, { problems })
  },
})
