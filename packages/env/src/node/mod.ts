import type { Env } from '../ports.ts'
import { NodeClock } from './clock.ts'
import { NodeDisk } from './disk.ts'
import { NodeNet, type NodeNetOptions } from './net.ts'
import { NodeRandom } from './random.ts'
import type { WriteManyOptions } from './write-many.ts'

export { NodeClock } from './clock.ts'
export { NodeDisk } from './disk.ts'
export { NodeNet, type NodeNetOptions } from './net.ts'
export { NodeRandom } from './random.ts'
export type { WriteManyOptions } from './write-many.ts'

/** The real world: this machine's clock, chance, files and sockets. */
export function nodeEnv(options: { disk?: WriteManyOptions; net?: NodeNetOptions } = {}): Env {
  return {
    clock: new NodeClock(),
    random: new NodeRandom(),
    disk: new NodeDisk(options.disk),
    net: new NodeNet(options.net),
  }
}
