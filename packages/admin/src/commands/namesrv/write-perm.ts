import { type AdminCommand, type CommandOutput, command } from '../../command.ts'
import type { Answers } from '../../operations/answers.ts'
import type { OfNamesrv } from '../../operations/namesrv-operations.ts'
import { column, numbers } from '../shared/columns.ts'
import { table } from '../shared/output.ts'

interface Options {
  readonly brokerName: string
}

const BROKER = {
  flags: '-b, --brokerName <name>',
  key: 'brokerName',
  help: 'the broker',
  required: true,
}
const BROKER_ARGUMENT = {
  key: 'brokerName',
  name: '<broker>',
  help: 'name of the broker',
  required: true,
}
const COLUMNS = [
  column('namesrv', 'NAMESERVER'),
  column('broker', 'BROKER'),
  numbers('topics', 'TOPICS'),
]

function outcome(brokerName: string, answers: Answers<OfNamesrv<number>>): CommandOutput {
  const { results, problems } = answers
  const rows = results.map(({ namesrvAddr, value }) => ({
    namesrv: namesrvAddr,
    broker: brokerName,
    topics: value,
  }))
  const isUnknown = results.every(({ value }) => value === 0)
  const notes = isUnknown ? [`no NameServer has a topic of broker ${brokerName}`] : []
  return table(COLUMNS, rows, { notes, problems })
}

/** Java: WipeWritePermSubCommand. Code 205, at every NameServer. */
export const wipeWritePerm: AdminCommand = command<Options>({
  name: 'wipeWritePerm',
  path: ['broker', 'drain'],
  summary: 'Take the write permission of a broker out of all routes, so that producers leave it',
  options: [BROKER],
  arguments: [BROKER_ARGUMENT],
  examples: ['broker drain broker-a', 'wipeWritePerm -n 10.0.0.1:9876 -b broker-a'],
  damage: ({ brokerName }) =>
    `No producer sends to ${brokerName} any more until addWritePerm, which gives every topic read and write.`,
  run: async ({ admin }, { brokerName }) =>
    outcome(brokerName, await admin.namesrv.wipeWritePerm(brokerName)),
})

/** Java: AddWritePermSubCommand. Code 327, at every NameServer. */
export const addWritePerm: AdminCommand = command<Options>({
  name: 'addWritePerm',
  path: ['broker', 'undrain'],
  summary: 'Give a broker its write permission in all routes back',
  options: [BROKER],
  arguments: [BROKER_ARGUMENT],
  examples: ['broker undrain broker-a'],
  run: async ({ admin }, { brokerName }) =>
    outcome(brokerName, await admin.namesrv.addWritePerm(brokerName)),
})
