import { Prng } from '@apogee/base'
import type { SimDisk } from '@apogee/env/sim'
import { type Crash, checkImage } from './crash-checker.ts'
import { crashOptions, drawOps, type FlushDiskType, type Op, Workload } from './crash-workload.ts'
import { makeWorld } from './store-fixture.ts'

// Crash enumeration: one workload is recorded on a simulated disk; from every step of the recording disks are made as a
// crash there may leave them; a store is recovered from each and held against what was promised by then.

export interface EnumerationOptions {
  seed: number
  flushDiskType: FlushDiskType
  /** What to hold the store to; normally what it says itself. */
  promise?: FlushDiskType
  /** Ops drawn for the workload. */
  opCount: number
  /** Images of each step: all unsynced lost, all kept, killed, then drawn. */
  imagesPerStep: number
  /** Images wanted: the steps are taken evenly over the recording. Default: every step. */
  images?: number
  /**
   * Sectors under way may hold garbage. No log that appends within a sector can promise anything then (the disk may garble
   * what was durable beside it); but it must open, and what it gives must be right.
   */
  garble?: boolean
  /** Breaks the disk under the store (of the recording and of each image), to see whether the checker notices. */
  sabotage?: (disk: SimDisk) => void
}

export interface EnumerationResult {
  steps: number
  images: number
  messages: number
  refused: number
  failure: CrashFailure | null
}

export interface CrashFailure {
  problem: string
  crash: Crash
  variant: number
  call: string
  ops: readonly Op[]
}

export async function enumerateCrashes(options: EnumerationOptions): Promise<EnumerationResult> {
  const ops = drawOps(new Prng(options.seed), options.opCount)
  return enumerateOps(options, ops)
}

async function enumerateOps(
  options: EnumerationOptions,
  ops: readonly Op[],
): Promise<EnumerationResult> {
  const world = makeWorld(options.seed)
  const { disk } = world
  disk.startRecording()
  options.sabotage?.(disk)
  const workload = new Workload(world, crashOptions(options.flushDiskType))
  await workload.run(ops)
  const { attempts } = workload.ledger
  const result: EnumerationResult = {
    steps: disk.steps.length,
    images: 0,
    messages: attempts.length,
    refused: attempts.filter((attempt) => attempt.outcome === 2).length,
    failure: null,
  }
  const wanted = Math.ceil((options.images ?? Number.POSITIVE_INFINITY) / options.imagesPerStep)
  const count = Math.min(wanted, disk.steps.length)
  for (let i = 0; i < count; i++) {
    const step = Math.floor((i * disk.steps.length) / count)
    const prng = new (options.garble === true ? Prng : TearingPrng)(options.seed ^ step)
    const variants = disk.crashImages(step, prng, options.imagesPerStep)
    for (const [variant, image] of variants.entries()) {
      result.images++
      const problem = await checkOne(options, workload, step, variant, image)
      if (problem === null) continue
      const { call, phase } = disk.steps[step]!
      const crash = crashOf(options, step, variant)
      const where = `${phase} ${call.kind} ${call.path} at ${call.position}`
      result.failure = { problem, crash, variant, call: where, ops }
      return result
    }
  }
  return result
}

function checkOne(
  options: EnumerationOptions,
  workload: Workload,
  step: number,
  variant: number,
  image: SimDisk,
): Promise<string | null> {
  const prng = new Prng(options.seed ^ (step * 31 + variant))
  const crash = crashOf(options, step, variant)
  const { flushDiskType, sabotage } = options
  const given = sabotage === undefined ? {} : { sabotage }
  return checkImage(workload.ledger, crash, image, { ...given, flushDiskType, prng })
}

/** What `crashImages` makes of the variant: see `crashVariant`. */
function crashOf(options: EnumerationOptions, step: number, variant: number): Crash {
  const mode = variant === 2 ? 'kill' : 'power'
  const garbled = options.garble === true && variant > 2 && variant % 3 !== 0
  return { step, mode, garbled, promise: options.promise ?? options.flushDiskType }
}

/**
 * Draws crashes whose damaged sectors are torn (a part of the new and a part of the old content), never garbled. Follows
 * the draws of powerCut and of damage in env/sim: keep (of five), damage (of four), then per sector damage and kind.
 */
export class TearingPrng extends Prng {
  private isDamageNext = false
  private isTornNext = false

  override below(bound: number): number {
    const drawn = super.below(bound)
    const isDamage = this.isDamageNext && bound === 4
    this.isDamageNext = bound === 5
    return isDamage ? Math.min(drawn, 2) : drawn
  }

  override chance(chance: number): boolean {
    if (chance === 0.05) {
      this.isTornNext = super.chance(0.4)
      return this.isTornNext
    }
    const isKind = this.isTornNext && chance === 0.5
    this.isTornNext = false
    return super.chance(chance) && !isKind
  }
}

/** Leaves out ops as long as some crash of what is left still fails. At most `tries` enumerations. */
export async function shrink(
  options: EnumerationOptions,
  failure: CrashFailure,
  tries: number,
): Promise<CrashFailure> {
  let smallest = failure
  let width = Math.ceil(smallest.ops.length / 2)
  for (let left = tries; width >= 1 && left > 0; ) {
    let shrunk = false
    for (let at = 0; at < smallest.ops.length && left > 0; left--) {
      const ops = [...smallest.ops.slice(0, at), ...smallest.ops.slice(at + width)]
      const again = await enumerateQuietly(options, ops)
      if (again === null) at += width
      else {
        smallest = again
        shrunk = true
      }
    }
    if (!shrunk) width = Math.floor(width / 2)
  }
  return smallest
}

async function enumerateQuietly(
  options: EnumerationOptions,
  ops: readonly Op[],
): Promise<CrashFailure | null> {
  try {
    return (await enumerateOps(options, ops)).failure
  } catch {
    // The smaller workload does not run at all: another case.
    return null
  }
}

export function describeFailure(options: EnumerationOptions, failure: CrashFailure): string {
  const { crash, variant, call, ops, problem } = failure
  const { seed, flushDiskType, opCount, imagesPerStep } = options
  return [
    problem,
    `seed ${seed} (${flushDiskType}, ${opCount} ops, ${imagesPerStep} images a step)`,
    `crash: ${crash.mode} after step ${crash.step}, variant ${variant}: ${call}`,
    'workload:',
    ...ops.map((op) => `  ${JSON.stringify(op)}`),
  ].join('\n')
}
