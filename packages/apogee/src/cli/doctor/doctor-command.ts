import { type Command, Option } from 'commander'
import { examples } from '../../commands/options.ts'
import { addConnectionOptions, type ConnectionFlags } from '../context/connection.ts'
import type { Session } from '../session.ts'

export interface DoctorFlags extends ConnectionFlags {
  readonly timeout: string
  readonly output: 'text' | 'json'
  readonly verbose?: boolean
}

/** `apogee doctor`. */
export function addDoctorCommand(program: Command, session: Session): void {
  const doctor = program
    .command('doctor')
    .description(
      `Look for what commonly keeps a cluster from working: NameServers that do
not answer or disagree, addresses that brokers advertise and this machine cannot
reach, clocks that differ, full disks, brokers without a master or without write
permission, slaves that do not follow or lag, topics without queues. Changes
nothing.`,
    )
    .summary('look for what keeps a cluster from working')
    .option('--timeout <span>', 'for one request, connecting included', '3s')
  addConnectionOptions(doctor)
    .optionsGroup('Output:')
    .addOption(
      new Option('-o, --output <form>', 'form of the result')
        .choices(['text', 'json'])
        .default('text'),
    )
    .option('--verbose', 'show what is well too, even when it is much')
    .addHelpText(
      'after',
      `${examples('apogee doctor', 'apogee doctor -n ns1:9876;ns2:9876 -o json')}
Exit code 0: nothing is wrong (there may be warnings); 1: something is.
`,
    )
    .action((flags: DoctorFlags) =>
      session.perform(async (signal) => {
        const { doctor: run } = await import('./doctor.ts')
        return await run(session.io, flags, signal)
      }),
    )
}
