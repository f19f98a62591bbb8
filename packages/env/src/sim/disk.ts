import type { Prng } from '@apogee/base'
import { DiskFailure } from '../disk-failure.ts'
import type { Clock, Disk, DiskFile, DiskPiece, Done } from '../ports.ts'
import { SimClock } from './clock.ts'
import { type CrashChoice, crashVariant } from './crash.ts'
import { Device } from './device.ts'
import { DiskEngine, type DiskLatency, type DiskStep, type InFlight } from './disk-engine.ts'
import type { DiskFaults } from './disk-faults.ts'
import { SimDiskFile } from './disk-file.ts'
import { DiskState } from './disk-state.ts'
import { applyInFlight, writePieces } from './in-flight.ts'
import { Inode } from './inode.ts'
import { Folder, folderOf, normalPath } from './name-tree.ts'

export interface SimDiskOptions {
  clock: Clock
  prng: Prng
  /** Bytes. Default 1 TiB. */
  capacity?: number
  latency?: Partial<DiskLatency>
}

const LATENCY: DiskLatency = {
  readMs: [0.05, 0.5],
  writeMs: [0.02, 0.3],
  syncMs: [0.3, 3],
  writeManyMs: [0.5, 5],
}

/**
 * A disk in memory that knows what is durable and what is not. Reads see everything written; `crash` gives a new disk
 * with what a power cut (or the end of the process) may have left: each unsynced sector new, old, torn or garbled; each
 * size the file had since its sync; names up to some point since their folder's sync; any part of the writes under way.
 * A folder's own name needs the sync of the folder above it, as POSIX has it.
 *
 * A failed sync loses its pages for good: they read as written, no later sync writes them, and a crash shows the old ones.
 */
export class SimDisk implements Disk {
  private readonly options: SimDiskOptions
  private readonly engine: DiskEngine
  private readonly locks = new Set<string>()
  /** When the last `writeMany` ends; the next begins then. */
  private manyEndMs = 0

  constructor(options: SimDiskOptions, state?: DiskState) {
    this.options = options
    const content = state ?? new DiskState(new Device(options.capacity ?? 2 ** 40))
    const latency = { ...LATENCY, ...options.latency }
    this.engine = new DiskEngine(options.clock, options.prng, content, latency)
  }

  open(path: string, options: { create?: boolean; size?: number } = {}): DiskFile {
    const name = normalPath(path)
    const call = this.engine.callNow('open', name)
    let node = this.engine.state.find(name)
    if (node instanceof Folder) throw new DiskFailure('EISDIR', 'open', name)
    if (node === undefined) {
      if (options.create !== true) throw this.missing('open', name)
      this.makeFolders('open', folderOf(name), name)
      node = this.create(name)
    }
    if (node.size < (options.size ?? 0)) node.setSize(options.size ?? 0)
    const file = new SimDiskFile(name, this.engine, node)
    this.engine.finish(call)
    return file
  }

  exists(path: string): boolean {
    this.engine.checkOn('exists', path)
    return this.engine.state.find(normalPath(path)) !== undefined
  }

  list(folder: string): string[] {
    const name = normalPath(folder)
    this.engine.callNow('list', name)
    const node = this.engine.state.find(name)
    if (node === undefined) return this.nothing('list', name, [])
    if (node instanceof Inode) throw new DiskFailure('ENOTDIR', 'list', name)
    return [...node.children.keys()].sort()
  }

  stat(
    path: string,
  ): { size: number; allocated: number; modifiedMs: number; isFolder: boolean } | null {
    this.engine.checkOn('stat', path)
    const node = this.engine.state.find(normalPath(path))
    if (node === undefined) return null
    if (node instanceof Folder) return { size: 4096, allocated: 0, modifiedMs: 0, isFolder: true }
    const { size, allocated, modifiedMs } = node
    return { size, allocated, modifiedMs, isFolder: false }
  }

  makeFolder(folder: string): void {
    const name = normalPath(folder)
    const call = this.engine.callNow('makeFolder', name)
    this.makeFolders('makeFolder', name, name)
    this.engine.finish(call)
  }

  rename(from: string, to: string): void {
    const [source, target] = [normalPath(from), normalPath(to)]
    const call = this.engine.callNow('rename', source)
    this.checkParent('rename', source)
    this.checkParent('rename', target)
    const moved = this.engine.state.find(source)
    if (moved === undefined) throw this.missing('rename', source)
    if (target.startsWith(`${source}/`)) throw new DiskFailure('EINVAL', 'rename', target)
    if (source.startsWith(`${target}/`)) throw new DiskFailure('ENOTEMPTY', 'rename', target)
    this.checkReplace(moved, target)
    if (source !== target) this.engine.state.rename(source, target)
    this.engine.finish(call)
  }

  remove(path: string): void {
    const name = normalPath(path)
    const call = this.engine.callNow('remove', name)
    const node = this.engine.state.find(name)
    if (node === undefined) return this.nothing('remove', name, undefined)
    if (node instanceof Folder && node.children.size > 0) {
      throw new DiskFailure('ENOTEMPTY', 'remove', name)
    }
    this.engine.state.remove(name)
    this.engine.finish(call)
  }

  syncDirectory(folder: string): void {
    const name = normalPath(folder)
    const call = this.engine.callNow('syncDirectory', name)
    const node = this.engine.state.find(name)
    if (node === undefined) throw this.missing('syncDirectory', name)
    if (node instanceof Inode) throw new DiskFailure('ENOTDIR', 'syncDirectory', name)
    this.engine.state.syncFolder(name)
    this.engine.finish(call)
  }

  space(path: string): { total: number; free: number } {
    this.engine.checkOn('space', path)
    const { capacity, used } = this.engine.state.device
    return { total: capacity, free: Math.max(0, capacity - used) }
  }

  writeMany(pieces: readonly DiskPiece[], options: { sync: boolean }, done: Done): void {
    const engine = this.engine
    const copies = pieces.map((piece) => ({ ...piece, bytes: new Uint8Array(piece.bytes) }))
    const inFlight: InFlight = { kind: 'writeMany', pieces: copies, sync: options.sync }
    engine.inFlight.add(inFlight)
    const call = engine.start('writeMany', pieces[0]?.path ?? '/')
    this.queueMany(call.delayMs, () => {
      engine.inFlight.delete(inFlight)
      const error = engine.failure(call, call.path) ?? writePieces(this, copies, options.sync)
      engine.finish(call)
      done(error)
    })
    engine.record('started', call)
  }

  private queueMany(delayMs: number, task: () => void): void {
    const nowMs = this.engine.clock.monotonicMs()
    this.manyEndMs = Math.max(nowMs, this.manyEndMs) + delayMs
    this.engine.later(this.manyEndMs - nowMs, task)
  }

  lock(path: string): { release(): void } | null {
    const name = normalPath(path)
    if (this.locks.has(name)) return null
    const file = this.open(name, { create: true })
    if (file.size() === 0) file.writeNow(Buffer.from('lock'), 0)
    file.close()
    this.locks.add(name)
    let held = true
    return {
      release: (): void => {
        if (held) this.locks.delete(name)
        held = false
      },
    }
  }

  // What a test does to the disk.

  /** The faults planned; `faults.calls` counts the calls made. */
  get faults(): DiskFaults {
    return this.engine.faults
  }

  /** Bytes taken, by pages of 4 KiB that were written. */
  get used(): number {
    return this.engine.state.device.used
  }

  setCapacity(bytes: number): void {
    this.engine.state.device.capacity = bytes
  }

  /** Flips the bits of `mask` in one byte, silently and durably. */
  corrupt(path: string, position: number, mask: number): void {
    const node = this.engine.state.find(normalPath(path))
    if (node instanceof Inode) node.corrupt(position, mask)
  }

  /** Every file, with its whole content. For small disks. */
  contents(): Map<string, Uint8Array> {
    const contents = new Map<string, Uint8Array>()
    for (const [path, inode] of this.engine.state.files()) {
      const bytes = new Uint8Array(inode.size)
      inode.read(bytes, 0, bytes.length, 0)
      contents.set(path, bytes)
    }
    return contents
  }

  /** Starts to record: every change from here on is a step that `crashImages` can crash at. */
  startRecording(): void {
    this.engine.recording = true
  }

  get steps(): readonly DiskStep[] {
    return this.engine.steps
  }

  /** Calls no longer end, and new ones fail with ENODEV: nothing runs on after the crash. */
  powerOff(): void {
    this.engine.isOff = true
  }

  /**
   * The disk as a crash now may leave it. This one stays as it is: power it off if the crash is meant to be the end of it.
   */
  crash(choice: CrashChoice, clock: Clock = this.options.clock): SimDisk {
    const options = { ...this.options, clock, prng: choice.prng.fork() }
    return crashDisk(this.engine.state, [...this.engine.inFlight], choice, options)
  }

  /**
   * `count` disks as a crash right after step `step` may leave them, each with a clock of its own: the three plain cases
   * first (all unsynced lost, all kept, process killed), then drawn ones.
   */
  crashImages(step: number, prng: Prng, count: number): SimDisk[] {
    const { state, inFlight } = this.engine.steps[step]!
    const images: SimDisk[] = []
    for (let i = 0; i < count; i++) {
      const choice = crashVariant(i, prng, state.device.lastWrite)
      const options = { ...this.options, clock: new SimClock(), prng: prng.fork() }
      images.push(crashDisk(state, inFlight, choice, options))
    }
    return images
  }

  private create(name: string): Inode {
    const inode = this.engine.state.createFile(name)
    inode.modifiedMs = this.engine.clock.wallMs()
    return inode
  }

  private makeFolders(call: string, name: string, path: string): void {
    const node = this.engine.state.find(name)
    if (node instanceof Folder) return
    if (node instanceof Inode) {
      throw new DiskFailure(name === path ? 'EEXIST' : 'ENOTDIR', call, path)
    }
    this.makeFolders(call, folderOf(name), path)
    this.engine.state.makeFolder(name)
  }

  /** ENOENT, or ENOTDIR when the way leads through a file. */
  private missing(call: string, name: string): DiskFailure {
    let folder = folderOf(name)
    while (folder !== '/' && this.engine.state.find(folder) === undefined) folder = folderOf(folder)
    const blocked = this.engine.state.find(folder) instanceof Inode
    return new DiskFailure(blocked ? 'ENOTDIR' : 'ENOENT', call, name)
  }

  /** What a call gives for a missing name, unless the way there leads through a file. */
  private nothing<T>(call: string, name: string, result: T): T {
    const failure = this.missing(call, name)
    if (failure.code === 'ENOTDIR') throw failure
    return result
  }

  private checkParent(call: string, name: string): void {
    const parent = this.engine.state.find(folderOf(name))
    if (!(parent instanceof Folder)) throw this.missing(call, name)
  }

  private checkReplace(moved: Folder | Inode, target: string): void {
    const replaced = this.engine.state.find(target)
    if (replaced === undefined || replaced === moved) return
    if (replaced instanceof Folder) {
      if (moved instanceof Inode) throw new DiskFailure('EISDIR', 'rename', target)
      if (replaced.children.size > 0) throw new DiskFailure('ENOTEMPTY', 'rename', target)
    } else if (moved instanceof Folder) {
      throw new DiskFailure('ENOTDIR', 'rename', target)
    }
  }
}

function crashDisk(
  from: DiskState,
  inFlight: readonly InFlight[],
  choice: CrashChoice,
  options: SimDiskOptions,
): SimDisk {
  const state = from.copy()
  const disk = new SimDisk(options, state)
  applyInFlight(disk, state, inFlight, choice)
  state.crash(choice)
  // The calls that put the writes under way on the disk are not calls of the new one.
  return new SimDisk(options, state)
}
