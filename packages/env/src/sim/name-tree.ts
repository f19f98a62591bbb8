import { DiskFailure } from '../disk-failure.ts'

/** A file is named by the number of its inode. */
export type NameNode = Folder | number

export class Folder {
  readonly children: Map<string, NameNode> = new Map()
}

/**
 * One change of a folder's names; a renamed file brings its inode along, since its old name may never have been durable.
 * It is durable once a folder it touches has been synced after it.
 */
export type NameChange =
  | { kind: 'create'; path: string; inode: number }
  | { kind: 'makeFolder'; path: string }
  | { kind: 'remove'; path: string }
  | { kind: 'rename'; from: string; to: string; inode: number | null }

/** The folders whose sync makes `change` durable. */
export function foldersOf(change: NameChange): string[] {
  if (change.kind !== 'rename') return [folderOf(change.path)]
  const from = folderOf(change.from)
  const to = folderOf(change.to)
  return from === to ? [from] : [from, to]
}

/** All names of a disk, as a tree from `/`. Paths are as `normalPath` spells them. */
export class NameTree {
  private root = new Folder()

  find(path: string): NameNode | undefined {
    let node: NameNode | undefined = this.root
    for (const name of namesOf(path)) {
      if (!(node instanceof Folder)) return undefined
      node = node.children.get(name)
    }
    return node
  }

  /** Makes the change; false when the folder for it does not exist here (its own creation was lost). */
  apply(change: NameChange): boolean {
    const path = change.kind === 'rename' ? change.to : change.path
    const folder = this.find(folderOf(path))
    if (!(folder instanceof Folder)) return false
    const name = lastName(path)
    switch (change.kind) {
      case 'create':
        folder.children.set(name, change.inode)
        return true
      case 'makeFolder':
        if (!folder.children.has(name)) folder.children.set(name, new Folder())
        return true
      case 'remove':
        folder.children.delete(name)
        return true
      case 'rename': {
        const source = this.find(folderOf(change.from))
        const old = this.find(change.from)
        const moved = change.inode ?? old
        if (moved === undefined) return false
        if (source instanceof Folder && (change.inode === null || old === change.inode)) {
          source.children.delete(lastName(change.from))
        }
        folder.children.set(name, moved)
        return true
      }
    }
  }

  clone(): NameTree {
    const tree = new NameTree()
    tree.root = cloneFolder(this.root)
    return tree
  }

  /** Every file, by path. */
  *files(): Generator<[path: string, inode: number]> {
    yield* filesOf('', this.root)
  }
}

export function folderOf(path: string): string {
  const slash = path.lastIndexOf('/')
  return slash <= 0 ? '/' : path.slice(0, slash)
}

export function lastName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** The one spelling of a path. Throws EINVAL when it is relative or climbs. */
export function normalPath(path: string): string {
  return `/${namesOf(path).join('/')}`
}

function namesOf(path: string): string[] {
  const names = path.split('/').filter((name) => name !== '' && name !== '.')
  if (!path.startsWith('/') || names.includes('..')) throw new DiskFailure('EINVAL', 'path', path)
  return names
}

function cloneFolder(folder: Folder): Folder {
  const copy = new Folder()
  for (const [name, node] of folder.children) {
    copy.children.set(name, node instanceof Folder ? cloneFolder(node) : node)
  }
  return copy
}

function* filesOf(path: string, folder: Folder): Generator<[path: string, inode: number]> {
  for (const [name, node] of folder.children) {
    if (node instanceof Folder) yield* filesOf(`${path}/${name}`, node)
    else yield [`${path}/${name}`, node]
  }
}
