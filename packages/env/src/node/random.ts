import type { Random } from '../ports.ts'

/** V8's generator, seeded by the machine. For spreading and jitter; not for secrets. */
export class NodeRandom implements Random {
  below(bound: number): number {
    return Math.floor(Math.random() * bound)
  }
}
