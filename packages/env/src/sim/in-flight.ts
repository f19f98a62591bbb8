import { DiskFailure } from '../disk-failure.ts'
import type { Disk, DiskPiece } from '../ports.ts'
import type { CrashChoice } from './crash.ts'
import type { InFlight } from './disk-engine.ts'
import type { DiskState } from './disk-state.ts'
import { SECTOR } from './inode.ts'

/** Writes `pieces` in order; returns the error of the first that fails. */
export function writePieces(
  disk: Disk,
  pieces: readonly DiskPiece[],
  sync: boolean,
): DiskFailure | null {
  for (const piece of pieces) {
    try {
      writePiece(disk, piece, sync)
    } catch (error) {
      if (error instanceof DiskFailure) return error
      throw error
    }
  }
  return null
}

function writePiece(disk: Disk, piece: DiskPiece, sync: boolean): void {
  const file = disk.open(piece.path, { create: true, size: piece.size })
  try {
    file.writeNow(piece.bytes, piece.position)
    if (sync) file.syncNow()
  } finally {
    file.close()
  }
}

/**
 * Puts a part of the calls under way on the disk that is about to crash. A dying process leaves a beginning of each; a
 * power cut any sectors, in any order.
 */
export function applyInFlight(
  disk: Disk,
  state: DiskState,
  inFlight: readonly InFlight[],
  choice: CrashChoice,
): void {
  for (const call of inFlight) {
    if (call.kind === 'writeMany') {
      writePieces(disk, beginning(call.pieces, choice), call.sync)
      continue
    }
    const inode = state.inode(call.inode.number)
    if (inode === undefined) continue
    if (choice.mode === 'kill') {
      inode.write(call.bytes.subarray(0, partOf(call.bytes.length, choice)), call.position)
      continue
    }
    for (const [start, end] of sectorsOf(call.position, call.bytes.length)) {
      if (!choice.prng.chance(choice.keep)) continue
      inode.write(call.bytes.subarray(start, end), call.position + start)
    }
  }
}

/** Whole pieces, and perhaps a part of the next. */
function beginning(pieces: readonly DiskPiece[], choice: CrashChoice): DiskPiece[] {
  if (choice.keep === 0) return []
  const whole = partOf(pieces.length, choice)
  const result = pieces.slice(0, whole)
  const next = pieces[whole]
  if (next !== undefined) {
    result.push({ ...next, bytes: next.bytes.subarray(0, partOf(next.bytes.length, choice)) })
  }
  return result
}

/** Nothing, everything, or something in between. */
function partOf(length: number, choice: CrashChoice): number {
  const kind = choice.prng.below(3)
  if (kind === 0) return 0
  return kind === 1 ? length : choice.prng.below(length + 1)
}

/** The sectors of a write, as ranges of its bytes, each with its start and end. */
function* sectorsOf(position: number, length: number): Generator<[start: number, end: number]> {
  let start = 0
  while (start < length) {
    const end = Math.min(length, start + SECTOR - ((position + start) % SECTOR))
    yield [start, end]
    start = end
  }
}
