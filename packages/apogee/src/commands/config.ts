import { type Command, Option } from 'commander'
import { ExitCode, examples } from './options.ts'

interface CheckOptions {
  strict: boolean
  role: 'broker' | 'namesrv'
}

export function addConfigCommand(program: Command): void {
  const config = program
    .command('config')
    .description('look at configuration files')
    .addHelpText('after', examples('apogee config check conf/broker.conf'))
  config
    .command('check')
    .argument('<file>', 'broker.conf or namesrv.conf')
    .description('check a file without starting anything; exit code 3 when it cannot be used')
    .addOption(
      new Option('--role <role>', 'whose file it is')
        .choices(['broker', 'namesrv'])
        .default('broker'),
    )
    .option('--strict', 'an unknown key, or one of what is not there yet, is an error', false)
    .addHelpText(
      'after',
      examples(
        'apogee config check conf/broker.conf --strict',
        'apogee config check conf/namesrv.conf --role namesrv',
      ),
    )
    .action((file: string, options: CheckOptions) => check(file, options))
}

async function check(path: string, options: CheckOptions): Promise<void> {
  const { formatProblem, isFatal } = await import('../config/placed-problem.ts')
  const sources = { path, flags: [], environment: {} }
  const { problems } =
    options.role === 'namesrv'
      ? (await import('../config/namesrv-settings.ts')).namesrvSettings(sources)
      : (await import('../config/broker-settings.ts')).brokerSettings(sources)
  const counts = { error: 0, warning: 0, info: 0 }
  for (const problem of problems) {
    counts[problem.severity]++
    process.stdout.write(`${formatProblem(problem)}\n`)
  }
  const fatal = isFatal(problems, options.strict)
  const verdict = fatal ? 'cannot be used' : 'can be used'
  process.stdout.write(
    `${path}: ${verdict} (${counts.error} errors, ${counts.warning} warnings, ${counts.info} notes)\n`,
  )
  process.exitCode = fatal ? ExitCode.CONFIG : ExitCode.OK
}
