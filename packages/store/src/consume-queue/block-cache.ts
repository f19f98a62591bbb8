import { RingQueue } from '@apogee/base'
import type { Disk, DiskError, DiskFile } from '@apogee/env'

/** A piece of a queue file as it was when it was read: `units` of its units were on disk then. */
export interface Block {
  readonly bytes: Uint8Array
  units: number
}

/** Where a block lies. */
export interface BlockPlace {
  /** Unique over all queues and blocks. */
  key: number
  path: string
  position: number
  length: number
  /** Units of it that are on disk now. */
  units: number
}

type BlockDone = (error: DiskError | null, block: Block | null) => void

interface Waiting {
  place: BlockPlace
  readers: BlockDone[]
}

/**
 * Recently read blocks of queue files, least recently used out first. A read that waits for a block joins the one under
 * way. Bounded by `blocksMax` blocks, plus `readsMax` reads in flight; more reads wait in line.
 */
export class BlockCache {
  private readonly disk: Disk
  private readonly blockBytes: number
  private readonly blocksMax: number
  private readonly readsMax: number
  private readonly blocks = new Map<number, Block>()
  private readonly underWay = new Map<number, Waiting>()
  private readonly line = new RingQueue<Waiting>()
  private reads = 0

  constructor(options: { blockBytes: number; blocksMax: number; readsMax: number }, disk: Disk) {
    this.disk = disk
    this.blockBytes = options.blockBytes
    this.blocksMax = options.blocksMax
    this.readsMax = options.readsMax
  }

  /** The block, when it is here with at least `units` units. */
  find(key: number, units: number): Block | null {
    const block = this.blocks.get(key)
    if (block === undefined || block.units < units) return null
    this.blocks.delete(key)
    this.blocks.set(key, block)
    return block
  }

  /** Reads a block from disk, off the loop. */
  read(place: BlockPlace, done: BlockDone): void {
    const before = this.underWay.get(place.key)
    if (before !== undefined && before.place.units >= place.units) {
      before.readers.push(done)
      return
    }
    const waiting: Waiting = { place, readers: [done] }
    this.underWay.set(place.key, waiting)
    if (this.reads >= this.readsMax) this.line.push(waiting)
    else this.start(waiting)
  }

  /** The same at once. Throws a DiskError. */
  readNow(place: BlockPlace): Block {
    const block = this.take()
    const file = this.disk.open(place.path)
    try {
      this.settle(block, place, file.readNow(block.bytes, 0, place.length, place.position))
    } finally {
      file.close()
    }
    this.store(place.key, block)
    return block
  }

  /** Forgets blocks with keys in [from, to): their units have been overwritten. */
  forget(from: number, to: number): void {
    for (const key of this.blocks.keys()) {
      if (key >= from && key < to) this.blocks.delete(key)
    }
    for (const key of this.underWay.keys()) {
      if (key >= from && key < to) this.underWay.delete(key)
    }
  }

  private start(waiting: Waiting): void {
    const place = waiting.place
    let file: DiskFile
    try {
      file = this.disk.open(place.path)
    } catch (error) {
      this.finish(waiting, error as DiskError, null)
      return
    }
    this.reads++
    const block = this.take()
    file.read(block.bytes, 0, place.length, place.position, (error, bytesRead) => {
      file.close()
      this.reads--
      if (error === null) this.settle(block, place, bytesRead)
      this.finish(waiting, error, error === null ? block : null)
      const next = this.line.shift()
      if (next !== undefined) this.start(next)
    })
  }

  private finish(waiting: Waiting, error: DiskError | null, block: Block | null): void {
    const key = waiting.place.key
    // Forgotten or overtaken meanwhile: good for its own readers, who asked before that, but not for later ones.
    if (this.underWay.get(key) === waiting) {
      this.underWay.delete(key)
      if (block !== null) this.store(key, block)
    }
    for (const reader of waiting.readers) reader(error, block)
  }

  /** A file can be shorter than its last unit only after damage; what is missing reads as zeros, like a hole. */
  private settle(block: Block, place: BlockPlace, bytesRead: number): void {
    block.bytes.fill(0, bytesRead, place.length)
    block.units = place.units
  }

  private store(key: number, block: Block): void {
    this.blocks.delete(key)
    this.blocks.set(key, block)
    for (const oldest of this.blocks.keys()) {
      if (this.blocks.size <= this.blocksMax) break
      this.blocks.delete(oldest)
    }
  }

  private take(): Block {
    return { bytes: new Uint8Array(this.blockBytes), units: 0 }
  }
}
