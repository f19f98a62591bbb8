import { DiskFailure, diskFailure } from '../disk-failure.ts'
import type { Clock, Disk, DiskFile, DiskPiece, Done } from '../ports.ts'
import { MemoryDiskFile } from './disk-file.ts'
import { findNode, MemoryFolder, type MemoryNode, namesOf } from './folder.ts'
import { MemoryBudget, MemoryInode } from './inode.ts'

export interface MemoryDiskOptions {
  /** Tells change times, and when asynchronous calls end: `soon`. */
  clock: Clock
  /** Bytes of memory that files may take; beyond it writes fail with ENOSPC. Default 4 GiB. */
  capacityBytes?: number
}

const CAPACITY_BYTES = 4 * 1024 ** 3

/**
 * A disk in memory, for as long as its object lives: files cost what was written to them, holes nothing. It is for brokers
 * inside tests. There is nothing to lose and so nothing to sync; a disk that can crash is `@apogee/env/sim`'s.
 */
export class MemoryDisk implements Disk {
  private readonly clock: Clock
  private readonly budget: MemoryBudget
  private readonly root = new MemoryFolder()
  private readonly locks = new Set<string>()

  constructor(options: MemoryDiskOptions) {
    this.clock = options.clock
    this.budget = new MemoryBudget(options.capacityBytes ?? CAPACITY_BYTES)
  }

  /** Bytes of memory taken by pages of 4 KiB. */
  get usedBytes(): number {
    return this.budget.used
  }

  open(path: string, options: { create?: boolean; size?: number } = {}): DiskFile {
    const names = namesOf(path)
    const found = findNode(this.root, names)
    if (found instanceof MemoryFolder) throw new DiskFailure('EISDIR', 'open', path)
    const inode = found instanceof MemoryInode ? found : this.create(path, names, options.create)
    if (inode.size < (options.size ?? 0)) inode.setSize(options.size ?? 0)
    return new MemoryDiskFile(`/${names.join('/')}`, inode, this.clock)
  }

  exists(path: string): boolean {
    return isNode(findNode(this.root, namesOf(path)))
  }

  list(folder: string): string[] {
    const node = findNode(this.root, namesOf(folder))
    if (node === undefined) return []
    if (!(node instanceof MemoryFolder)) throw new DiskFailure('ENOTDIR', 'readdir', folder)
    return [...node.children.keys()].sort()
  }

  stat(
    path: string,
  ): { size: number; allocated: number; modifiedMs: number; isFolder: boolean } | null {
    const node = findNode(this.root, namesOf(path))
    if (!isNode(node)) return null
    if (node instanceof MemoryFolder) {
      return { size: 4096, allocated: 0, modifiedMs: 0, isFolder: true }
    }
    const { size, allocated, modifiedMs } = node
    return { size, allocated, modifiedMs, isFolder: false }
  }

  makeFolder(folder: string): void {
    this.folderAt('mkdir', folder, namesOf(folder), 'EEXIST')
  }

  rename(from: string, to: string): void {
    const [source, target] = [namesOf(from), namesOf(to)]
    const sourceFolder = this.parentOf('rename', from, source)
    const targetFolder = this.parentOf('rename', to, target)
    const moved = sourceFolder.children.get(source.at(-1)!)
    if (moved === undefined) throw new DiskFailure('ENOENT', 'rename', from)
    if (isBelow(target, source)) throw new DiskFailure('EINVAL', 'rename', to)
    if (isBelow(source, target)) throw new DiskFailure('ENOTEMPTY', 'rename', to)
    const replaced = targetFolder.children.get(target.at(-1)!)
    if (replaced === moved) return
    if (replaced !== undefined) checkReplace(moved, replaced, to)
    sourceFolder.children.delete(source.at(-1)!)
    targetFolder.children.set(target.at(-1)!, moved)
    if (replaced instanceof MemoryInode) replaced.release()
  }

  remove(path: string): void {
    const names = namesOf(path)
    const node = findNode(this.root, names)
    if (node === undefined) return
    if (node === 'blocked') throw new DiskFailure('ENOTDIR', 'remove', path)
    if (node instanceof MemoryFolder && node.children.size > 0) {
      throw new DiskFailure('ENOTEMPTY', 'remove', path)
    }
    this.parentOf('remove', path, names).children.delete(names.at(-1)!)
    if (node instanceof MemoryInode) node.release()
  }

  syncDirectory(folder: string): void {
    const node = findNode(this.root, namesOf(folder))
    if (node === undefined) throw new DiskFailure('ENOENT', 'fsync', folder)
    if (!(node instanceof MemoryFolder)) throw new DiskFailure('ENOTDIR', 'fsync', folder)
  }

  space(_path: string): { total: number; free: number } {
    const { capacityBytes, used } = this.budget
    return { total: capacityBytes, free: capacityBytes - used }
  }

  writeMany(pieces: readonly DiskPiece[], _options: { sync: boolean }, done: Done): void {
    let error: DiskFailure | null = null
    for (const piece of pieces) {
      error = this.writePiece(piece)
      if (error !== null) break
    }
    this.clock.soon(() => done(error))
  }

  lock(path: string): { release(): void } | null {
    const name = `/${namesOf(path).join('/')}`
    const file = this.open(path, { create: true })
    if (file.size() === 0) file.writeNow(Buffer.from('lock'), 0)
    file.close()
    if (this.locks.has(name)) return null
    this.locks.add(name)
    let isHeld = true
    return {
      release: (): void => {
        if (isHeld) this.locks.delete(name)
        isHeld = false
      },
    }
  }

  private writePiece({ path, size, position, bytes }: DiskPiece): DiskFailure | null {
    try {
      const file = this.open(path, { create: true, size })
      try {
        file.writeNow(bytes, position)
      } finally {
        file.close()
      }
      return null
    } catch (error) {
      return diskFailure(error, 'writeMany', path)
    }
  }

  private create(path: string, names: readonly string[], create = false): MemoryInode {
    if (!create) {
      const isBlocked = findNode(this.root, names) === 'blocked'
      throw new DiskFailure(isBlocked ? 'ENOTDIR' : 'ENOENT', 'open', path)
    }
    const folder = this.folderAt('open', path, names.slice(0, -1), 'ENOTDIR')
    const inode = new MemoryInode(this.budget, this.clock.wallMs())
    inode.acquire()
    folder.children.set(names.at(-1)!, inode)
    return inode
  }

  /** The folder of these names, made when missing; `isFile` is the code when the last of them is a file. */
  private folderAt(
    call: string,
    path: string,
    names: readonly string[],
    isFile: string,
  ): MemoryFolder {
    let folder = this.root
    for (const [index, name] of names.entries()) {
      let next = folder.children.get(name)
      if (next instanceof MemoryInode) {
        const code = index === names.length - 1 ? isFile : 'ENOTDIR'
        throw new DiskFailure(code, call, path)
      }
      if (next === undefined) {
        next = new MemoryFolder()
        folder.children.set(name, next)
      }
      folder = next
    }
    return folder
  }

  private parentOf(call: string, path: string, names: readonly string[]): MemoryFolder {
    const parent = findNode(this.root, names.slice(0, -1))
    if (names.length > 0 && parent instanceof MemoryFolder) return parent
    throw new DiskFailure(parent === undefined ? 'ENOENT' : 'ENOTDIR', call, path)
  }
}

function isNode(node: MemoryNode | undefined | 'blocked'): node is MemoryNode {
  return node !== undefined && node !== 'blocked'
}

function isBelow(names: readonly string[], folder: readonly string[]): boolean {
  return names.length > folder.length && folder.every((name, index) => names[index] === name)
}

function checkReplace(moved: MemoryNode, replaced: MemoryNode, to: string): void {
  if (replaced instanceof MemoryFolder) {
    if (moved instanceof MemoryInode) throw new DiskFailure('EISDIR', 'rename', to)
    if (replaced.children.size > 0) throw new DiskFailure('ENOTEMPTY', 'rename', to)
  } else if (moved instanceof MemoryFolder) throw new DiskFailure('ENOTDIR', 'rename', to)
}
