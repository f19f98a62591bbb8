import { startApache } from './apache.ts'
import { startApogee } from './apogee.ts'
import { chosenTarget, type StartOptions, type Target } from './target.ts'

/** Starts what INTEROP_TARGET names. */
export async function startTarget(options: StartOptions): Promise<Target> {
  return await (chosenTarget() === 'apache' ? startApache(options) : startApogee(options))
}

/** Apache's broker takes 15 seconds to stop, and is not what is being tested; Apogee must stop cleanly. */
export async function endTarget(target: Target): Promise<void> {
  await (target.kind === 'apache' ? target.kill() : target.stop())
}
