import { DiskFailure } from '../disk-failure.ts'
import type { MemoryInode } from './inode.ts'

export type MemoryNode = MemoryFolder | MemoryInode

export class MemoryFolder {
  readonly children: Map<string, MemoryNode> = new Map()
}

/** The names on the way to a place. Throws EINVAL when the path is relative or climbs. */
export function namesOf(path: string): string[] {
  const names = path.split('/').filter((name) => name !== '' && name !== '.')
  if (!path.startsWith('/') || names.includes('..')) throw new DiskFailure('EINVAL', 'path', path)
  return names
}

/** What a path leads to: nothing, or `'blocked'` when the way leads through a file. */
export function findNode(
  root: MemoryFolder,
  names: readonly string[],
): MemoryNode | undefined | 'blocked' {
  let node: MemoryNode = root
  for (const name of names) {
    if (!(node instanceof MemoryFolder)) return 'blocked'
    const next: MemoryNode | undefined = node.children.get(name)
    if (next === undefined) return undefined
    node = next
  }
  return node
}
