import type { Command } from 'commander'
import { ExitCode } from './options.ts'

interface CheckOptions {
  strict: boolean
  role: 'broker' | 'namesrv'
}

export function addConfigCommand(program: Command): void {
  const config = program.command('config').description('look at configuration files')
  config
    .command('check')
    .argument('<file>', 'broker.conf or namesrv.conf')
    .description('check a file without starting anything; exit code 3 when it cannot be used')
    .option('--role <role>', 'broker or namesrv', 'broker')
    .option('--strict', 'an unknown key, or one that has no effect here, is an error', false)
    .addHelpText('after', '\nExample:\n  apogee config check conf/broker.conf --strict\n')
    .action((file: string, options: CheckOptions) => check(file, options))
}

async function check(file: string, options: CheckOptions): Promise<void> {
  const [{ brokerSettings }, { namesrvSettings }, { formatProblem, isFatal }] = await Promise.all([
    import('../config/broker-settings.ts'),
    import('../config/namesrv-settings.ts'),
    import('../config/report-problems.ts'),
  ])
  const settings = options.role === 'namesrv' ? namesrvSettings : brokerSettings
  const { problems } = settings(file, [], {})
  const counts = { error: 0, warning: 0, info: 0 }
  for (const problem of problems) {
    counts[problem.severity]++
    process.stdout.write(`${formatProblem(problem)}\n`)
  }
  const fatal = isFatal(problems, options.strict)
  const verdict = fatal ? 'cannot be used' : 'can be used'
  process.stdout.write(
    `${file}: ${verdict} (${counts.error} errors, ${counts.warning} warnings, ${counts.info} notes)\n`,
  )
  process.exitCode = fatal ? ExitCode.CONFIG : ExitCode.OK
}
