import { createHash, type Hash } from 'node:crypto'
import type { DiskError } from '@apogee/env'
import type { LogReplication } from '@apogee/store'

/** Read at a time, so that a large range neither takes memory nor stops the loop for long. */
const PIECE_SIZE = 128 * 1024

/** `hash` is null when the range could not be read; `error` says why. */
export type RangeHashed = (error: DiskError | null, hash: Uint8Array | null) => void

/** SHA-256 of ranges of the log, one at a time. */
export class RangeHasher {
  private readonly replication: LogReplication
  private readonly piece = Buffer.allocUnsafe(PIECE_SIZE)
  private hash: Hash | null = null
  private at = 0
  private end = 0
  private done: RangeHashed = () => {}
  private looping = false
  /** Where the last read began: it has not come yet while this is `at`. */
  private before = -1

  constructor(replication: LogReplication) {
    this.replication = replication
  }

  /** Hashes [from, from + length). `done` may be called before this returns. */
  start(from: number, length: number, done: RangeHashed): void {
    this.hash = createHash('sha256')
    this.at = from
    this.end = from + length
    this.done = done
    // Whoever is told of one range may ask for the next in that call, and that one may begin where this one ended.
    this.before = -1
    this.loop()
  }

  /** Whoever waits is not called any more. */
  stop(): void {
    this.done = () => {}
    this.hash = null
  }

  private loop(): void {
    // A read that is done at once must not come back in here: the stack would grow with the range.
    if (this.looping) return
    this.looping = true
    while (this.hash !== null && this.at !== this.before) {
      this.before = this.at
      if (this.at === this.end) this.finish(null)
      else this.readPiece()
    }
    this.looping = false
  }

  private readPiece(): void {
    const length = Math.min(PIECE_SIZE, this.end - this.at)
    const hash = this.hash
    this.replication.read(this.at, this.piece, 0, length, (error, bytesRead) => {
      if (this.hash !== hash || hash === null) return
      if (error !== null || bytesRead === 0) {
        this.finish(error)
        return
      }
      hash.update(this.piece.subarray(0, bytesRead))
      this.at += bytesRead
      this.loop()
    })
  }

  private finish(error: DiskError | null): void {
    const isWhole = error === null && this.at === this.end
    const hash = isWhole ? this.hash!.digest() : null
    this.hash = null
    this.done(error, hash)
  }
}
