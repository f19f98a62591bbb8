import { assert } from '@apogee/base'
import type { Device } from './device.ts'

/** What a disk writes whole or not at all, by its own promise; a crash test may break even that. */
export const SECTOR = 512
/** What the simulation keeps memory (and takes space) by. */
export const PAGE = 4096

/** Sizes remembered between two syncs. */
const SIZES_MAX = 64

const ZEROS = new Uint8Array(SECTOR)

/** A page may be changed in place only by the inode whose token it carries; a copy of the inode shares it until then. */
interface Page {
  owner: object
  bytes: Uint8Array
}

/** A sector that differs from what is durable. */
export interface DirtySector {
  /** What it was before; `null` for a hole. */
  readonly old: Uint8Array | null
  /** The write that changed it last, by the device's count. */
  write: number
  /** It was changed by `setSize` cutting it off, and shares the fate of that. */
  cut: boolean
}

/**
 * What changed since the sync before: the old content of each changed sector, and every size the file has had since. The
 * newest layer takes the changes; a sync under way closes it, and once done drops it with those below.
 */
export interface Layer {
  readonly id: number
  readonly sectors: Map<number, DirtySector>
  readonly sizeBefore: number
  readonly sizes: number[]
  /** How many of `sizes` came before the last cut. */
  cutAt: number
}

/** The content of one file: what reads see, and in its layers what the disk might hold instead after a power cut. */
export class Inode {
  readonly number: number
  readonly device: Device
  private token = {}
  private pages = new Map<number, Page>()
  /** Oldest first; the last one is open. */
  private layers: Layer[] = [newLayer(0, 0)]
  /** Sectors of a failed sync: they read as written, count as clean, and are old on disk. */
  private dropped = new Map<number, Uint8Array | null>()
  /** The durable size, when a failed sync dropped a change of it. */
  private droppedSize: number | null = null
  private currentSize = 0
  private frozen: Inode | null = null
  modifiedMs = 0
  /** Names and open files that lead here; at zero the space is given back. */
  references = 0

  constructor(number: number, device: Device) {
    this.number = number
    this.device = device
  }

  get size(): number {
    return this.currentSize
  }

  get allocated(): number {
    return this.pages.size * PAGE
  }

  read(into: Uint8Array, offset: number, length: number, position: number): number {
    const count = Math.max(0, Math.min(length, this.currentSize - position))
    let done = 0
    while (done < count) {
      const at = position + done
      const within = at % PAGE
      const step = Math.min(PAGE - within, count - done)
      const page = this.pages.get(Math.floor(at / PAGE))
      if (page === undefined) into.fill(0, offset + done, offset + done + step)
      else into.set(page.bytes.subarray(within, within + step), offset + done)
      done += step
    }
    return count
  }

  /** Writes as much as there is space for; returns how many bytes. */
  write(bytes: Uint8Array, position: number): number {
    this.frozen = null
    const write = this.device.nextWrite()
    let done = 0
    while (done < bytes.length) {
      const at = position + done
      const step = Math.min(SECTOR - (at % SECTOR), bytes.length - done)
      const page = this.ownPage(Math.floor(at / PAGE))
      if (page === null) break
      this.markDirty(Math.floor(at / SECTOR), write, false)
      page.set(bytes.subarray(done, done + step), at % PAGE)
      done += step
    }
    if (done > 0 && position + done > this.currentSize) this.noteSize(position + done)
    return done
  }

  /** Grows with a hole, or cuts off. */
  setSize(size: number): void {
    if (size === this.currentSize) return
    this.frozen = null
    if (size < this.currentSize) this.cut(size)
    this.noteSize(size)
  }

  /** Closes the open layer, for a sync that starts now; returns what to give to `synced` or `syncFailed`. */
  startSync(): number {
    this.frozen = null
    const top = this.top()
    this.layers.push(newLayer(top.id + 1, this.currentSize))
    return top.id
  }

  /** Everything up to layer `id` is durable. */
  synced(id: number): void {
    this.frozen = null
    for (const layer of this.layers) {
      if (layer.id <= id && layer.sizes.length > 0) this.droppedSize = null
    }
    this.layers = this.layers.filter((layer) => layer.id > id)
  }

  /** The pages up to layer `id` are marked clean though the disk does not have them: no later sync will write them. */
  syncFailed(id: number): void {
    this.frozen = null
    const failed = this.layers.filter((layer) => layer.id <= id)
    const rest = this.layers.filter((layer) => layer.id > id)
    const sized = failed.find((layer) => layer.sizes.length > 0)
    if (sized !== undefined) this.droppedSize ??= sized.sizeBefore
    // The oldest layer last: what it knows is what the disk has.
    for (const layer of failed.reverse()) {
      for (const [sector, { old }] of layer.sectors) {
        const later = rest.find((other) => other.sectors.has(sector))
        const dirty = later?.sectors.get(sector)
        if (dirty === undefined) this.dropped.set(sector, old)
        else later?.sectors.set(sector, { ...dirty, old })
      }
    }
    this.layers = rest
  }

  /** Changes bits under everything: reads, syncs and crashes all see it, and none of them knows. */
  corrupt(position: number, mask: number): void {
    this.frozen = null
    const page = this.pages.get(Math.floor(position / PAGE))
    if (page === undefined || position >= this.currentSize) return
    const own = this.ownPage(Math.floor(position / PAGE))
    if (own !== null) own[position % PAGE] = own[position % PAGE]! ^ mask
  }

  get hasUnsynced(): boolean {
    if (this.dropped.size > 0 || this.droppedSize !== null) return true
    return this.layers.some((layer) => layer.sectors.size > 0 || layer.sizes.length > 0)
  }

  /** A copy that nobody changes; the same one until something changes here. */
  freeze(): Inode {
    if (this.frozen !== null) return this.frozen
    const copy = this.copy(this.device)
    this.frozen = copy
    return copy
  }

  /** A copy on `device`, which shares pages with this one until either changes them. */
  copy(device: Device): Inode {
    const copy = new Inode(this.number, device)
    copy.pages = new Map(this.pages)
    copy.layers = this.layers.map(copyLayer)
    copy.dropped = new Map(this.dropped)
    copy.droppedSize = this.droppedSize
    copy.currentSize = this.currentSize
    copy.modifiedMs = this.modifiedMs
    this.token = {}
    return copy
  }

  /** Gives the pages back once nothing leads here. */
  release(): void {
    this.references--
    assert(this.references >= 0, 'more closes than opens')
    if (this.references === 0) this.device.giveBack(this.allocated)
  }

  // For the crash: what is not durable, and a way to put it back.

  get unsyncedLayers(): readonly Layer[] {
    return this.layers
  }

  get droppedSectors(): ReadonlyMap<number, Uint8Array | null> {
    return this.dropped
  }

  /** The size the last sync left on disk. */
  get durableSize(): number {
    return this.droppedSize ?? this.layers[0]!.sizeBefore
  }

  sector(sector: number): Uint8Array | null {
    const page = this.pages.get(Math.floor((sector * SECTOR) / PAGE))
    if (page === undefined) return null
    const start = (sector * SECTOR) % PAGE
    return page.bytes.slice(start, start + SECTOR)
  }

  /** Makes `content` (null = zeros) what the sector holds, without a trace. */
  putSector(sector: number, content: Uint8Array | null): void {
    const index = Math.floor((sector * SECTOR) / PAGE)
    if (content === null && !this.pages.has(index)) return
    if (!this.pages.has(index)) this.addPage(index)
    this.ownPage(index)?.set(content ?? ZEROS, (sector * SECTOR) % PAGE)
  }

  /** Ends a crash: the file is now `size` long, and all of it is durable. */
  settle(size: number): void {
    this.currentSize = size
    this.zeroFrom(size)
    this.layers = [newLayer(0, size)]
    this.dropped.clear()
    this.droppedSize = null
  }

  private top(): Layer {
    return this.layers[this.layers.length - 1]!
  }

  private noteSize(size: number): void {
    this.currentSize = size
    const top = this.top()
    // A long run of appends keeps its ends and a sample: every size in between is possible, few are interesting.
    if (top.sizes.length >= SIZES_MAX) {
      const index = 1 + (size % (SIZES_MAX - 2))
      top.sizes.splice(index, 1)
      if (index < top.cutAt) top.cutAt--
    }
    top.sizes.push(size)
  }

  private cut(size: number): void {
    const write = this.device.nextWrite()
    const first = Math.floor(size / SECTOR)
    for (const index of this.pages.keys()) {
      if ((index + 1) * PAGE <= size) continue
      for (let i = 0; i < PAGE / SECTOR; i++) {
        const sector = (index * PAGE) / SECTOR + i
        if (sector >= first) this.markDirty(sector, write, true)
      }
    }
    this.zeroFrom(size)
    this.top().cutAt = this.top().sizes.length
  }

  private zeroFrom(size: number): void {
    for (const index of this.pages.keys()) {
      if (index * PAGE >= size) {
        this.pages.delete(index)
        this.device.giveBack(PAGE)
      } else if ((index + 1) * PAGE > size) {
        this.ownPage(index)?.fill(0, size % PAGE)
      }
    }
  }

  private markDirty(sector: number, write: number, cut: boolean): void {
    const sectors = this.top().sectors
    const dirty = sectors.get(sector)
    if (dirty !== undefined) {
      dirty.write = write
      dirty.cut = cut
      return
    }
    const old = this.dropped.has(sector) ? (this.dropped.get(sector) ?? null) : this.sector(sector)
    this.dropped.delete(sector)
    sectors.set(sector, { old, write, cut })
  }

  /** The bytes of a page, made (or copied) if need be; `null` when the device is full. */
  private ownPage(index: number): Uint8Array | null {
    const page = this.pages.get(index)
    if (page === undefined) {
      return this.device.hasSpace(PAGE) ? this.addPage(index) : null
    }
    if (page.owner === this.token) return page.bytes
    const bytes = page.bytes.slice()
    this.pages.set(index, { owner: this.token, bytes })
    return bytes
  }

  private addPage(index: number): Uint8Array {
    this.device.take(PAGE)
    const bytes = new Uint8Array(PAGE)
    this.pages.set(index, { owner: this.token, bytes })
    return bytes
  }
}

function newLayer(id: number, sizeBefore: number): Layer {
  return { id, sectors: new Map(), sizeBefore, sizes: [], cutAt: 0 }
}

function copyLayer(layer: Layer): Layer {
  const sectors = new Map<number, DirtySector>()
  for (const [sector, dirty] of layer.sectors) sectors.set(sector, { ...dirty })
  return { ...layer, sectors, sizes: [...layer.sizes] }
}
