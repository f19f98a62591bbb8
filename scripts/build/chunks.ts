// Which modules share a file. What is always loaded together goes together: most of the time that a program of hundreds of
// small modules takes to start goes into finding and opening them.

export interface ChunkInput {
  /** Module → what it imports in statements. */
  readonly imports: ReadonlyMap<string, readonly string[]>
  /** Modules that something loads by name: exports, programs, workers, targets of `import()`. */
  readonly entries: readonly string[]
}

export interface Chunk {
  /** The entry that alone needs it, or null when several do. */
  readonly entry: string | null
  /** Each after what it imports. */
  readonly modules: readonly string[]
}

/** Throws when modules import one another in a circle. */
export function chunksOf({ imports, entries }: ChunkInput): Chunk[] {
  const order = [...new Set(entries.flatMap((entry) => orderFrom(entry, imports)))]
  const users = new Map<string, string[]>(order.map((path) => [path, []]))
  for (const entry of [...entries].sort()) {
    for (const path of orderFrom(entry, imports)) users.get(path)?.push(entry)
  }
  const groups = Map.groupBy(order, (path) => users.get(path)?.join(' ') ?? '')
  return [...groups.values()].map((modules) => {
    const [only, second] = users.get(modules[0]!) ?? []
    return { entry: second === undefined ? (only ?? null) : null, modules }
  })
}

/** A module with everything it imports, what is needed first. */
function orderFrom(entry: string, imports: ReadonlyMap<string, readonly string[]>): string[] {
  const order = new Set<string>()
  const onPath = new Set<string>()
  const visit = (path: string): void => {
    if (order.has(path)) return
    if (onPath.has(path)) throw new Error(`${[...onPath, path].join(' imports ')}: a circle`)
    onPath.add(path)
    for (const target of imports.get(path) ?? []) visit(target)
    onPath.delete(path)
    order.add(path)
  }
  visit(entry)
  return [...order]
}
