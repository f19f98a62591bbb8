import { createHash } from 'node:crypto'

/**
 * Points on a circle of 2^32, each of one node (Java: ConsistentHashRouter with its MD5Hash). A node's points are the
 * hashes of `node-0`, `node-1` and so on; a hash is the first four bytes of the MD5 of the UTF-8 text, read as an
 * unsigned number.
 */
export interface HashRing {
  /** Ascending, no two alike. */
  readonly points: readonly number[]
  /** Node of the point at the same index. */
  readonly nodes: readonly string[]
}

export function hashOf(text: string): number {
  return createHash('md5').update(text, 'utf8').digest().readUInt32BE(0)
}

/** Where points of two nodes meet, the later node in the order of `nodes` has the place, as in Java's map. */
export function buildHashRing(nodes: readonly string[], virtualNodes: number): HashRing {
  const nodeOfPoint = new Map<number, string>()
  for (const node of nodes) {
    for (let i = 0; i < virtualNodes; i++) nodeOfPoint.set(hashOf(`${node}-${i}`), node)
  }
  const points = [...nodeOfPoint.keys()].sort((a, b) => a - b)
  return { points, nodes: points.map((point) => nodeOfPoint.get(point) ?? '') }
}

/** The node whose point is the first at or after the key's, round the circle; null without nodes. */
export function nodeOf(ring: HashRing, key: string): string | null {
  const { points, nodes } = ring
  if (points.length === 0) return null
  const hash = hashOf(key)
  let low = 0
  let high = points.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((points[middle] ?? 0) < hash) low = middle + 1
    else high = middle
  }
  return nodes[low === points.length ? 0 : low] ?? null
}
