import { startApache } from './apache.ts'
import { startApogee } from './apogee.ts'
import { chosenTarget, type StartOptions, type Target } from './target.ts'

/** Starts what INTEROP_TARGET names. */
export async function startTarget(options: StartOptions): Promise<Target> {
  return await (chosenTarget() === 'apache' ? startApache(options) : startApogee(options))
}
