import type { TargetKind } from '../harness/target.ts'

/** BRIDGES_SELF_CHECK=1 puts Apache's servers in the place of ours, which proves the suite. */
export const selfCheck: boolean = process.env['BRIDGES_SELF_CHECK'] !== undefined

export const ours: TargetKind = selfCheck ? 'apache' : 'apogee'

/** BRIDGES_SEED repeats the loads of a run. */
export const seed: number = Number(process.env['BRIDGES_SEED'] ?? Date.now() % 1_000_000)
