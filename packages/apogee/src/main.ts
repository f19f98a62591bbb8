import { processIo } from './cli/io.ts'
import { runProgram } from './cli/program.ts'
import { Session } from './cli/session.ts'

/**
 * The `apogee` program. Exit codes: 0 ok, 1 failure, 2 usage, 3 configuration, 4 a server could not be reached in time,
 * 5 a part only, 130 and 143 ended by a signal before it was done.
 */
export async function main(argv: readonly string[]): Promise<void> {
  const session = new Session(processIo(), (code) => process.exit(code))
  const code = await runProgram(argv.slice(2), session)
  if (code === null) return
  // Commands close what they opened, and the process ends by itself; what failed may have left a server half made.
  if (code !== 0 && session.exitCode === null) process.exit(code)
  process.exitCode = code
}
