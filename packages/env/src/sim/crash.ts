import type { Prng } from '@apogee/base'
import { type Inode, PAGE, SECTOR } from './inode.ts'

/** How a simulated disk comes out of a crash. */
export interface CrashChoice {
  /** `kill` ends the process alone: what it wrote is kept, durable or not. `power` takes what was not synced, too. */
  mode: 'power' | 'kill'
  prng: Prng
  /** Chance that an unsynced sector, size or part of a write under way is on the disk. 0 = none is, 1 = all are. */
  keep: number
  /** Chance that an unsynced sector that is on the disk is torn or garbled. */
  damage: number
  /** Chance that the next unsynced change of a folder's names is on the disk; the first that is not ends the folder. */
  keepNames: number
  /** Sectors written last after this write are lost, whatever `keep` says: the disk wrote in order up to here. */
  lastWrite: number
}

/** Ends the process; the machine goes on. */
export function processKill(prng: Prng): CrashChoice {
  const lastWrite = Number.POSITIVE_INFINITY
  return { mode: 'kill', prng, keep: 1, damage: 0, keepNames: 1, lastWrite }
}

/** Cuts the power. What is not given is drawn, extremes included, so that many cuts see many kinds of disk. */
export function powerCut(prng: Prng, fixed: Partial<CrashChoice> = {}): CrashChoice {
  const pick = (values: readonly number[]): number => values[prng.below(values.length)]!
  const keep = pick([0, 0.1, 0.5, 0.9, 1])
  const damage = pick([0, 0, 0.05, 0.5])
  const keepNames = pick([0, 0.5, 0.9, 1])
  const lastWrite = Number.POSITIVE_INFINITY
  return { mode: 'power', prng, keep, damage, keepNames, lastWrite, ...fixed }
}

/**
 * The `index`-th of many crashes at one point: first everything unsynced lost, then everything kept, then the process
 * killed, then power cuts: every third with the disk having written in order up to some write, the rest at random.
 */
export function crashVariant(index: number, prng: Prng, writes: number): CrashChoice {
  if (index === 0) return powerCut(prng, { keep: 0, damage: 0, keepNames: 0 })
  if (index === 1) return powerCut(prng, { keep: 1, damage: 0, keepNames: 1 })
  if (index === 2) return processKill(prng)
  if (index % 3 !== 0) return powerCut(prng)
  const lastWrite = writes - prng.below(Math.min(writes + 1, 32))
  return powerCut(prng, { keep: 1, damage: 0, lastWrite })
}

/** Makes `inode` what the disk holds after the power cut. */
export function cutPower(inode: Inode, choice: CrashChoice): void {
  if (!inode.hasUnsynced) return
  const cutKept = choice.prng.chance(choice.keep)
  const size = sizeAfter(inode, choice, cutKept)
  const sectors = new Set<number>()
  for (const layer of inode.unsyncedLayers) {
    for (const sector of layer.sectors.keys()) sectors.add(sector)
  }
  for (const sector of sectors) {
    inode.putSector(sector, sectorAfter(inode, sector, choice, cutKept))
  }
  for (const [sector, old] of inode.droppedSectors) inode.putSector(sector, old)
  inode.settle(size)
}

/** Goes from the newest content to older ones until one is on the disk. */
function sectorAfter(
  inode: Inode,
  sector: number,
  choice: CrashChoice,
  cutKept: boolean,
): Uint8Array | null {
  let content = inode.sector(sector)
  const layers = inode.unsyncedLayers
  for (let i = layers.length - 1; i >= 0; i--) {
    const dirty = layers[i]!.sectors.get(sector)
    if (dirty === undefined) continue
    if (dirty.cut) {
      if (cutKept) return content
    } else if (dirty.write <= choice.lastWrite && choice.prng.chance(choice.keep)) {
      return damaged(content, dirty.old, choice)
    }
    content = dirty.old
  }
  return content
}

function damaged(
  content: Uint8Array | null,
  old: Uint8Array | null,
  choice: CrashChoice,
): Uint8Array | null {
  const prng = choice.prng
  if (!prng.chance(choice.damage)) return content
  const result = new Uint8Array(SECTOR)
  if (prng.chance(0.5)) {
    for (let i = 0; i < SECTOR; i++) result[i] = prng.below(256)
    return result
  }
  const torn = 1 + prng.below(SECTOR - 1)
  const [head, tail] = prng.chance(0.5) ? [content, old] : [old, content]
  if (head !== null) result.set(head.subarray(0, torn))
  if (tail !== null) result.set(tail.subarray(torn), torn)
  return result
}

/** Sizes since the last sync may each be the one on disk; once the file was cut, the cut decides which of them. */
function sizeAfter(inode: Inode, choice: CrashChoice, cutKept: boolean): number {
  const durable = inode.durableSize
  const sizes = [durable]
  let cutAt = 0
  for (const layer of inode.unsyncedLayers) {
    if (layer.cutAt > 0 || layer.sizes[0]! < layer.sizeBefore) cutAt = sizes.length + layer.cutAt
    sizes.push(...layer.sizes)
  }
  const possible = cutAt === 0 ? sizes : cutKept ? sizes.slice(cutAt) : sizes.slice(0, cutAt)
  const first = possible[0]!
  const last = possible[possible.length - 1]!
  const prng = choice.prng
  if (prng.chance(choice.keep)) return last
  if (choice.keep === 0 || prng.chance(0.5)) return first
  if (prng.chance(0.5)) return possible[prng.below(possible.length)]!
  if (last <= first) return first
  // The disk may have got to any page in between.
  return Math.max(first, Math.floor((first + prng.below(last - first)) / PAGE) * PAGE)
}
