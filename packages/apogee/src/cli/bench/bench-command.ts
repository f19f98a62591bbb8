import { type Command, Option } from 'commander'
import { examples } from '../../commands/options.ts'
import { addConnectionOptions, type ConnectionFlags } from '../context/connection.ts'
import { repeated, wholeNumber } from '../messages/message-options.ts'
import type { Session } from '../session.ts'

interface BenchFlags extends ConnectionFlags {
  readonly topic: string
  readonly duration?: string
  readonly count?: number
  readonly output: 'text' | 'json'
}

export interface ProduceFlags extends BenchFlags {
  readonly size: number
  readonly rate?: number
  readonly inFlight: number
  readonly producers: number
  readonly batch: number
  readonly tag: readonly string[]
  readonly keys?: boolean
  readonly compress?: boolean
  readonly warmup: string
  readonly timeout: string
}

export interface ConsumeBenchFlags extends BenchFlags {
  readonly group: string
  readonly from: string
  readonly consumers: number
  readonly concurrency: number
  readonly tag?: string
  readonly idle: string
}

const DEFAULT_TOPIC = 'apogee-bench'

/** `apogee bench produce|consume`. */
export function addBenchCommand(program: Command, session: Session): void {
  const bench = program
    .command('bench')
    .description('measure how fast messages go in and out')
    .addHelpText(
      'after',
      examples('apogee bench produce', 'apogee bench consume --from first --duration 10s'),
    )
  addProduce(bench, session)
  addConsume(bench, session)
}

function addProduce(bench: Command, session: Session): void {
  const produce = bench
    .command('produce')
    .description('Send messages and measure until each was acknowledged.')
    .summary('send as fast as it goes, or at a rate')
    .optionsGroup('Load:')
    .option('--topic <name>', 'the topic', DEFAULT_TOPIC)
    .option('--size <bytes>', 'bytes of each body', wholeNumber(1, 64 * 1024 * 1024), 1024)
    .option(
      '--rate <number>',
      'messages per second in all; latency then counts from when each was due',
      wholeNumber(1),
    )
    .option(
      '--in-flight <number>',
      'sends under way at once, per producer',
      wholeNumber(1, 10_000),
      64,
    )
    .option(
      '--producers <number>',
      'producers, each with connections of its own',
      wholeNumber(1, 64),
      1,
    )
    .option('--batch <number>', 'messages per send', wholeNumber(1, 4096), 1)
    .option('--tag <tag>', 'a tag; several take turns', repeated, [])
    .option('--keys', 'a key for each message')
    .option('--compress', 'compress bodies of 4 KiB and more')
    .option('--timeout <span>', 'for one send', '10s')
    .option('--warmup <span>', 'not counted, at the beginning', '0s')
  addLimits(produce, '10s')
  produce
    .addHelpText(
      'after',
      examples(
        'apogee bench produce --size 1024 --in-flight 64 --duration 30s',
        'apogee bench produce --rate 5000 --duration 1m -o json',
        'apogee bench produce --batch 32 --count 1000000',
      ),
    )
    .action((flags: ProduceFlags) =>
      session.perform(async (signal) => {
        const { benchProduce } = await import('./bench-produce.ts')
        return await benchProduce(session.io, flags, signal)
      }),
    )
}

function addConsume(bench: Command, session: Session): void {
  const consume = bench
    .command('consume')
    .description('Consume messages and measure from when each was made to when it came.')
    .summary('consume, with the time since each message was made')
    .optionsGroup('Load:')
    .option('--topic <name>', 'the topic', DEFAULT_TOPIC)
    .option('--group <name>', 'consumer group', 'apogee-bench')
    .option('--from <where>', 'where a new group begins: first, last, a time, 10m (ago)', 'last')
    .option(
      '--consumers <number>',
      'members, each with connections of its own',
      wholeNumber(1, 64),
      1,
    )
    .option('--concurrency <number>', 'messages at once, per member', wholeNumber(1, 10_000), 20)
    .option('--tag <expression>', 'only these tags')
    .option('--idle <span>', 'end when nothing has come for this long', '5s')
  addLimits(consume, undefined)
  consume
    .addHelpText(
      'after',
      `${examples(
        'apogee bench consume --duration 30s',
        'apogee bench consume --group fresh --from first --count 1000000 -o json',
      )}
The time a message took is known only as well as the two clocks agree.
`,
    )
    .action((flags: ConsumeBenchFlags) =>
      session.perform(async (signal) => {
        const { benchConsume } = await import('./bench-consume.ts')
        return await benchConsume(session.io, flags, signal)
      }),
    )
}

function addLimits(command: Command, duration: string | undefined): void {
  const help =
    duration === undefined ? 'end after this time' : `end after this time (default: ${duration})`
  command
    .optionsGroup('End:')
    .option('--duration <span>', help)
    .option('--count <number>', 'end after so many messages', wholeNumber(1))
  addConnectionOptions(command)
    .optionsGroup('Output:')
    .addOption(
      new Option('-o, --output <form>', 'form of the result')
        .choices(['text', 'json'])
        .default('text'),
    )
    .option('--verbose', 'show the stack of an error')
}
