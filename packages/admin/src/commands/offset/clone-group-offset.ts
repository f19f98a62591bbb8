import { type AdminCommand, command } from '../../command.ts'
import { column } from '../shared/columns.ts'
import { TOPIC } from '../shared/options.ts'
import { table } from '../shared/output.ts'

interface Options {
  readonly srcGroup: string
  readonly destGroup: string
  readonly topic: string
  readonly isOffline?: boolean
}

/** Java: CloneGroupOffsetCommand. Codes 105, 314. */
export const cloneGroupOffset: AdminCommand = command<Options>({
  name: 'cloneGroupOffset',
  path: ['group', 'clone-offset'],
  summary: 'Let one consumer group start where another one is',
  options: [
    { flags: '-s, --srcGroup <group>', key: 'srcGroup', help: 'the group to copy', required: true },
    {
      flags: '-d, --destGroup <group>',
      key: 'destGroup',
      help: 'the one that gets its offsets',
      required: true,
    },
    TOPIC,
    {
      flags: '-o, --offline <boolean>',
      key: 'isOffline',
      help: 'the group or the topic is offline',
      type: 'boolean',
    },
  ],
  examples: ['cloneGroupOffset -s billing -d billing-v2 -t orders'],
  damage: ({ destGroup, topic }) =>
    `How far ${destGroup} is in ${topic} is lost: it goes where the other group is.`,
  async run({ admin }, { srcGroup, destGroup, topic, isOffline = false }) {
    const { results, problems } = await admin.offsets.clone(srcGroup, destGroup, topic, isOffline)
    const columns = [
      column('address', 'ADDRESS'),
      column('broker', 'BROKER'),
      column('topic', 'TOPIC'),
      column('srcGroup', 'FROM'),
      column('destGroup', 'TO'),
    ]
    const rows = results.map(({ address, brokerName }) => {
      return { address, broker: brokerName, topic, srcGroup, destGroup }
    })
    return table(columns, rows, { problems })
  },
})
