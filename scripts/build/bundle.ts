// Many small modules become a few files. There each module is a function that runs once, in order, and gives its exports:
//
//   import * as $e0 from 'node:fs'
//   import { $m3 } from '../lib/shared-1.js'
//   const $m7 = (() => {                     // broker/src/broker.js
//     const { readFileSync } = $e0
//     const { Store } = $m3
//     class Broker { … }
//     return { Broker }
//   })()
//   export const { Broker } = $m7            // where the module is one that others load by name
import { posix } from 'node:path'
import { type Chunk, chunksOf } from './chunks.ts'
import { applyEdits, type Edit } from './edits.ts'
import { ModuleGraph } from './module-graph.ts'
import type { ImportStatement, ModuleShape } from './module-shape.ts'

export interface BundledModule {
  readonly path: string
  readonly text: string
  readonly shape: ModuleShape
  /** Specifier → module, of those that are ours. */
  readonly targets: ReadonlyMap<string, string>
  /** Names of files in other places than import statements; they depend on where the module will stand. */
  readonly named: readonly NamedFile[]
}

export interface NamedFile {
  readonly start: number
  readonly end: number
  /** What it is called by a file at `from`. */
  readonly nameFrom: (from: string) => string
}

export interface BundleInput {
  readonly modules: ReadonlyMap<string, BundledModule>
  readonly entries: readonly string[]
  /** Where an entry is loaded from. */
  readonly placeOf: (path: string) => string
}

const RESERVED = /\$[em]\d/

/** Place in the package → text. */
export function bundle(input: BundleInput): Map<string, string> {
  return new Bundle(input).run()
}

class Bundle {
  readonly #input: BundleInput
  readonly #graph: ModuleGraph
  readonly #names = new Map<string, string>()
  readonly #places = new Map<string, string>()

  constructor(input: BundleInput) {
    this.#input = input
    this.#graph = new ModuleGraph(input.modules, input.entries)
  }

  run(): Map<string, string> {
    const { modules, entries, placeOf } = this.#input
    const imports = new Map([...modules.keys()].map((path) => [path, this.#graph.needs(path)]))
    const chunks = chunksOf({ imports, entries })
    let shared = 0
    const placed = chunks.map((chunk) => {
      const place = chunk.entry === null ? `lib/shared-${++shared}.js` : placeOf(chunk.entry)
      for (const path of chunk.modules) {
        this.#places.set(path, place)
        this.#names.set(path, `$m${this.#names.size}`)
      }
      return { chunk, place }
    })
    const files = new Map<string, string>()
    for (const { chunk, place } of placed) files.set(place, this.#chunkText(chunk, place))
    for (const entry of entries) {
      const place = placeOf(entry)
      const here = this.#places.get(entry) === place
      const text = here ? files.get(place)! : this.#importText(place, [entry])
      files.set(place, text + this.#exportText(entry))
    }
    return files
  }

  #chunkText({ entry, modules }: Chunk, place: string): string {
    // What one entry alone needs, nobody else imports: it shows only what the entry exports.
    const keyword = entry === null ? 'export const' : 'const'
    const externals = new Map<string, string>()
    const bodies = modules.map((path) => {
      const module = this.#input.modules.get(path)!
      const body = this.#moduleText(module, place, externals)
      return `${keyword} ${this.#names.get(path)} = (() => { // ${path}\n${body}\n})();\n`
    })
    const foreign = modules.flatMap((path) => this.#graph.needs(path))
    const others = [...new Set(foreign)].filter((path) => this.#places.get(path) !== place)
    const outside = [...externals].map(([from, name]) => `import * as ${name} from '${from}';\n`)
    return outside.join('') + this.#importText(place, others) + bodies.join('')
  }

  /** The function's body: imports become constants, exports what is returned. */
  #moduleText(module: BundledModule, place: string, externals: Map<string, string>): string {
    const { path, text, shape, named } = module
    const [problem] = shape.problems
    if (problem !== undefined) throw new Error(`${path} ${problem}: it cannot be bundled`)
    if (RESERVED.test(text)) throw new Error(`${path} uses a name that the bundle needs`)
    const edits: Edit[] = named.map((one) => ({
      start: one.start,
      end: one.end,
      text: one.nameFrom(place),
    }))
    for (const statement of shape.imports) {
      const { start, end } = statement
      edits.push({ start, end, text: this.#constants(module, statement, externals) })
    }
    for (const { start, end } of shape.exports) edits.push({ start, end, text: '' })
    for (const { start, end } of shape.keywords) edits.push({ start, end, text: '' })
    const body = applyEdits(text, edits)
      .replace(/\n{2,}/g, '\n')
      .trim()
    const given = this.#graph.gives(path).map(({ outer, from }) => {
      if (from === null) return outer
      const { name, path: owner } = from
      const inner = owner === path ? name : `${this.#names.get(owner)}.${name}`
      return inner === outer ? outer : `${outer}: ${inner}`
    })
    return `${body}\nreturn { ${given.join(', ')} };`
  }

  /** What an import statement becomes: each name comes from the module that declares it, whatever passes it on. */
  #constants(
    module: BundledModule,
    { specifier, names, namespace }: ImportStatement,
    externals: Map<string, string>,
  ): string {
    const target = module.targets.get(specifier)
    const whole =
      target === undefined ? externalName(externals, specifier) : this.#names.get(target)
    const lines = namespace === null ? [] : [`const ${namespace} = ${whole};`]
    const owners = Map.groupBy(names, ({ inner }) =>
      target === undefined ? '' : this.#graph.ownerOf(target, inner).path,
    )
    for (const [owner, list] of owners) {
      const parts = list.map(({ inner, outer }) => {
        const name = target === undefined ? inner : this.#graph.ownerOf(target, inner).name
        return name === outer ? name : `${name}: ${outer}`
      })
      const from = owner === '' ? whole : this.#names.get(owner)
      lines.push(`const { ${parts.join(', ')} } = ${from};`)
    }
    return lines.join(' ')
  }

  #importText(place: string, paths: readonly string[]): string {
    const byPlace = Map.groupBy(paths, (path) => this.#places.get(path)!)
    const lines = [...byPlace].map(([from, list]) => {
      const names = list.map((path) => this.#names.get(path)).join(', ')
      return `import { ${names} } from '${relativeName(place, from)}';\n`
    })
    return lines.join('')
  }

  #exportText(entry: string): string {
    const names = this.#graph.gives(entry).map(({ outer }) => outer)
    if (names.length === 0) return ''
    return `export const { ${names.join(', ')} } = ${this.#names.get(entry)};\n`
  }
}

function externalName(externals: Map<string, string>, specifier: string): string {
  const known = externals.get(specifier)
  if (known !== undefined) return known
  const name = `$e${externals.size}`
  externals.set(specifier, name)
  return name
}

export function relativeName(from: string, to: string): string {
  const name = posix.relative(posix.dirname(from), to)
  return name.startsWith('.') ? name : `./${name}`
}
