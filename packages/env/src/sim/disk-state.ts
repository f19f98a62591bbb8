import { type CrashChoice, cutPower } from './crash.ts'
import type { Device } from './device.ts'
import { Inode } from './inode.ts'
import { type Folder, foldersOf, type NameChange, type NameNode, NameTree } from './name-tree.ts'

interface PendingChange {
  readonly change: NameChange
  readonly folders: readonly string[]
  /** Its folder was synced, but the folder's own name is not durable yet. */
  synced: boolean
}

/** Everything a simulated disk holds: files, names as seen, names as durable, and the changes in between. */
export class DiskState {
  readonly device: Device
  private names = new NameTree()
  private durableNames = new NameTree()
  private changes: PendingChange[] = []
  private inodes = new Map<number, Inode>()
  private nextInode = 1
  /** Files without name and handle, which a crash may bring back. */
  private orphans = new Set<number>()
  /** Copies of the two trees and the changes for snapshots, until a name changes. */
  private namesCopy: Pick<Names, 'names' | 'durableNames' | 'changes'> | null = null

  constructor(device: Device) {
    this.device = device
  }

  find(path: string): Folder | Inode | undefined {
    const node = this.names.find(path)
    return typeof node === 'number' ? this.inodes.get(node) : node
  }

  inode(number: number): Inode | undefined {
    return this.inodes.get(number)
  }

  createFile(path: string): Inode {
    const number = this.nextInode++
    const inode = new Inode(number, this.device)
    inode.references = 1
    this.inodes.set(number, inode)
    this.change({ kind: 'create', path, inode: number })
    return inode
  }

  makeFolder(path: string): void {
    this.change({ kind: 'makeFolder', path })
  }

  remove(path: string): void {
    const node = this.names.find(path)
    this.change({ kind: 'remove', path })
    this.unlink(node)
  }

  rename(from: string, to: string): void {
    const node = this.names.find(from)
    const replaced = this.names.find(to)
    this.change({ kind: 'rename', from, to, inode: typeof node === 'number' ? node : null })
    this.unlink(replaced)
  }

  /** A handle is closed. */
  release(inode: Inode): void {
    inode.release()
    if (inode.references === 0) this.orphans.add(inode.number)
  }

  /** What happened to the names in `folder` is durable, and with it everything a rename ties to it. */
  syncFolder(folder: string): void {
    this.namesCopy = null
    const folders = new Set([folder])
    for (let i = this.changes.length - 1; i >= 0; i--) {
      const pending = this.changes[i]!
      if (!pending.folders.some((name) => folders.has(name))) continue
      pending.synced = true
      for (const name of pending.folders) folders.add(name)
    }
    this.settleChanges()
    this.forgetOrphans()
  }

  *files(): Generator<[path: string, inode: Inode]> {
    for (const [path, number] of this.names.files()) yield [path, this.inodes.get(number)!]
  }

  /** A copy that stays as it is while this one goes on; cheap when little has changed since the last one. */
  snapshot(): DiskState {
    const copy = new DiskState(this.device.emptyCopy())
    this.namesCopy ??= {
      names: this.names.clone(),
      durableNames: this.durableNames.clone(),
      changes: this.changes.map((pending) => ({ ...pending })),
    }
    copy.names = this.namesCopy.names
    copy.durableNames = this.namesCopy.durableNames
    copy.changes = this.namesCopy.changes
    copy.nextInode = this.nextInode
    for (const [number, inode] of this.inodes) copy.inodes.set(number, inode.freeze())
    return copy
  }

  /** A copy to go on with: of a disk in use or of a snapshot. Open files and locks are gone. */
  copy(): DiskState {
    const copy = new DiskState(this.device.emptyCopy())
    copy.names = this.names.clone()
    copy.durableNames = this.durableNames.clone()
    copy.changes = this.changes.map((pending) => ({ ...pending }))
    copy.nextInode = this.nextInode
    for (const [number, inode] of this.inodes) copy.inodes.set(number, inode.copy(copy.device))
    copy.recount()
    return copy
  }

  /** Makes this what the disk holds after the crash. */
  crash(choice: CrashChoice): void {
    if (choice.mode === 'power') {
      this.crashNames(choice)
      for (const inode of this.inodes.values()) cutPower(inode, choice)
    }
    this.recount()
  }

  /** Makes what is synced durable, in order. */
  private settleChanges(): void {
    let left: PendingChange[] = []
    for (const pending of this.changes) {
      const { change, synced } = pending
      if (!synced || !this.durableNames.apply(change)) left.push(pending)
      else if (change.kind === 'makeFolder') {
        // What happened before in a folder of that name happened in another one, which is gone.
        left = left.filter(({ folders }) => !folders.every((name) => isWithin(name, change.path)))
      }
    }
    this.changes = left
  }

  private crashNames(choice: CrashChoice): void {
    const lost = new Set<string>()
    for (const { change, folders, synced } of this.changes) {
      const kept =
        synced || (!folders.some((name) => lost.has(name)) && choice.prng.chance(choice.keepNames))
      if (kept) this.durableNames.apply(change)
      else for (const name of folders) lost.add(name)
    }
    this.changes = []
    this.names = this.durableNames.clone()
    this.namesCopy = null
  }

  /** Counts names and space anew, and forgets files that no name leads to, now or after a crash. */
  private recount(): void {
    this.orphans.clear()
    this.device.used = 0
    for (const inode of this.inodes.values()) inode.references = 0
    for (const [, inode] of this.files()) inode.references++
    for (const [number, inode] of this.inodes) {
      if (inode.references > 0) this.device.take(inode.allocated)
      else this.orphans.add(number)
    }
    this.forgetOrphans()
  }

  private change(change: NameChange): void {
    this.namesCopy = null
    this.names.apply(change)
    this.changes.push({ change, folders: foldersOf(change), synced: false })
  }

  private unlink(node: NameNode | undefined): void {
    if (typeof node !== 'number') return
    const inode = this.inodes.get(node)!
    inode.release()
    if (inode.references === 0) this.orphans.add(node)
  }

  private forgetOrphans(): void {
    if (this.orphans.size === 0) return
    const reachable = new Set<number>()
    for (const [, number] of this.durableNames.files()) reachable.add(number)
    for (const { change } of this.changes) {
      if ('inode' in change && change.inode !== null) reachable.add(change.inode)
    }
    for (const number of this.orphans) {
      if (reachable.has(number)) continue
      this.inodes.delete(number)
      this.orphans.delete(number)
    }
  }
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`)
}

interface Names {
  names: NameTree
  durableNames: NameTree
  changes: PendingChange[]
}
