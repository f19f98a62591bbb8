import { closeSync, fdatasyncSync, fstatSync, ftruncateSync, writeSync } from 'node:fs'
import { DiskFailure, diskFailure } from '../disk-failure.ts'
import type { DiskPiece } from '../ports.ts'
import { openFile } from './open-file.ts'

/**
 * Writes the pieces in order, in this thread. Neighbours of one path share the descriptor (and the sync). Throws the
 * DiskFailure of the first piece that fails.
 */
export function writePiecesNow(pieces: readonly DiskPiece[], sync: boolean): void {
  let index = 0
  while (index < pieces.length) index = writeRun(pieces, index, sync)
}

/** Writes the run of pieces of one path that starts at `start`; returns where the next run starts. */
function writeRun(pieces: readonly DiskPiece[], start: number, sync: boolean): number {
  const path = pieces[start]!.path
  let call = 'open'
  let fd = -1
  let index = start
  try {
    fd = openFile(path, true)
    let size = fstatSync(fd).size
    for (; index < pieces.length && pieces[index]!.path === path; index++) {
      const piece = pieces[index]!
      call = 'ftruncate'
      if (size < piece.size) ftruncateSync(fd, piece.size)
      size = Math.max(size, piece.size, piece.position + piece.bytes.length)
      call = 'write'
      writeWhole(fd, piece)
    }
    call = 'fdatasync'
    if (sync) fdatasyncSync(fd)
    return index
  } catch (error) {
    throw diskFailure(error, call, path)
  } finally {
    if (fd !== -1) closeSync(fd)
  }
}

function writeWhole(fd: number, piece: DiskPiece): void {
  const bytes = piece.bytes
  let total = 0
  while (total < bytes.length) {
    const count = writeSync(fd, bytes, total, bytes.length - total, piece.position + total)
    if (count === 0) throw new DiskFailure('EIO', 'write', piece.path)
    total += count
  }
}
