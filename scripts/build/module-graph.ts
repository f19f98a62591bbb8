// Which module needs which. A name is taken from the module that declares it, so that one which only passes names on (a
// package's mod.ts) brings nothing along but what is asked for. Our modules do nothing when they are loaded: a module
// whose names nobody wants can stay away.
import type { BundledModule } from './bundle.ts'

/** A name of the module that declares it. */
export interface Owner {
  readonly path: string
  readonly name: string
}

export interface Given {
  /** As users of the module know it. */
  readonly outer: string
  /** Null: a declaration of that very name. */
  readonly from: Owner | null
}

export class ModuleGraph {
  readonly #modules: ReadonlyMap<string, BundledModule>
  /** Modules that are wanted as a whole: loaded by name, or imported with `* as`. */
  readonly #whole: Set<string>

  constructor(modules: ReadonlyMap<string, BundledModule>, entries: readonly string[]) {
    this.#modules = modules
    this.#whole = new Set(entries)
    for (const { shape, targets } of modules.values()) {
      for (const { namespace, specifier } of shape.imports) {
        const target = targets.get(specifier)
        if (namespace !== null && target !== undefined) this.#whole.add(target)
      }
    }
  }

  /** The modules that must have run before this one does. */
  needs(path: string): string[] {
    const { shape, targets } = this.#module(path)
    const needed = new Set<string>()
    for (const { specifier, names, namespace } of shape.imports) {
      const target = targets.get(specifier)
      if (target === undefined) continue
      if (namespace !== null || names.length === 0) needed.add(target)
      for (const { inner } of names) needed.add(this.ownerOf(target, inner).path)
    }
    for (const { from } of this.gives(path)) if (from !== null) needed.add(from.path)
    needed.delete(path)
    return [...needed]
  }

  /** What the module's function returns: everything when it is wanted as a whole, else only what is its own. */
  gives(path: string): Given[] {
    const { shape, targets } = this.#module(path)
    const given: Given[] = shape.declared.map((outer) => ({ outer, from: null }))
    for (const { specifier, names } of shape.exports) {
      if (specifier === null) {
        for (const { inner, outer } of names ?? [])
          given.push({ outer, from: { path, name: inner } })
        continue
      }
      const target = targets.get(specifier)
      if (target === undefined) throw new Error(`${path} passes on names of ${specifier}`)
      if (!this.#whole.has(path)) continue
      const passed = names ?? this.#all(target).map((name) => ({ inner: name, outer: name }))
      for (const { inner, outer } of passed)
        given.push({ outer, from: this.ownerOf(target, inner) })
    }
    return given
  }

  ownerOf(path: string, name: string): Owner {
    const owner = this.#find(path, name)
    if (owner === null) throw new Error(`${path} does not export ${name}`)
    return owner
  }

  #find(path: string, name: string): Owner | null {
    const { shape, targets } = this.#module(path)
    if (shape.declared.includes(name)) return { path, name }
    for (const { specifier, names } of shape.exports) {
      const pair = names?.find(({ outer }) => outer === name)
      if (pair !== undefined) {
        if (specifier === null) return { path, name }
        return this.ownerOf(targets.get(specifier)!, pair.inner)
      }
      const found = names === null ? this.#find(targets.get(specifier!)!, name) : null
      if (found !== null) return found
    }
    return null
  }

  #all(path: string): string[] {
    const { shape, targets } = this.#module(path)
    const passed = shape.exports.flatMap(({ specifier, names }) =>
      names === null ? this.#all(targets.get(specifier!)!) : names.map(({ outer }) => outer),
    )
    return [...shape.declared, ...passed]
  }

  #module(path: string): BundledModule {
    const module = this.#modules.get(path)
    if (module === undefined) throw new Error(`${path} is needed and not there`)
    return module
  }
}
