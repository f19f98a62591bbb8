import type { CommandContext, CommandOutput } from '../../command.ts'
import { waitOrStop } from '../../operations/wait.ts'

/** The same look again and again until the signal ends it. The first failure ends it too. */
export async function* repeated(
  { clock, signal }: Pick<CommandContext, 'clock' | 'signal'>,
  intervalMs: number,
  look: () => Promise<CommandOutput>,
): AsyncGenerator<CommandOutput> {
  while (!signal.aborted) {
    yield await look()
    if (!(await waitOrStop(clock, intervalMs, signal))) return
  }
}
