// The worker thread behind `Disk.writeMany`: takes a trip, writes it with plain synchronous calls, answers.

import { parentPort } from 'node:worker_threads'
import { DiskFailure } from '../disk-failure.ts'
import type { DiskPiece } from '../ports.ts'
import { writePiecesNow } from './write-pieces.ts'

/** One trip: everything a worker needs, in three transferable or flat parts. */
export interface Trip {
  sync: boolean
  paths: string[]
  /** size, position and length of each piece. */
  numbers: Float64Array
  /** The bytes of all pieces, one after the other. */
  bytes: Uint8Array
}

/** `null`, or what failed. */
export type TripResult = { code: string; call: string; path: string } | null

parentPort?.on('message', (trip: Trip) => {
  parentPort?.postMessage(runTrip(trip))
})

function runTrip(trip: Trip): TripResult {
  try {
    writePiecesNow(unpack(trip), trip.sync)
    return null
  } catch (error) {
    if (!(error instanceof DiskFailure)) throw error
    return { code: error.code, call: error.call, path: error.path }
  }
}

function unpack(trip: Trip): DiskPiece[] {
  let at = 0
  return trip.paths.map((path, index) => {
    const size = trip.numbers[index * 3]!
    const position = trip.numbers[index * 3 + 1]!
    const length = trip.numbers[index * 3 + 2]!
    const bytes = trip.bytes.subarray(at, at + length)
    at += length
    return { path, size, position, bytes }
  })
}
