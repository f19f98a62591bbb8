import { constants } from 'node:fs'
import { mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { RingQueue } from '@apogee/base'
import { DiskFailure, diskFailure } from '../disk-failure.ts'
import type { DiskPiece, Done } from '../ports.ts'
import type { Trip, TripResult } from './disk-worker.ts'
import { FILE_MODE, FOLDER_MODE, isErrno } from './open-file.ts'

export interface WriteManyOptions {
  /** A call of at most this many pieces needs no thread of its own. Default 16. */
  smallCallPiecesMax?: number
  /** Bytes copied for the worker in one trip; a larger call makes several. Default 16 MiB. */
  tripBytesMax?: number
  /** Calls that may wait for the one that runs; more fail with EAGAIN. Default 1,024. */
  waitingCallsMax?: number
}

interface Call {
  pieces: readonly DiskPiece[]
  sync: boolean
  done: Done
}

/**
 * Runs `Disk.writeMany` calls one after the other. Large ones go to a worker thread, which is started by the first of
 * them: thousands of open-write-close trips through the thread pool would keep the loop busy with their callbacks.
 */
export class ManyWriter {
  private readonly smallCallPiecesMax: number
  private readonly tripBytesMax: number
  private readonly waitingCallsMax: number
  private readonly waiting = new RingQueue<Call>()
  private running = false
  private worker: Worker | null = null
  /** Takes the answer to the trip under way. */
  private answer: ((result: TripResult) => void) | null = null

  constructor(options: WriteManyOptions = {}) {
    this.smallCallPiecesMax = options.smallCallPiecesMax ?? 16
    this.tripBytesMax = options.tripBytesMax ?? 16 * 1024 * 1024
    this.waitingCallsMax = options.waitingCallsMax ?? 1024
  }

  submit(pieces: readonly DiskPiece[], sync: boolean, done: Done): void {
    if (this.waiting.size >= this.waitingCallsMax) {
      setImmediate(done, new DiskFailure('EAGAIN', 'writeMany', pieces[0]?.path ?? ''))
      return
    }
    this.waiting.push({ pieces, sync, done })
    if (!this.running) {
      this.running = true
      setImmediate(() => this.next())
    }
  }

  /** Ends the worker. Call it when no call is under way. */
  async close(): Promise<void> {
    await this.worker?.terminate()
  }

  private next(): void {
    const call = this.waiting.shift()
    if (call === undefined) {
      this.running = false
      return
    }
    const finish = (error: DiskFailure | null): void => {
      // The next call starts even when `done` throws.
      setImmediate(() => this.next())
      call.done(error)
    }
    if (call.pieces.length > this.smallCallPiecesMax) this.runTrips(call, 0, finish)
    else writeFew(call.pieces, call.sync, finish)
  }

  private runTrips(call: Call, start: number, finish: (error: DiskFailure | null) => void): void {
    if (start === call.pieces.length) {
      this.worker?.unref()
      finish(null)
      return
    }
    const end = tripEnd(call.pieces, start, this.tripBytesMax)
    const trip = pack(call.pieces, start, end, call.sync)
    this.answer = (result) => {
      this.answer = null
      if (result === null) {
        this.runTrips(call, end, finish)
        return
      }
      this.worker?.unref()
      finish(new DiskFailure(result.code, result.call, result.path))
    }
    this.worker ??= this.start()
    this.worker.ref()
    this.worker.postMessage(trip, [
      trip.numbers.buffer as ArrayBuffer,
      trip.bytes.buffer as ArrayBuffer,
    ])
  }

  private start(): Worker {
    // tsc rewrites imports, not this: beside the source it is .ts, beside the build .js.
    const suffix = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    const worker = new Worker(new URL(`./disk-worker.${suffix}`, import.meta.url), {
      name: 'apogee-disk',
    })
    let failure: unknown = null
    worker.on('message', (result: TripResult) => this.answer?.(result))
    worker.on('error', (error) => {
      failure = error
    })
    worker.on('exit', () => {
      this.worker = null
      this.answer?.({ code: 'EIO', call: `writeMany (worker ended: ${String(failure)})`, path: '' })
    })
    return worker
  }
}

/** Where the trip that starts at `start` ends: at least one piece, and then as many as the limit lets in. */
function tripEnd(pieces: readonly DiskPiece[], start: number, bytesMax: number): number {
  let bytes = pieces[start]!.bytes.length
  let end = start + 1
  while (end < pieces.length && bytes + pieces[end]!.bytes.length <= bytesMax) {
    bytes += pieces[end]!.bytes.length
    end++
  }
  return end
}

function pack(pieces: readonly DiskPiece[], start: number, end: number, sync: boolean): Trip {
  let length = 0
  for (let i = start; i < end; i++) length += pieces[i]!.bytes.length
  const paths: string[] = []
  const numbers = new Float64Array((end - start) * 3)
  const bytes = new Uint8Array(length)
  let at = 0
  for (let i = start; i < end; i++) {
    const piece = pieces[i]!
    paths.push(piece.path)
    numbers[(i - start) * 3] = piece.size
    numbers[(i - start) * 3 + 1] = piece.position
    numbers[(i - start) * 3 + 2] = piece.bytes.length
    bytes.set(piece.bytes, at)
    at += piece.bytes.length
  }
  return { sync, paths, numbers, bytes }
}

function writeFew(
  pieces: readonly DiskPiece[],
  sync: boolean,
  finish: (error: DiskFailure | null) => void,
): void {
  const all = async (): Promise<DiskFailure | null> => {
    for (const piece of pieces) {
      try {
        await writePiece(piece, sync)
      } catch (error) {
        return diskFailure(error, 'writeMany', piece.path)
      }
    }
    return null
  }
  // Out of the promise first: an error thrown by the caller's `done` must not become a rejection.
  void all().then((error) => setImmediate(finish, error))
}

const FLAGS = constants.O_RDWR | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0)

async function writePiece(piece: DiskPiece, sync: boolean): Promise<void> {
  const opened = open(piece.path, FLAGS, FILE_MODE).catch(async (error: unknown) => {
    if (!isErrno(error, 'ENOENT')) throw error
    await mkdir(dirname(piece.path), { recursive: true, mode: FOLDER_MODE })
    return open(piece.path, FLAGS, FILE_MODE)
  })
  const file = await opened
  try {
    if ((await file.stat()).size < piece.size) await file.truncate(piece.size)
    let total = 0
    while (total < piece.bytes.length) {
      const left = piece.bytes.length - total
      const { bytesWritten } = await file.write(piece.bytes, total, left, piece.position + total)
      if (bytesWritten === 0) throw new DiskFailure('EIO', 'write', piece.path)
      total += bytesWritten
    }
    if (sync) await file.datasync()
  } finally {
    await file.close()
  }
}
